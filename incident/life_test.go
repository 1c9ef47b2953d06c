package incident

import (
	"errors"
	"slices"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

func TestLife(t *testing.T) {
	in := models.Incident{State: models.StateNew}
	if err := Close(&in, "ann", "", day); !errors.Is(err, ErrState) {
		t.Errorf("close of a new incident: got %v, want ErrState", err)
	}
	if err := Acknowledge(&in, "ann", "seen", day); err != nil {
		t.Fatal(err)
	}
	if err := Acknowledge(&in, "bob", "", day); !errors.Is(err, ErrState) {
		t.Errorf("second acknowledge: got %v, want ErrState", err)
	}
	if err := Close(&in, "ann", "a delivery", day); err != nil {
		t.Fatal(err)
	}
	if in.State != models.StateClosed || len(in.Log) != 2 || in.Log[1].Who != "ann" || in.Log[1].Note != "a delivery" {
		t.Errorf("got %s with log %v", in.State, in.Log)
	}
}

func TestMergeLeavesPeopleAndFootageAlone(t *testing.T) {
	stored := models.Incident{ID: "x", State: models.StateAcknowledged, Severity: models.SeverityHigh,
		Judgement: &models.Judgement{Verdict: models.VerdictTrue}, Log: []models.Action{{Who: "ann"}}, Footage: models.Footage{State: models.FootageStored}}
	Merge(&stored, models.Incident{ID: "x", State: models.StateNew, Severity: models.SeverityLow, Label: "person", End: day, EventCount: 2})
	if stored.State != models.StateAcknowledged || len(stored.Log) != 1 || stored.Judgement == nil || stored.Footage.State != models.FootageStored || stored.Severity != models.SeverityHigh {
		t.Errorf("merge changed what people or the recorder own: %+v", stored)
	}
	if !stored.End.Equal(day) || stored.Label != "person" || stored.EventCount != 2 {
		t.Errorf("merge did not take the detection side: %+v", stored)
	}
}

func TestJudge(t *testing.T) {
	type say struct {
		who     string
		verdict models.Verdict
		reason  models.Nuisance
		note    string
	}
	for _, tc := range []struct {
		name    string
		state   models.State
		say     []say
		want    models.Judgement // without its time
		log     []string
		refused bool // the last one
	}{
		{name: "true", state: models.StateNew, say: []say{{"ann", "true", "", ""}},
			want: models.Judgement{Verdict: models.VerdictTrue, By: "ann"}, log: []string{"ann judged true"}},
		{name: "nuisance, of a closed incident", state: models.StateClosed, say: []say{{"ann", "nuisance", "known_person", "the postman"}},
			want: models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceKnown, Note: "the postman", By: "ann"},
			log:  []string{"ann judged nuisance: known person (the postman)"}},
		{name: "a change names what it replaces", state: models.StateAcknowledged,
			say:  []say{{"ann", "true", "", ""}, {"bob", "nuisance", "rain", ""}, {"ann", "nuisance", "shadow", "of a tree"}},
			want: models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceShadow, Note: "of a tree", By: "ann"},
			log: []string{"ann judged true", "bob judged nuisance: rain, before: true",
				"ann judged nuisance: shadow, before: nuisance: rain (of a tree)"}},
		{name: "the same again is nothing new", state: models.StateNew, say: []say{{"ann", "true", "", "x"}, {"ann", "true", "", "x"}},
			want: models.Judgement{Verdict: models.VerdictTrue, Note: "x", By: "ann"}, log: []string{"ann judged true (x)"}},
		{name: "another one agrees", state: models.StateNew, say: []say{{"ann", "true", "", ""}, {"bob", "true", "", ""}},
			want: models.Judgement{Verdict: models.VerdictTrue, By: "bob"}, log: []string{"ann judged true", "bob judged true, before: true"}},
		{name: "nuisance without a reason", say: []say{{"ann", "nuisance", "", ""}}, refused: true},
		{name: "nuisance for a reason that nobody knows", say: []say{{"ann", "nuisance", "ghost", ""}}, refused: true},
		{name: "true with a reason", say: []say{{"ann", "true", "rain", ""}}, refused: true},
		{name: "no verdict", say: []say{{"ann", "", "rain", ""}}, refused: true},
		{name: "a verdict that nobody knows", say: []say{{"ann", "maybe", "", ""}}, refused: true},
		{name: "a refused change leaves the old one", say: []say{{"ann", "true", "", ""}, {"ann", "nuisance", "", ""}},
			want: models.Judgement{Verdict: models.VerdictTrue, By: "ann"}, log: []string{"ann judged true"}, refused: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := models.Incident{State: tc.state}
			var err error
			for _, s := range tc.say {
				err = Judge(&in, models.Judgement{Verdict: s.verdict, Reason: s.reason, Note: s.note, By: s.who, At: day})
			}
			if errors.Is(err, ErrJudgement) != tc.refused {
				t.Fatalf("got error %v", err)
			}
			var log []string
			for _, a := range in.Log {
				line := a.Who + " " + a.What
				if a.Note != "" {
					line += " (" + a.Note + ")"
				}
				log = append(log, line)
			}
			if !slices.Equal(log, tc.log) {
				t.Errorf("log:\ngot  %q\nwant %q", log, tc.log)
			}
			if in.State != tc.state {
				t.Errorf("the state became %s", in.State)
			}
			if (in.Judgement == nil) != (tc.log == nil) {
				t.Fatalf("judgement: got %v", in.Judgement)
			}
			if in.Judgement != nil {
				got := *in.Judgement
				if got.At != day {
					t.Errorf("at %s", got.At)
				}
				if got.At = (models.Judgement{}).At; got != tc.want {
					t.Errorf("got %+v, want %+v", got, tc.want)
				}
			}
		})
	}
}
