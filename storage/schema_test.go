package storage

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// An index that the first release wrote is brought up to date, and its records are read,
// found, changed and judged like new ones.
func TestUpgradeFromTheFirstSchema(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "index.db")
		writeFirstSchema(t, "sqlite", path, dialect{json: "TEXT", bind: bindQuestion})
		x, err := OpenSQLite(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Close() })
		testUpgraded(t, x)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := pgtest.Start(t).Database("upgrade")
		writeFirstSchema(t, "pgx", dsn, dialect{json: "JSON", bind: bindDollar})
		testUpgraded(t, mustPostgres(t, dsn))
	})
}

// writeFirstSchema makes the tables as they first were, with incident 1 in them.
func writeFirstSchema(t *testing.T, driver, dsn string, d dialect) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := migrate(t.Context(), tx, d, migrations[:1]); err != nil {
		t.Fatal(err)
	}
	in := incident(1)
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
	w := where{bind: d.bind}
	values := ""
	for i, v := range []any{string(in.ID), string(in.Camera), string(in.Zone), string(in.Kind), priority(in.Severity), string(in.State),
		in.Start.UnixMicro(), in.Alarm.UnixMicro(), in.End.UnixMicro(), string(in.Footage.State), in.Revision, string(doc), string(paths)} {
		if i > 0 {
			values += ", "
		}
		values += w.arg(v)
	}
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO incidents (id, camera, zone, kind, priority, state, start_us, alarm_us, end_us,
		footage, revision, doc, paths) VALUES (`+values+`)`, w.args...); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func testUpgraded(t *testing.T, x Index) {
	want := incident(1)
	want.Events[0].Curve = nil // records had none then
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
	create(t, x, incident(2))
	if n := len(ids(t, x, Query{})); n != 2 {
		t.Errorf("%d incidents, want the old and a new one", n)
	}
}
