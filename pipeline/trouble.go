package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

// trouble is the incident that says that footage had to be refused. There is one for as
// long as the disk refuses, however many incidents ask.
type trouble struct {
	mu   sync.Mutex
	open *models.Incident
	wg   sync.WaitGroup

	archive  *models.Incident // the same for continuous footage, which is refused earlier
	refusing map[models.CameraID]bool
}

// disk is told how the disk took footage of a camera: err when it refused, nil when it
// accepted.
func (r *Recorder) disk(camera models.CameraID, err error) {
	t := &r.trouble
	t.mu.Lock()
	defer t.mu.Unlock()
	r.tellDisk(&t.open, "storage", "footage", camera, err)
}

// archiveDisk is told how the disk took continuous footage of a camera. The incident ends
// when it refuses that of no camera any more.
func (r *Recorder) archiveDisk(camera models.CameraID, err error) {
	t := &r.trouble
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if t.refusing == nil {
			t.refusing = map[models.CameraID]bool{}
		}
		t.refusing[camera] = true
	} else if delete(t.refusing, camera); len(t.refusing) > 0 {
		return
	}
	r.tellDisk(&t.archive, "archive", "continuous footage", camera, err)
}

// tellDisk opens or ends the incident about one kind of footage; r.trouble.mu is held.
func (r *Recorder) tellDisk(open **models.Incident, suffix, what string, camera models.CameraID, err error) {
	now := time.Now()
	switch {
	case err != nil && *open == nil:
		in := models.Incident{
			ID:     models.IncidentID(fmt.Sprintf("%s-%s-%s", now.UTC().Format("20060102T150405.000Z"), camera, suffix)),
			Camera: camera, Kind: models.KindStorage, Severity: models.SeverityHigh, State: models.StateNew,
			Start: now, Alarm: now, Opened: now, Footage: models.Footage{State: models.FootageNone},
		}
		if r.Enter != nil {
			r.Enter(&in)
		}
		incident.Note(&in, incident.Program, what+" refused", err.Error(), now)
		*open = &in
		r.tellTrouble(in, func(*models.Incident) {})
	case err == nil && *open != nil:
		in := **open
		*open = nil
		in.End = now
		r.tellTrouble(in, func(got *models.Incident) {
			got.End = now
			incident.Note(got, incident.Program, what+" accepted again", "", now)
		})
	}
}

// tellTrouble saves and publishes without holding up the footage. The index may lie on
// the disk that is full: then people are told all the same, and the record is what the
// log says.
func (r *Recorder) tellTrouble(in models.Incident, change func(*models.Incident)) {
	r.trouble.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		saved, err := r.Index.Create(ctx, in)
		if err == nil {
			saved, err = r.Index.Update(ctx, in.ID, func(got *models.Incident) error { change(got); return nil })
		}
		if err == nil {
			in = saved
		}
		if err != nil {
			r.Log.Error("save storage incident", "incident", in.ID, "err", err)
		}
		r.Publish(in)
	})
}
