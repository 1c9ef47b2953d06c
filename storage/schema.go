package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// migrations take the index from version n to n+1. A released one never changes.
// JSON stands for the database's type for a document that is kept byte for byte.
//
// priority is 0 for critical … 3 for low, so that every column of the queue's order
// ascends and one row comparison finds the next page. Times are µs since 1970. paths
// comes last: SQLite then need not read past it when a list leaves it out.
//
// spread holds the longest that any incident has lasted before and after its alarm. It
// turns "overlaps this time range" into a range of alarms, which the indexes can find.
var migrations = []string{
	`CREATE TABLE incidents (
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
	INSERT INTO spread (one, before_us, after_us) VALUES (1, 0, 0)`,

	// verdict is empty while nobody has judged the alarm. curves are the curves of the
	// events, as paths are their paths; NULL where a record is older than curves.
	`ALTER TABLE incidents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
	ALTER TABLE incidents ADD COLUMN curves JSON NULL;
	CREATE INDEX incidents_verdict ON incidents (verdict, alarm_us, id)`,
}

// migrate takes the schema as far as the given migrations. The caller has locked out
// other migrators.
func migrate(ctx context.Context, tx *sql.Tx, d dialect, migrations []string) error {
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
		script := strings.ReplaceAll(migrations[version], " JSON ", " "+d.json+" ")
		for stmt := range strings.SplitSeq(script, ";") {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return fmt.Errorf("schema version %d: %w", version+1, err)
			}
		}
		insert := `INSERT INTO schema_version (version, applied) VALUES (` + d.bind(1) + `, ` + d.bind(2) + `)`
		if _, err := tx.ExecContext(ctx, insert, version+1, time.Now().UTC().Format(time.RFC3339)); err != nil {
			return fmt.Errorf("schema version %d: %w", version+1, err)
		}
	}
	return nil
}

var errNewer = errors.New("start the newer vedette that wrote it")
