package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// migrations take the index from version n to n+1. A released one never changes.
// JSON stands for the database's type for a document that is kept byte for byte. A table
// that is walked in the order of its primary key is either stored in that order (CLUSTERED)
// or has the rest of the row in that index (COVERING), as the database can.
//
// priority is 0 for critical … 3 for low, so that every column of the queue's order
// ascends and one row comparison finds the next page. Times are µs since 1970. paths
// comes last: SQLite then need not read past it when a list leaves it out.
//
// spread holds the longest that any incident has lasted before and after its alarm. It
// turns "overlaps this time range" into a range of alarms, which the indexes can find.
var migrations = []migration{
	{script: `CREATE TABLE incidents (
		id        TEXT PRIMARY KEY,
		camera    TEXT NOT NULL,
		zone      TEXT NOT NULL,
		kind      TEXT NOT NULL,
		priority  BIGINT NOT NULL,
		state     TEXT NOT NULL,
		start_us  BIGINT NOT NULL,
		alarm_us  BIGINT NOT NULL,
		end_us    BIGINT,
		footage   TEXT NOT NULL,
		revision  BIGINT NOT NULL,
		doc       JSON NOT NULL,
		paths     JSON NOT NULL
	);
	CREATE INDEX incidents_newest   ON incidents (alarm_us, id);
	CREATE INDEX incidents_queue    ON incidents (priority, alarm_us, id);
	CREATE INDEX incidents_camera   ON incidents (camera, alarm_us, id);
	CREATE INDEX incidents_zone     ON incidents (zone, alarm_us, id);
	CREATE INDEX incidents_kind     ON incidents (kind, alarm_us, id);
	CREATE INDEX incidents_state    ON incidents (state, alarm_us, id);
	CREATE INDEX incidents_severity ON incidents (state, priority, alarm_us, id);
	CREATE INDEX incidents_going_on ON incidents (alarm_us) WHERE end_us IS NULL;
	CREATE TABLE spread (
		one       INTEGER PRIMARY KEY CHECK (one = 1),
		before_us BIGINT NOT NULL,
		after_us  BIGINT NOT NULL
	);
	INSERT INTO spread (one, before_us, after_us) VALUES (1, 0, 0)`},

	// verdict is empty while nobody has judged the alarm. curves are the curves of the
	// events, as paths are their paths; NULL where a record is older than curves.
	{script: `ALTER TABLE incidents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
	ALTER TABLE incidents ADD COLUMN curves JSON NULL;
	CREATE INDEX incidents_verdict ON incidents (verdict, alarm_us, id)`},

	// What incidents are found by moves into a table of narrow rows, which a search can
	// walk without touching the documents; see listQuery. words holds the words of what
	// people wrote, each with the whole narrow row; those in the names of camera, zone,
	// kind and label are found through places.
	{
		script: `CREATE TABLE places (
			place  BIGINT PRIMARY KEY,
			camera TEXT NOT NULL,
			zone   TEXT NOT NULL,
			kind   TEXT NOT NULL,
			label  TEXT NOT NULL,
			UNIQUE (camera, zone, kind, label)
		);
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
			end_us      BIGINT
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
			PRIMARY KEY (word, alarm_us, id) COVERING
		) CLUSTERED`,
		fill: fillFacets,
		after: `DROP INDEX incidents_newest;
		DROP INDEX incidents_queue;
		DROP INDEX incidents_camera;
		DROP INDEX incidents_zone;
		DROP INDEX incidents_kind;
		DROP INDEX incidents_state;
		DROP INDEX incidents_severity;
		DROP INDEX incidents_going_on;
		DROP INDEX incidents_verdict;
		CREATE INDEX facets_newest   ON facets (` + covering("alarm_us", "id") + `);
		CREATE INDEX facets_queue    ON facets (` + covering("priority", "alarm_us", "id") + `);
		CREATE INDEX facets_camera   ON facets (` + covering("camera", "alarm_us", "id") + `);
		CREATE INDEX facets_zone     ON facets (` + covering("zone", "alarm_us", "id") + `);
		CREATE INDEX facets_kind     ON facets (` + covering("kind", "alarm_us", "id") + `);
		CREATE INDEX facets_label    ON facets (` + covering("label", "alarm_us", "id") + `);
		CREATE INDEX facets_place    ON facets (` + covering("place", "alarm_us", "id") + `);
		CREATE INDEX facets_state    ON facets (` + covering("state", "alarm_us", "id") + `);
		CREATE INDEX facets_severity ON facets (` + covering("state", "priority", "alarm_us", "id") + `);
		CREATE INDEX facets_verdict  ON facets (` + covering("verdict", "alarm_us", "id") + `);
		CREATE INDEX facets_footage  ON facets (` + covering("footage", "alarm_us", "id") + `);
		CREATE INDEX facets_held     ON facets (` + covering("held", "alarm_us", "id") + `);
		CREATE INDEX facets_dwell    ON facets (` + covering("dwell_class", "alarm_us", "id") + `);
		CREATE INDEX words_queue     ON words  (` + covering("word", "priority", "alarm_us", "id") + `);
		CREATE INDEX facets_going_on ON facets (alarm_us) WHERE end_us IS NULL`,
	},
}

// judged are the columns that a search may ask of a row it passes over.
var judged = []string{"place", "camera", "zone", "kind", "label", "priority", "state", "verdict", "footage", "held", "dwell_ns"}

// covering lists the columns of an index on facets or words: those by which it is sorted, then what
// is judged, so that a walk need not look up the rows that it passes over. The times are
// left out: only the few rows near the ends of a time range need them.
func covering(sorted ...string) string {
	all := sorted
	for _, c := range judged {
		if !slices.Contains(sorted, c) {
			all = append(all, c)
		}
	}
	return strings.Join(all, ", ")
}

// migration is one step: statements, then what only the program can work out, then the
// statements that are cheaper once the rows are there.
type migration struct {
	script string
	fill   func(ctx context.Context, tx *sql.Tx, d dialect) error
	after  string
}

// migrate takes the schema as far as the given migrations. The caller has locked out
// other migrators.
func migrate(ctx context.Context, tx *sql.Tx, d dialect, migrations []migration) error {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied TEXT NOT NULL)`); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	version := 0
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_version`).Scan(&version); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("schema version %d is newer than this program, which knows %d: %w", version, len(migrations), errNewer)
	}
	for ; version < len(migrations); version++ {
		if err := migrations[version].apply(ctx, tx, d); err != nil {
			return fmt.Errorf("schema version %d: %w", version+1, err)
		}
		insert := `INSERT INTO schema_version (version, applied) VALUES (` + d.bind(1) + `, ` + d.bind(2) + `)`
		if _, err := tx.ExecContext(ctx, insert, version+1, time.Now().UTC().Format(time.RFC3339)); err != nil {
			return fmt.Errorf("schema version %d: %w", version+1, err)
		}
	}
	return nil
}

func (m migration) apply(ctx context.Context, tx *sql.Tx, d dialect) error {
	if err := d.run(ctx, tx, m.script); err != nil || m.fill == nil {
		return err
	}
	if err := m.fill(ctx, tx, d); err != nil {
		return err
	}
	return d.run(ctx, tx, m.after)
}

// run executes statements that are separated by semicolons.
func (d dialect) run(ctx context.Context, tx *sql.Tx, script string) error {
	covering := ""
	if d.include {
		covering = " INCLUDE (" + strings.Join(judged, ", ") + ")"
	}
	script = strings.NewReplacer(" JSON ", " "+d.json+" ", " CLUSTERED", " "+d.clustered, " COVERING", covering).Replace(script)
	for stmt := range strings.SplitSeq(script, ";") {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// fillFacets makes the incidents of an older index findable.
func fillFacets(ctx context.Context, tx *sql.Tx, d dialect) error {
	const batch = 500
	last := ""
	for {
		w := where{bind: d.bind}
		w.add("id > " + w.arg(last))
		rows, err := tx.QueryContext(ctx, "SELECT id, doc FROM incidents"+w.String()+fmt.Sprintf(" ORDER BY id LIMIT %d", batch), w.args...)
		if err != nil {
			return err
		}
		// Read to the end before writing: a connection of PostgreSQL does one at a time.
		var list []models.Incident
		for rows.Next() {
			var doc []byte
			if err := rows.Scan(&last, &doc); err != nil {
				return errors.Join(err, rows.Close())
			}
			in, err := row{doc: doc}.incident()
			if err != nil {
				return errors.Join(fmt.Errorf("incident %s: %w", last, err), rows.Close())
			}
			list = append(list, in)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if err := d.addFacets(ctx, tx, list); err != nil {
			return fmt.Errorf("incidents to %s: %w", last, err)
		}
		if len(list) < batch {
			return nil
		}
	}
}

var errNewer = errors.New("start the newer vedette that wrote it")
