package storage

// migration3 moves what incidents are found by into a table of narrow rows, which a search
// can walk without touching the documents; see listQuery. words holds the words of what
// people wrote, each with the whole narrow row; those in the names of camera, zone, kind
// and label are found through places.
//
// migration4 makes facets and words anew, so this one leaves them empty.
var migration3 = migration{
	judged: judged3,
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
	after: `DROP INDEX incidents_newest;
	DROP INDEX incidents_queue;
	DROP INDEX incidents_camera;
	DROP INDEX incidents_zone;
	DROP INDEX incidents_kind;
	DROP INDEX incidents_state;
	DROP INDEX incidents_severity;
	DROP INDEX incidents_going_on;
	DROP INDEX incidents_verdict;
	CREATE INDEX facets_newest   ON facets (` + covering3("alarm_us", "id") + `);
	CREATE INDEX facets_queue    ON facets (` + covering3("priority", "alarm_us", "id") + `);
	CREATE INDEX facets_camera   ON facets (` + covering3("camera", "alarm_us", "id") + `);
	CREATE INDEX facets_zone     ON facets (` + covering3("zone", "alarm_us", "id") + `);
	CREATE INDEX facets_kind     ON facets (` + covering3("kind", "alarm_us", "id") + `);
	CREATE INDEX facets_label    ON facets (` + covering3("label", "alarm_us", "id") + `);
	CREATE INDEX facets_place    ON facets (` + covering3("place", "alarm_us", "id") + `);
	CREATE INDEX facets_state    ON facets (` + covering3("state", "alarm_us", "id") + `);
	CREATE INDEX facets_severity ON facets (` + covering3("state", "priority", "alarm_us", "id") + `);
	CREATE INDEX facets_verdict  ON facets (` + covering3("verdict", "alarm_us", "id") + `);
	CREATE INDEX facets_footage  ON facets (` + covering3("footage", "alarm_us", "id") + `);
	CREATE INDEX facets_held     ON facets (` + covering3("held", "alarm_us", "id") + `);
	CREATE INDEX facets_dwell    ON facets (` + covering3("dwell_class", "alarm_us", "id") + `);
	CREATE INDEX words_queue     ON words  (` + covering3("word", "priority", "alarm_us", "id") + `);
	CREATE INDEX facets_going_on ON facets (alarm_us) WHERE end_us IS NULL`,
}

// judged3 are the columns that the indexes of migration3 carry.
var judged3 = []string{"place", "camera", "zone", "kind", "label", "priority", "state", "verdict", "footage", "held", "dwell_ns"}

func covering3(sorted ...string) string { return carrying(judged3, sorted) }
