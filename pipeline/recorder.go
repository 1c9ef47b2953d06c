package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
	"github.com/vedette-cctv/vedette/storage"
)

// Recorder makes incidents durable: for each one a goroutine that writes the record, the
// pictures and the clip, in that order, and hands them to storage. Every step is re-entrant:
// Resume finishes what a crash left.
type Recorder struct {
	Spool *storage.Spool
	Index storage.Index
	// Kick wakes the uploader.
	Kick func()
	// Publish tells people about a record that is durable in the index, or that cannot be
	// made durable just now: an alert must not wait for a broken disk.
	Publish func(in models.Incident)
	Log     *slog.Logger
	// Enter, when set, logs an incident at the desk before it is stored for the first time:
	// its site, presets, deadlines. Raised is called within the change of the record when
	// detection has raised its severity since, with the one before. Neither may wait.
	Enter  func(in *models.Incident)
	Raised func(in *models.Incident, before models.Severity)
	// Closing, when closed, lets recordings give up on an index that does not answer: the
	// record lies in the spool, and the next start brings it to the index.
	Closing <-chan struct{}

	trouble trouble

	mu    sync.Mutex
	open  map[models.IncidentID]*recording
	byCam map[models.CameraID]*sync.WaitGroup
}

// Recording is what the recorder needs to know about an incident that opens.
type Recording struct {
	Frame             models.Frame // of the alarm
	Foreground        *image.Gray  // what moved in it, 255 = foreground; nil when unknown
	Name              string       // of the camera, for people
	PreRoll, PostRoll time.Duration
	Cursor            *clip.Cursor // begins at the arrival minus the pre-roll; the recorder closes it
	// Until, when set, is where the clip ends, however long the incident goes on; else it
	// ends PostRoll after the incident.
	Until models.Instant
	// Clock, when set, says how the camera's clock stands to ours now.
	Clock func() (offset time.Duration, drift float64)
}

// stepQueue bounds the changes of one incident that wait for the disk. When it is full
// the lane waits, and sheds frames.
const stepQueue = 16

// Open starts to record an incident. It does not wait for the disk.
func (r *Recorder) Open(ch incident.Change, rec Recording) {
	w := &recording{recorder: r, Recording: rec, in: ch.Incident,
		steps: make(chan incident.Change, stepQueue), log: r.Log.With("incident", ch.Incident.ID)}
	w.in.Opened = time.Now()
	w.in.Footage = models.Footage{State: models.FootageRecording, AskedFrom: ch.Start.Wall.Add(-rec.PreRoll), AskedTo: rec.Until.Wall}
	w.tellClock(&w.in.Footage)
	w.ended = w.in.Footage
	if r.Enter != nil {
		r.Enter(&w.in)
	}
	r.mu.Lock()
	if r.open == nil {
		r.open, r.byCam = map[models.IncidentID]*recording{}, map[models.CameraID]*sync.WaitGroup{}
	}
	r.open[w.in.ID] = w
	wg := r.byCam[w.in.Camera]
	if wg == nil {
		wg = &sync.WaitGroup{}
		r.byCam[w.in.Camera] = wg
	}
	wg.Add(1)
	r.mu.Unlock()
	go func() {
		defer wg.Done()
		w.run()
	}()
}

// Change passes on a change of an incident that Open has seen.
func (r *Recorder) Change(ch incident.Change) {
	r.mu.Lock()
	w := r.open[ch.Incident.ID]
	if ch.Step == incident.Ended {
		delete(r.open, ch.Incident.ID)
	}
	r.mu.Unlock()
	if w != nil {
		w.steps <- ch
		if ch.Step == incident.Ended {
			close(w.steps)
		}
	}
}

// WaitCamera waits until every recording of the camera is in storage's hands. All its
// incidents must have ended.
func (r *Recorder) WaitCamera(id models.CameraID) {
	r.mu.Lock()
	wg := r.byCam[id]
	r.mu.Unlock()
	if wg != nil {
		wg.Wait()
	}
}

// save writes the record to the index, for ever trying again: the index may be locked,
// its disk full, its server away. The record also lies in the spool meanwhile.
func (w *recording) save(change func(*models.Incident)) {
	r := w.recorder
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		in, err := r.Index.Update(ctx, w.in.ID, func(in *models.Incident) error { change(in); return nil })
		if errors.Is(err, fs.ErrNotExist) {
			next := w.in
			change(&next)
			in, err = r.Index.Create(ctx, next)
		}
		cancel()
		if err == nil {
			w.in = in
			if w.entry != nil {
				if err := w.entry.Save(in); err != nil {
					w.log.Warn("save record to spool", "err", err)
				}
			}
			r.Publish(in)
			return
		}
		w.log.Error("save incident; will try again", "err", err, "in", wait)
		change(&w.in)
		if w.entry != nil {
			if err := w.entry.Save(w.in); err != nil {
				w.log.Warn("save record to spool", "err", err)
			}
		}
		r.Publish(w.in)
		select {
		case <-time.After(wait):
		case <-r.Closing:
			return
		}
	}
}

// recording is one incident on its way to storage. All fields belong to its goroutine.
type recording struct {
	Recording
	recorder *Recorder
	in       models.Incident
	steps    chan incident.Change
	entry    *storage.Entry // nil when the spool refused it
	ended    models.Footage // how the camera's clock stood when the clip ended
	log      *slog.Logger
}

// ownID gives the incident another name when one from another time has its own: an ID is
// made from what happened, and clocks are set back. An index that does not answer at once
// must not keep an alert; then the name stays.
func (w *recording) ownID() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	given := w.in.ID
	for n := 2; ; n++ {
		_, inSpool := w.recorder.Spool.Entry(w.in.ID)
		if _, err := w.recorder.Index.Get(ctx, w.in.ID); err != nil && !inSpool {
			return
		}
		w.in.ID = models.IncidentID(fmt.Sprintf("%s-%d", given, n))
	}
}

func (w *recording) run() {
	defer w.Cursor.Close()
	r := w.recorder
	w.ownID()
	entry, err := r.Spool.Begin(w.in)
	refused := err
	if err == nil {
		w.entry = entry
	} else {
		w.log.Error("begin evidence", "err", err)
		w.in.Footage.State = models.FootageNone
		r.disk(w.in.Camera, err)
	}
	// The past lies in memory only, so it goes to the disk at once, beside the record.
	camera := w.in.Camera
	cutter := &cutter{cursor: w.Cursor, entry: w.entry, log: w.log, title: w.title(),
		allow: r.Spool.Allow, onDisk: func(err error) { r.disk(camera, err) }}
	done := make(chan struct{})
	until := w.Until
	if !until.IsZero() { // before it runs: what the ring holds is copied at once
		cutter.stopAt(until, w.PostRoll)
	}
	if w.entry != nil {
		go func() {
			defer close(done)
			cutter.run()
			if w.Until.IsZero() { // else what counts is the clock at the alarm
				w.tellClock(&w.ended)
			}
		}()
	} else {
		close(done)
	}
	footage := w.in.Footage
	w.save(func(in *models.Incident) { in.Footage = footage })
	if w.entry != nil {
		// The alert is out; its pictures follow, and people are told again.
		w.stills()
		w.save(func(*models.Incident) {})
	}
	for ch := range w.steps {
		if ch.Step == incident.Ended && w.Until.IsZero() {
			until = ch.End.Add(w.PostRoll)
			cutter.endAt(until, w.PostRoll)
		}
		w.save(func(in *models.Incident) {
			before := in.Severity
			if incident.Merge(in, ch.Incident); in.Severity != before && r.Raised != nil {
				r.Raised(in, before)
			}
			in.Footage.AskedTo = until.Wall // so that a restart knows what was still to come
		})
	}
	<-done
	if w.entry == nil {
		w.save(func(in *models.Incident) {
			in.Footage.AskedTo = until.Wall
			in.Footage.Gaps = []models.Gap{{From: in.Footage.AskedFrom, To: until.Wall, Cause: models.CauseDisk, Note: refused.Error()}}
			incident.Note(in, incident.Program, "footage refused", refused.Error(), time.Now())
		})
		return
	}
	w.finish(cutter.result(w.in.Footage.AskedFrom, until))
}

// stills writes the annotated still, the bare picture, the picture of why the rule fired
// and the mask of what moved; an incident without them is still an incident.
func (w *recording) stills() {
	for _, p := range []struct {
		file string
		make func() ([]byte, error) // nil when there is nothing to show
	}{
		{storage.StillFile, w.still},
		{storage.PictureFile, w.picture},
		{storage.WhyFile, w.why},
		{storage.MaskFile, w.mask},
	} {
		data, err := p.make()
		if err == nil && data != nil {
			err = w.entry.Write(p.file, data)
		}
		if err != nil {
			w.log.Error("write picture", "file", p.file, "err", err)
		}
	}
}

func (w *recording) still() ([]byte, error) {
	if w.Frame.Picture == nil {
		return nil, nil
	}
	var path []models.PathPoint
	if len(w.in.Events) > 0 {
		path = w.in.Events[0].Path
	}
	return snapshot.Still(w.Frame, snapshot.Marks{Zone: w.in.Polygon, Path: path, Box: w.in.Box,
		Title: w.title(), Subtitle: w.subtitle(), Severity: w.in.Severity})
}

func (w *recording) picture() ([]byte, error) {
	if w.Frame.Picture == nil {
		return nil, nil
	}
	return snapshot.Picture(w.Frame, 0)
}

func (w *recording) why() ([]byte, error) {
	return snapshot.Card(w.Frame, snapshot.Reasons{Incident: w.in, Name: w.Name, Moving: w.Foreground})
}

func (w *recording) mask() ([]byte, error) {
	if w.Foreground == nil {
		return nil, nil
	}
	var out bytes.Buffer
	if err := png.Encode(&out, w.Foreground); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return out.Bytes(), nil
}

// tellClock notes how the camera's clock stands to ours, which a court asks.
func (w *recording) tellClock(f *models.Footage) {
	if w.Clock != nil {
		f.ClockOffset, f.ClockDrift = w.Clock()
	}
}

func (w *recording) title() string {
	name := w.Name
	if name == "" {
		name = string(w.in.Camera)
	}
	if w.in.Zone != "" { // trouble with the camera itself has no zone
		name += " · " + string(w.in.Zone)
	}
	return name + " · " + strings.ReplaceAll(string(w.in.Kind), "_", " ")
}

func (w *recording) subtitle() string {
	s := w.in.Alarm.Local().Format("2006-01-02 15:04:05.000 MST")
	if dwell := w.in.Alarm.Sub(w.in.Start); dwell >= time.Second {
		s += " · " + dwell.Round(100*time.Millisecond).String() + " since arrival"
	}
	return s
}

// finish turns the fragments into clips and hands the entry to the uploader.
func (w *recording) finish(res footage) {
	files := append(finishParts(w.entry, res.parts, w.log), stillFiles(w.entry)...)
	res.expect(w.entry, w.log)
	w.save(func(in *models.Incident) {
		res.describe(&in.Footage)
		in.Footage.ClockOffset, in.Footage.ClockDrift = w.ended.ClockOffset, w.ended.ClockDrift
	})
	if err := w.entry.Ready(w.in, files); err != nil {
		w.log.Error("hand over evidence; start-up will try again", "err", err)
		return
	}
	w.recorder.Kick()
}
