package storage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// An index that an earlier release wrote is brought up to date, and its records are read,
// found, changed and judged like new ones; its logs are kept by the database, too.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	old := incident(1)
	old.Log[0].Note = "ladder at the fence"
	for version := 1; version < len(migrations); version++ {
		t.Run(fmt.Sprintf("sqlite from schema %d", version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "index.db")
			writeSchema(t, version, "sqlite", path, dialect{json: "TEXT", clustered: "WITHOUT ROWID", bind: bindQuestion, addOnly: addOnlySQLite}, old)
			x, err := OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { x.Close() })
			testUpgraded(t, version, x)
			testKept(t, x.(*sqlIndex), `INSERT OR REPLACE INTO entries SELECT number, n, at_us, 'nobody', what, entry FROM entries`)
		})
		t.Run(fmt.Sprintf("postgres from schema %d", version), func(t *testing.T) {
			dsn := server.Database(fmt.Sprintf("upgrade%d", version))
			writeSchema(t, version, "pgx", dsn, dialect{json: "JSON", include: true, bind: bindDollar, addOnly: addOnlyPostgres}, old)
			x := mustPostgres(t, dsn)
			testUpgraded(t, version, x)
			testKept(t, x.(*sqlIndex), `TRUNCATE entries`, `TRUNCATE journal CASCADE`,
				`SET session_replication_role = replica; DELETE FROM entries`)
		})
	}
}

// writeSchema makes the tables as they were, with incidents in them, and without what later
// schemas have made of these.
func writeSchema(t *testing.T, version int, driver, dsn string, d dialect, list ...models.Incident) {
	t.Helper()
	db := openDB(t, driver, dsn)
	// The rows of a later schema are those that it has made of an earlier one's.
	if err := migrate(t.Context(), db, d, migrations[:min(version, 3)]); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `DELETE FROM schema_version WHERE version = 0`); err != nil { // goose's
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, in := range list {
		lean := in
		lean.Events = []models.Event{in.Events[0]}
		lean.Events[0].Path, lean.Events[0].Curve = nil, nil
		paths, err := json.Marshal([][]models.PathPoint{in.Events[0].Path})
		if err != nil {
			t.Fatal(err)
		}
		names := "id, camera, zone, kind, priority, state, start_us, alarm_us, end_us, footage, revision, doc, paths"
		values := []any{string(in.ID), string(in.Camera), string(in.Zone), string(in.Kind), priority(in.Severity), string(in.State),
			in.Start.UnixMicro(), in.Alarm.UnixMicro(), endMicros(in), string(in.Footage.State), in.Revision, oldDocument(t, lean), string(paths)}
		if version > 1 {
			curves, err := json.Marshal([][]models.Sample{in.Events[0].Curve})
			if err != nil {
				t.Fatal(err)
			}
			names, values = names+", verdict, curves", append(values, string(verdict(in)), string(curves))
		}
		w := where{bind: d.bind}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO incidents ("+names+") VALUES ("+w.list(values)+")", w.args...); err != nil {
			t.Fatal(err)
		}
	}
	if version >= 3 { // what is made anew must not trip over what was there
		for _, stmt := range []string{
			`INSERT INTO places (place, camera, zone, kind, label) VALUES (1, 'gate', 'door', 'loitering', 'person')`,
			`INSERT INTO facets VALUES ('gone', 1, 'gate', 'door', 'loitering', 'person', 1, 'new', '', 'stored', 0, 0, 0, 0, 0, 0)`,
			`INSERT INTO words VALUES ('gone', 0, 'gone', 1, 'gate', 'door', 'loitering', 'person', 1, 'new', '', 'stored', 0, 0, 0, 0, 0)`,
		} {
			if _, err := tx.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), db, d, migrations[:version]); err != nil {
		t.Fatal(err)
	}
}

func openDB(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if driver == "sqlite" {
		db.SetMaxOpenConns(1)
	}
	return db
}

// oldDocument is a document without what came with schema 4.
func oldDocument(t *testing.T, in models.Incident) string {
	t.Helper()
	doc, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "number")
	delete(fields, "edition")
	if doc, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// An index with a past comes out of the upgrade as one that was made anew from the same
// records, numbered in the order in which they were logged. An upgrade that is interrupted
// changes nothing, and is done at the next start.
func TestUpgradeOfAPast(t *testing.T) {
	t.Parallel()
	all := crowd(620) // more than one batch
	for i := range all {
		all[i].Opened = noon.Add(time.Duration(len(all)-i/2) * time.Second) // some at once
		all[i].Edition = 0
	}
	logged := slices.Clone(all)
	slices.SortStableFunc(logged, func(a, b models.Incident) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	anew := mustSQLite(t)
	create(t, anew, logged...)

	broken := errors.New("the power goes")
	check := func(t *testing.T, db *sql.DB, d dialect, interrupt func(context.Context, *sql.Tx, dialect) error, open func() Index) {
		cut := slices.Clone(migrations[:4])
		cut[3].fill = interrupt
		if err := migrate(t.Context(), db, d, cut); err == nil {
			t.Fatal("an interrupted upgrade was no error")
		}
		db.Close()
		x := open()
		for _, table := range []string{"facets", "words", "entries", "numbers"} {
			if got, want := dump(t, x, table), dump(t, anew, table); !slices.Equal(got, want) {
				t.Errorf("%s: %d rows, %d in an index that is made anew, or they differ", table, len(got), len(want))
			}
		}
		for _, in := range logged {
			want, err := anew.Get(t.Context(), in.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := x.Get(t.Context(), in.ID); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
			}
		}
		next, err := x.Create(t.Context(), incident(5000))
		if want := int64(len(all)) + 1; err != nil || next.Number != want {
			t.Errorf("the next one: got number %d, %v; want %d", next.Number, err, want)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "index.db")
		d := dialect{json: "TEXT", clustered: "WITHOUT ROWID", bind: bindQuestion}
		writeSchema(t, 3, "sqlite", path, d, all...)
		check(t, openDB(t, "sqlite", path), d, func(ctx context.Context, tx *sql.Tx, d dialect) error {
			return errors.Join(fill4(ctx, tx, d), broken)
		}, func() Index {
			x, err := OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { x.Close() })
			return x
		})
	})
	t.Run("postgres", func(t *testing.T) {
		server := pgtest.Start(t)
		dsn := server.Database("past")
		d := dialect{json: "JSON", include: true, bind: bindDollar}
		writeSchema(t, 3, "pgx", dsn, d, all...)
		check(t, openDB(t, "pgx", dsn), d, func(ctx context.Context, tx *sql.Tx, d dialect) error {
			err := fill4(ctx, tx, d)
			server.Kill()
			server.Restart()
			return err
		}, func() Index { return mustPostgres(t, dsn) })
	})
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

// testKept checks that no statement alters or removes what is only ever added, whoever
// sends it; what is refused has changed nothing, and entries are added as before.
func testKept(t *testing.T, x *sqlIndex, refused ...string) {
	note := models.JournalEntry{ID: "a", At: noon, Who: "ann", Text: "the gate was found open"}
	if _, err := x.AddEntry(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	was := append(dump(t, x, "entries"), dump(t, x, "journal")...)
	if len(was) < 2 {
		t.Fatalf("%d rows", len(was))
	}
	refused = append(refused,
		`UPDATE entries SET who = 'nobody'`,
		`UPDATE entries SET n = 9 WHERE n = 1`,
		`DELETE FROM entries WHERE number = 1`,
		`UPDATE journal SET doc = '{}'`,
		`DELETE FROM journal`,
		`INSERT INTO entries SELECT number, n, at_us, 'nobody', what, entry FROM entries WHERE true ON CONFLICT (number, n) DO UPDATE SET who = 'nobody'`)
	for _, stmt := range refused {
		if _, err := x.write.ExecContext(t.Context(), stmt); err == nil || !strings.Contains(err.Error(), "only added") {
			t.Errorf("%s: %v", stmt, err)
		}
	}
	if !x.remote { // passed over, so that an entry that is sent twice is there once
		if _, err := x.write.ExecContext(t.Context(), `INSERT OR REPLACE INTO journal SELECT number, id, 0, site, corrects, doc FROM journal`); err != nil {
			t.Error(err)
		}
	}
	if now := append(dump(t, x, "entries"), dump(t, x, "journal")...); !slices.Equal(now, was) {
		t.Errorf("altered: %q, were %q", now, was)
	}
	if again, err := x.AddEntry(t.Context(), note); err != nil || again.Number != 1 {
		t.Errorf("an entry of the log book that is sent twice: number %d, %v", again.Number, err)
	}
	var had int
	got, err := x.Update(t.Context(), incident(1).ID, func(in *models.Incident) error {
		had = len(in.Log)
		in.Log = append(in.Log, models.Action{At: noon, Who: "ann", What: "acknowledged"})
		return nil
	})
	if err != nil || len(got.Log) != had+1 {
		t.Errorf("another entry: %d after %d, %v", len(got.Log), had, err)
	}
}
