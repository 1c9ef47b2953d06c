package storage

// migration1 makes the records and finds them by indexes on their own table.
//
// priority is 0 for critical … 3 for low, so that every column of the queue's order
// ascends and one row comparison finds the next page. Times are µs since 1970. paths
// comes last: SQLite then need not read past it when a list leaves it out.
//
// spread holds the longest that any incident has lasted before and after its alarm. It
// turns "overlaps this time range" into a range of alarms, which the indexes can find.
var migration1 = migration{script: `CREATE TABLE incidents (
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
	INSERT INTO spread (one, before_us, after_us) VALUES (1, 0, 0)`}
