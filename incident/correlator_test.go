package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

var day = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func at(s float64) models.Instant {
	d := time.Duration(s * float64(time.Second))
	return models.Instant{Media: d, Wall: day.Add(d)}
}

// step is one call in the life of a correlator, in seconds of media time.
type step struct {
	t     float64 // of the call
	began string  // "id/track/zone/kind/start"
	ended string  // "id/end"
	merge time.Duration
	sev   models.Severity
	box   models.Box
}

func play(t *testing.T, steps []step, until float64) string {
	t.Helper()
	c := Correlator{Version: "test"}
	c.Apply(models.Watch{Zones: []models.Zone{{ID: "door", Polygon: models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}}})
	var log []string
	names := map[models.IncidentID]string{}
	note := func(changes []Change) {
		for _, ch := range changes {
			if names[ch.Incident.ID] == "" {
				names[ch.Incident.ID] = string(rune('A' + len(names)))
			}
			s := fmt.Sprintf("%s %s", names[ch.Incident.ID], ch.Step)
			if ch.Step == Ended {
				s += fmt.Sprintf("@%g", ch.Incident.End.Sub(day).Seconds())
			}
			log = append(log, s)
		}
	}
	began := map[int64]models.Event{}
	for _, st := range steps {
		note(c.Advance(at(st.t)))
		if st.began != "" {
			var id, track int64
			var zone, kind string
			var start float64
			if _, err := fmt.Sscanf(strings.ReplaceAll(st.began, "/", " "), "%d %d %s %s %g", &id, &track, &zone, &kind, &start); err != nil {
				t.Fatal(err)
			}
			e := models.Event{ID: id, Phase: models.PhaseBegan, Camera: "gate", Zone: models.ZoneID(zone), Track: models.TrackID(track),
				Rule: models.Rule{Kind: models.Kind(kind), Merge: st.merge, Severity: st.sev}, Start: at(start), Alarm: at(st.t), Box: st.box}
			began[id] = e
			note(c.Handle(e))
		}
		if st.ended != "" {
			var id int64
			var end float64
			if _, err := fmt.Sscanf(strings.ReplaceAll(st.ended, "/", " "), "%d %g", &id, &end); err != nil {
				t.Fatal(err)
			}
			e := began[id]
			e.Phase, e.End = models.PhaseEnded, at(end)
			note(c.Handle(e))
		}
	}
	note(c.Advance(at(until)))
	note(c.Flush(at(until)))
	return strings.Join(log, ", ")
}

func TestCorrelator(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"one event", []step{{t: 10, began: "1/1/door/loitering/0"}, {t: 20, ended: "1/17"}},
			"A opened, A changed, A ended@17"},
		{"motion that overlaps is one incident", []step{
			{t: 1, began: "1/1/door/motion/0", merge: 5 * s}, {t: 2, began: "2/2/door/motion/1", merge: 5 * s},
			{t: 3, ended: "1/3"}, {t: 9, ended: "2/9"}},
			"A opened, A changed, A changed, A changed, A ended@9"},
		{"motion again within merge joins", []step{
			{t: 1, began: "1/1/door/motion/0", merge: 5 * s}, {t: 3, ended: "1/3"}, {t: 8, began: "2/2/door/motion/7", merge: 5 * s}, {t: 12, ended: "2/11"}},
			"A opened, A changed, A changed, A changed, A ended@11"},
		{"motion after merge is a new incident", []step{
			{t: 1, began: "1/1/door/motion/0", merge: 5 * s}, {t: 3, ended: "1/3"}, {t: 10, began: "2/2/door/motion/9", merge: 5 * s}, {t: 12, ended: "2/12"}},
			"A opened, A changed, A ended@3, B opened, B changed, B ended@12"},
		{"two loiterers are two incidents", []step{
			{t: 10, began: "1/1/door/loitering/0"}, {t: 11, began: "2/2/door/loitering/1"}, {t: 20, ended: "1/18"}, {t: 21, ended: "2/19"}},
			"A opened, B opened, A changed, A ended@18, B changed, B ended@19"},
		{"a group that becomes due together is one incident when merge says so", []step{
			{t: 10, began: "1/1/door/loitering/0", merge: 2 * s}, {t: 11, began: "2/2/door/loitering/1", merge: 2 * s}, {t: 30, began: "3/3/door/loitering/20", merge: 2 * s},
			{t: 40, ended: "1/38"}, {t: 41, ended: "2/39"}, {t: 50, ended: "3/48"}},
			"A opened, A changed, B opened, A changed, A changed, A ended@39, B changed, B ended@48"},
		{"a second dwell of the same visit joins", []step{
			{t: 10, began: "1/1/door/loitering/0", sev: models.SeverityLow}, {t: 60, began: "2/1/door/loitering/0", sev: models.SeverityHigh}, {t: 70, ended: "1/66"}, {t: 70, ended: "2/66"}},
			"A opened, A changed, A changed, A changed, A ended@66"},
		{"zones and kinds apart", []step{
			{t: 1, began: "1/1/door/motion/0", merge: 5 * s}, {t: 1, began: "2/1/yard/motion/0", merge: 5 * s}, {t: 1, began: "3/1/door/loitering/0"}},
			"A opened, B opened, C opened, A ended@90, B ended@90, C ended@90"},
		{"intrusions that overlap are one incident", []step{
			{t: 1, began: "1/1/door/intrusion/0"}, {t: 2, began: "2/2/door/intrusion/1"}, {t: 3, ended: "1/3"}, {t: 9, ended: "2/9"}},
			"A opened, A changed, A changed, A changed, A ended@9"},
		{"crossings apart are an incident each", []step{
			{t: 1, began: "1/1/door/line/1", ended: "1/1"}, {t: 2, began: "2/1/door/line/2", ended: "2/2"}},
			"A opened, A changed, A ended@1, B opened, B changed, B ended@2"},
		{"crossings within merge are one", []step{
			{t: 1, began: "1/1/door/line/1", ended: "1/1", merge: 5 * s}, {t: 4, began: "2/2/door/line/4", ended: "2/4", merge: 5 * s}},
			"A opened, A changed, A changed, A changed, A ended@4"},
		{"two who return are two incidents", []step{
			{t: 10, began: "1/1/door/returning/9"}, {t: 11, began: "2/2/door/returning/10"}},
			"A opened, B opened, A ended@90, B ended@90"},
		{"a crowd that grows is one incident", []step{
			{t: 10, began: "1/1/door/crowd/5", sev: models.SeverityLow}, {t: 20, began: "2/7/door/crowd/15", sev: models.SeverityHigh}, {t: 30, ended: "2/28"}, {t: 40, ended: "1/38"}},
			"A opened, A changed, A changed, A changed, A ended@38"},
		{"a second crowd is another incident", []step{
			{t: 10, began: "1/1/door/crowd/5"}, {t: 20, ended: "1/18"}, {t: 21, began: "2/1/door/crowd/19"}},
			"A opened, A changed, A ended@18, B opened, B ended@90"},
		{"two things are two incidents, nobody having brought them", []step{
			{t: 60, began: "1/0/door/left_object/0", box: models.Box{X: 0.1, W: 0.1, H: 0.1}}, {t: 61, began: "2/0/door/left_object/1", box: models.Box{X: 0.5, W: 0.1, H: 0.1}},
			{t: 61, began: "3/0/door/left_object/1", box: models.Box{X: 0.7, W: 0.1, H: 0.1}}, {t: 70, ended: "1/69"}},
			"A opened, B opened, C opened, A changed, A ended@69, B ended@90, C ended@90"},
		{"one thing under two rules is one incident", []step{
			{t: 60, began: "1/0/door/left_object/0", box: models.Box{X: 0.1, W: 0.1, H: 0.1}}, {t: 300, began: "2/0/door/left_object/0", box: models.Box{X: 0.11, W: 0.1, H: 0.1}}, {t: 310, ended: "1/309"}, {t: 310, ended: "2/309"}},
			"A opened, A changed, A changed, A changed, A ended@309"},
		{"the end of an event that never began here is nothing", []step{{t: 5, ended: "9/4"}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := play(t, tc.steps, 90); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestDetachOpensAnew(t *testing.T) {
	var c Correlator
	e := models.Event{ID: 1, Phase: models.PhaseBegan, Camera: "gate", Zone: "door", Track: 1,
		Rule: models.Rule{Kind: models.KindMotion, Merge: 5 * time.Second}, Start: at(0), Alarm: at(1)}
	first := c.Handle(e)[0].Incident
	c.Detach(first.ID)
	e.ID, e.Track, e.Start, e.Alarm = 2, 2, at(2), at(3)
	second := c.Handle(e)
	if second[0].Step != Opened || second[0].Incident.ID == first.ID {
		t.Errorf("got %s of %s, want a new incident beside %s", second[0].Step, second[0].Incident.ID, first.ID)
	}
}

func TestEventsAreBoundedAndCounted(t *testing.T) {
	var c Correlator
	var last Change
	for i := range 3 * models.MaxEvents {
		e := models.Event{ID: int64(i + 1), Phase: models.PhaseBegan, Camera: "gate", Zone: "door", Track: models.TrackID(i + 1),
			Rule: models.Rule{Kind: models.KindMotion}, Start: at(float64(i)), Alarm: at(float64(i))}
		for _, last = range c.Handle(e) {
		}
	}
	if len(last.Incident.Events) != models.MaxEvents || last.Incident.EventCount != 3*models.MaxEvents {
		t.Errorf("got %d events, count %d; want %d, %d", len(last.Incident.Events), last.Incident.EventCount, models.MaxEvents, 3*models.MaxEvents)
	}
}

func TestSeverityAndLabelOnlyRise(t *testing.T) {
	var c Correlator
	e := models.Event{ID: 1, Phase: models.PhaseBegan, Camera: "gate", Zone: "door", Track: 1, Label: models.LabelUnknown, Score: 0.9,
		Rule: models.Rule{Kind: models.KindMotion, Severity: models.SeverityHigh}, Start: at(0), Alarm: at(1)}
	c.Handle(e)
	e.ID, e.Track, e.Label, e.Score, e.Rule.Severity = 2, 2, "person", 0.5, models.SeverityLow
	got := c.Handle(e)[0].Incident
	if got.Label != "person" || got.Severity != models.SeverityHigh {
		t.Errorf("got %s %s, want person high", got.Label, got.Severity)
	}
}

func TestTroubleWithTheCamera(t *testing.T) {
	var c Correlator
	c.Apply(models.Watch{Zones: []models.Zone{{ID: "door"}}})
	trouble := func(id int64, kind models.Kind, s float64) models.Event {
		return models.Event{ID: id, Phase: models.PhaseBegan, Camera: "gate", Rule: models.Rule{Kind: kind}, Start: at(s - 5), Alarm: at(s)}
	}
	covered := c.Handle(trouble(1, models.KindCovered, 10))[0]
	if want := models.IncidentID("20260304T050617.000Z-gate-covered-1"); covered.Incident.ID != want {
		t.Errorf("ID %s, want %s", covered.Incident.ID, want)
	}
	if covered.Incident.Zone != "" || covered.Incident.Polygon != nil {
		t.Errorf("zone %q, polygon %v; want none", covered.Incident.Zone, covered.Incident.Polygon)
	}
	lost := c.Handle(trouble(2, models.KindCameraLost, 12))[0]
	if lost.Step != Opened {
		t.Errorf("another kind of trouble: %s, want %s", lost.Step, Opened)
	}
	again := c.Handle(trouble(3, models.KindCovered, 14))[0]
	if again.Step != Changed || again.Incident.ID != covered.Incident.ID {
		t.Errorf("the same kind while it lasts: %s of %s, want %s of %s", again.Step, again.Incident.ID, Changed, covered.Incident.ID)
	}
	for _, id := range []int64{1, 3} {
		e := trouble(id, models.KindCovered, 10)
		e.Phase, e.End = models.PhaseEnded, at(20)
		c.Handle(e)
	}
	if got := c.Advance(at(20)); len(got) != 1 || got[0].Step != Ended || got[0].Incident.Kind != models.KindCovered {
		t.Errorf("got %+v, want the end of covered", got)
	}
	if anew := c.Handle(trouble(4, models.KindCovered, 30))[0]; anew.Step != Opened {
		t.Errorf("trouble that comes again: %s, want %s", anew.Step, Opened)
	}
}
