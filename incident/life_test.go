package incident

import (
	"errors"
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
		Log: []models.Action{{Who: "ann"}}, Footage: models.Footage{State: models.FootageStored}}
	Merge(&stored, models.Incident{ID: "x", State: models.StateNew, Severity: models.SeverityLow, Label: "person", End: day, EventCount: 2})
	if stored.State != models.StateAcknowledged || len(stored.Log) != 1 || stored.Footage.State != models.FootageStored || stored.Severity != models.SeverityHigh {
		t.Errorf("merge changed what people or the recorder own: %+v", stored)
	}
	if !stored.End.Equal(day) || stored.Label != "person" || stored.EventCount != 2 {
		t.Errorf("merge did not take the detection side: %+v", stored)
	}
}
