package storage

// migration2 adds what people say of an alarm: verdict is empty while nobody has judged
// it. curves are the curves of the events, as paths are their paths; NULL where a record
// is older than curves.
var migration2 = migration{script: `ALTER TABLE incidents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
	ALTER TABLE incidents ADD COLUMN curves JSON NULL;
	CREATE INDEX incidents_verdict ON incidents (verdict, alarm_us, id)`}
