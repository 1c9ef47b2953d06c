package storage

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// An index that an earlier release wrote is brought up to date, and its records are read,
// found, changed and judged like new ones.
func TestUpgrade(t *testing.T) {
	server := pgtest.Start(t)
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("sqlite from schema %d", version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "index.db")
			writeSchema(t, version, "sqlite", path, dialect{json: "TEXT", bind: bindQuestion})
			x, err := OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { x.Close() })
			testUpgraded(t, version, x)
		})
		t.Run(fmt.Sprintf("postgres from schema %d", version), func(t *testing.T) {
			dsn := server.Database(fmt.Sprintf("upgrade%d", version))
			writeSchema(t, version, "pgx", dsn, dialect{json: "JSON", bind: bindDollar})
			testUpgraded(t, version, mustPostgres(t, dsn))
		})
	}
}

// writeSchema makes the tables as they were, with incident 1 in them.
func writeSchema(t *testing.T, version int, driver, dsn string, d dialect) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if driver == "sqlite" {
		db.SetMaxOpenConns(1)
	}
	if err := migrate(t.Context(), db, d, migrations[:version]); err != nil {
		t.Fatal(err)
	}
	in := incident(1)
	in.Log[0].Note = "ladder at the fence"
	lean := in
	lean.Events = []models.Event{in.Events[0]}
	lean.Events[0].Path, lean.Events[0].Curve = nil, nil
	doc, err := json.Marshal(lean)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := json.Marshal([][]models.PathPoint{in.Events[0].Path})
	if err != nil {
		t.Fatal(err)
	}
	names := "id, camera, zone, kind, priority, state, start_us, alarm_us, end_us, footage, revision, doc, paths"
	values := []any{string(in.ID), string(in.Camera), string(in.Zone), string(in.Kind), priority(in.Severity), string(in.State),
		in.Start.UnixMicro(), in.Alarm.UnixMicro(), in.End.UnixMicro(), string(in.Footage.State), in.Revision, string(doc), string(paths)}
	if version > 1 {
		curves, err := json.Marshal([][]models.Sample{in.Events[0].Curve})
		if err != nil {
			t.Fatal(err)
		}
		names, values = names+", verdict, curves", append(values, "", string(curves))
	}
	w := where{bind: d.bind}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO incidents ("+names+") VALUES ("+w.list(values)+")", w.args...); err != nil {
		t.Fatal(err)
	}
}

func testUpgraded(t *testing.T, version int, x Index) {
	want := incident(1)
	want.Number = 1
	want.Log[0].Note = "ladder at the fence"
	if version == 1 {
		want.Events[0].Curve = nil // records had none then
	}
	got, err := x.Get(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	unjudged, nuisance := Query{Verdicts: []models.Verdict{""}}, Query{Verdicts: []models.Verdict{models.VerdictNuisance}}
	if n := len(ids(t, x, unjudged)); n != 1 {
		t.Errorf("%d that nobody has judged, want 1", n)
	}
	want.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain, By: "ann", At: want.Alarm}
	if _, err := x.Update(t.Context(), want.ID, func(in *models.Incident) error { in.Judgement = want.Judgement; return nil }); err != nil {
		t.Fatal(err)
	}
	if was, is := len(ids(t, x, unjudged)), len(ids(t, x, nuisance)); was != 0 || is != 1 {
		t.Errorf("after the judgement: %d unjudged, %d nuisance; want 0, 1", was, is)
	}
	held, free := true, false
	for name, c := range map[string]struct {
		q    Query
		want int
	}{
		"its camera":    {Query{Cameras: []models.CameraID{want.Camera}}, 1},
		"its label":     {Query{Labels: []string{want.Label}}, 1},
		"another label": {Query{Labels: []string{"dog"}}, 0},
		"its dwell":     {Query{MinDwell: 30 * time.Second}, 1},
		"a longer one":  {Query{MinDwell: 31 * time.Second}, 0},
		"its note":      {Query{Text: "ladder gate"}, 1},
		"held":          {Query{Held: &held}, 0},
		"not held":      {Query{Held: &free}, 1},
		"its hour":      {Query{From: want.Start, To: want.End}, 1},
		"the queue":     {Query{Order: OrderQueue}, 1},
	} {
		if n := len(ids(t, x, c.q)); n != c.want {
			t.Errorf("%s: %d found, want %d", name, n, c.want)
		}
	}
	create(t, x, incident(2))
	if n := len(ids(t, x, Query{})); n != 2 {
		t.Errorf("%d incidents, want the old and a new one", n)
	}
}
