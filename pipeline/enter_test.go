package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// What detection finds is logged at the desk: it has a site, presets and deadlines from
// the first record on, and its deadlines follow when detection raises its severity.
func TestDetectionsAreEnteredAtTheDesk(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{})
	desk := incident.Desk{Policy: models.Policy{
		Places: map[models.CameraID]models.Place{"gate": {Site: "yard"}},
		Levels: map[models.Severity]models.Level{"medium": {Acknowledge: time.Hour}, "critical": {Acknowledge: time.Minute}},
	}}
	b.recorder.Enter = func(in *models.Incident) { desk.Log(in, in.Opened.UTC()) }
	b.recorder.Raised = func(in *models.Incident, before models.Severity) { desk.Raised(in, before, time.Now().UTC()) }
	ring := &clip.Buffer{Window: time.Minute}
	fill(t, ring, media, 0, 20)
	opened, ended := changes(10, 12, 14)
	b.recorder.Open(opened, Recording{PreRoll: time.Second, PostRoll: time.Second, Cursor: ring.Cursor(9 * time.Second)})
	worse := opened
	worse.Step, worse.Incident.Severity = incident.Changed, models.SeverityCritical
	b.recorder.Change(worse)
	ended.Incident.Severity = models.SeverityCritical
	b.recorder.Change(ended)
	b.recorder.WaitCamera("gate")
	in := b.stored(t, opened.Incident.ID)
	b.mu.Lock()
	first := b.told[0]
	b.mu.Unlock()
	if first.Site != "yard" || first.Number != 1 || len(first.Deadlines) != 1 || first.Deadlines[0].Due != first.Opened.UTC().Add(time.Hour) {
		t.Errorf("people were told of %+v", first)
	}
	raised := func(a models.Action) bool { return a.What == "severity raised" && a.Who == incident.Program }
	if in.Severity != models.SeverityCritical || in.Deadlines[0].Within != time.Minute || !slices.ContainsFunc(in.Log, raised) {
		t.Errorf("raised: %s, %+v, %+v", in.Severity, in.Deadlines, in.Log)
	}
}
