package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// migration4 numbers the incidents in the order in which they were logged, takes their logs
// out of the documents, and makes facets and words anew: with who works on an incident,
// what type it is, where, how it came to be known, and when its next deadline is due.
//
// entries are only ever inserted. They go by the number of the incident, which never
// changes and is a tenth of its ID. numbers holds the last one that was given.
//
// commits holds the token of each transaction of which somebody may yet have to be told
// whether it was committed: the last of each connection.
//
// due_us is noDue where no clock runs, so that it ascends too: nothing is due last.
// tags are words that begin with "tag:", which no word of a text can.
var migration4 = migration{
	judged: judged,
	script: `ALTER TABLE incidents ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
	CREATE TABLE numbers (
		one  INTEGER PRIMARY KEY CHECK (one = 1),
		last BIGINT NOT NULL
	);
	CREATE TABLE entries (
		number BIGINT NOT NULL,
		n      BIGINT NOT NULL,
		at_us  BIGINT NOT NULL,
		who    TEXT NOT NULL,
		what   TEXT NOT NULL,
		entry  JSON NOT NULL,
		PRIMARY KEY (number, n)
	) CLUSTERED;
	CREATE TABLE commits (
		token TEXT PRIMARY KEY,
		at_us BIGINT NOT NULL
	);
	DROP TABLE facets;
	DROP TABLE words;
	CREATE TABLE facets (
		id          TEXT PRIMARY KEY,
		place       BIGINT NOT NULL,
		camera      TEXT NOT NULL,
		zone        TEXT NOT NULL,
		kind        TEXT NOT NULL,
		label       TEXT NOT NULL,
		priority    BIGINT NOT NULL,
		state       TEXT NOT NULL,
		verdict     TEXT NOT NULL,
		footage     TEXT NOT NULL,
		held        BIGINT NOT NULL,
		dwell_class BIGINT NOT NULL,
		dwell_ns    BIGINT NOT NULL,
		start_us    BIGINT NOT NULL,
		alarm_us    BIGINT NOT NULL,
		end_us      BIGINT,
		due_us      BIGINT NOT NULL,
		officer     TEXT NOT NULL,
		type        TEXT NOT NULL,
		site        TEXT NOT NULL,
		origin      TEXT NOT NULL,
		series      TEXT NOT NULL
	);
	CREATE TABLE words (
		word        TEXT NOT NULL,
		alarm_us    BIGINT NOT NULL,
		id          TEXT NOT NULL,
		place       BIGINT NOT NULL,
		camera      TEXT NOT NULL,
		zone        TEXT NOT NULL,
		kind        TEXT NOT NULL,
		label       TEXT NOT NULL,
		priority    BIGINT NOT NULL,
		state       TEXT NOT NULL,
		verdict     TEXT NOT NULL,
		footage     TEXT NOT NULL,
		held        BIGINT NOT NULL,
		dwell_class BIGINT NOT NULL,
		dwell_ns    BIGINT NOT NULL,
		start_us    BIGINT NOT NULL,
		end_us      BIGINT,
		due_us      BIGINT NOT NULL,
		officer     TEXT NOT NULL,
		type        TEXT NOT NULL,
		site        TEXT NOT NULL,
		origin      TEXT NOT NULL,
		series      TEXT NOT NULL,
		PRIMARY KEY (word, alarm_us, id) COVERING
	) CLUSTERED`,
	fill: fill4,
	after: `CREATE UNIQUE INDEX incidents_number ON incidents (number);
	CREATE INDEX entries_at  ON entries (at_us, number, n);
	CREATE INDEX entries_who ON entries (who, at_us, number, n);
	CREATE INDEX facets_newest   ON facets (` + covering("alarm_us", "id") + `);
	CREATE INDEX facets_queue    ON facets (` + covering("priority", "due_us", "alarm_us", "id") + `);
	CREATE INDEX facets_priority ON facets (` + covering("priority", "alarm_us", "id") + `);
	CREATE INDEX facets_camera   ON facets (` + covering("camera", "alarm_us", "id") + `);
	CREATE INDEX facets_zone     ON facets (` + covering("zone", "alarm_us", "id") + `);
	CREATE INDEX facets_kind     ON facets (` + covering("kind", "alarm_us", "id") + `);
	CREATE INDEX facets_label    ON facets (` + covering("label", "alarm_us", "id") + `);
	CREATE INDEX facets_place    ON facets (` + covering("place", "alarm_us", "id") + `);
	CREATE INDEX facets_state    ON facets (` + covering("state", "alarm_us", "id") + `);
	CREATE INDEX facets_severity ON facets (` + covering("state", "priority", "due_us", "alarm_us", "id") + `);
	CREATE INDEX facets_verdict  ON facets (` + covering("verdict", "alarm_us", "id") + `);
	CREATE INDEX facets_footage  ON facets (` + covering("footage", "alarm_us", "id") + `);
	CREATE INDEX facets_held     ON facets (` + covering("held", "alarm_us", "id") + `);
	CREATE INDEX facets_dwell    ON facets (` + covering("dwell_class", "alarm_us", "id") + `);
	CREATE INDEX facets_officer  ON facets (` + covering("officer", "alarm_us", "id") + `);
	CREATE INDEX facets_type     ON facets (` + covering("type", "alarm_us", "id") + `);
	CREATE INDEX facets_site     ON facets (` + covering("site", "alarm_us", "id") + `);
	CREATE INDEX facets_origin   ON facets (` + covering("origin", "alarm_us", "id") + `) WHERE origin <> 'detection';
	CREATE INDEX facets_series   ON facets (` + covering("series", "alarm_us", "id") + `) WHERE series <> '';
	CREATE INDEX words_queue     ON words  (` + covering("word", "priority", "due_us", "alarm_us", "id") + `);
	CREATE INDEX facets_going_on ON facets (alarm_us) WHERE end_us IS NULL`,
}

// judged are the columns that a search may ask of a row it passes over.
var judged = []string{"place", "camera", "zone", "kind", "label", "priority", "state", "verdict", "footage", "held", "dwell_ns",
	"due_us", "officer", "type", "site", "origin", "series"}

// covering lists the columns of an index on facets or words: those by which it is sorted, then what
// is judged, so that a walk need not look up the rows that it passes over. The times are
// left out: only the few rows near the ends of a time range need them.
func covering(sorted ...string) string { return carrying(judged, sorted) }

// fill4 numbers the incidents of an older index, moves their logs and makes them findable.
func fill4(ctx context.Context, tx *sql.Tx, d dialect) error {
	type logged struct {
		us int64
		id string
	}
	var order []logged
	if err := d.eachDocument(ctx, tx, func(batch []models.Incident) error {
		for _, in := range batch {
			order = append(order, logged{in.Opened.UnixMicro(), string(in.ID)})
		}
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(order, func(a, b logged) int {
		if a.us != b.us {
			return int(min(1, max(-1, a.us-b.us)))
		}
		return strings.Compare(a.id, b.id)
	})
	numbers := make(map[models.IncidentID]int64, len(order))
	for i, o := range order {
		numbers[models.IncidentID(o.id)] = int64(i) + 1
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO numbers (one, last) VALUES (1, `+d.bind(1)+`)`, len(order)); err != nil {
		return err
	}
	return d.eachDocument(ctx, tx, func(batch []models.Incident) error {
		if len(batch) == 0 {
			return nil
		}
		w := where{bind: d.bind}
		var rows []string
		for i := range batch {
			in := &batch[i]
			in.Number, in.Edition = numbers[in.ID], int64(len(in.Log))
			lean := *in
			lean.Log = nil
			doc, err := json.Marshal(lean)
			if err != nil {
				return fmt.Errorf("incident %s: %w", in.ID, err)
			}
			rows = append(rows, "("+w.list([]any{string(in.ID), fmt.Sprint(in.Number), string(doc)})+")")
		}
		// A text parameter each, because PostgreSQL does not see through VALUES.
		stmt := "UPDATE incidents SET number = CAST(v.column2 AS BIGINT), doc = CAST(v.column3 AS " + d.json +
			") FROM (VALUES " + strings.Join(rows, ", ") + ") AS v WHERE incidents.id = v.column1"
		if _, err := tx.ExecContext(ctx, stmt, w.args...); err != nil {
			return err
		}
		for _, in := range batch {
			if err := d.addEntries(ctx, tx, in.Number, 0, in.Log); err != nil {
				return err
			}
		}
		return d.addFacets(ctx, tx, batch)
	})
}

// eachDocument reads the documents of all incidents, without paths and curves, some at a
// time. Each batch is read to its end before fn sees it: a connection of PostgreSQL does
// one thing at a time.
func (d dialect) eachDocument(ctx context.Context, tx *sql.Tx, fn func([]models.Incident) error) error {
	const size = 500
	last := ""
	for {
		w := where{bind: d.bind}
		w.add("id > " + w.arg(last))
		rows, err := tx.QueryContext(ctx, "SELECT id, doc FROM incidents"+w.String()+fmt.Sprintf(" ORDER BY id LIMIT %d", size), w.args...)
		if err != nil {
			return err
		}
		var batch []models.Incident
		for rows.Next() {
			var doc []byte
			if err := rows.Scan(&last, &doc); err != nil {
				return errors.Join(err, rows.Close())
			}
			in, err := row{doc: doc}.incident()
			if err != nil {
				return errors.Join(fmt.Errorf("incident %s: %w", last, err), rows.Close())
			}
			batch = append(batch, in)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if err := fn(batch); err != nil {
			return fmt.Errorf("incidents to %s: %w", last, err)
		}
		if len(batch) < size {
			return nil
		}
	}
}
