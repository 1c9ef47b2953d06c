package storage

// migration5 makes room for what people are told: when each incident's next deadline is
// over, and an outbox of notices.
//
// deadlines holds the incidents of which a deadline is open, runs and is not yet noted as
// missed, with the first such. outbox holds each notice once for each channel. next_us of
// one that waits is when it may be claimed; a claim moves it on by the lease, so that
// nobody else takes it meanwhile, and counts attempts up, by which the claim is known.
// Of the others next_us is done_us: one index then finds both.
var migration5 = migration{
	script: `CREATE TABLE deadlines (
		id     TEXT PRIMARY KEY,
		due_us BIGINT NOT NULL
	);
	CREATE TABLE outbox (
		notice     TEXT NOT NULL,
		channel    TEXT NOT NULL,
		kind       TEXT NOT NULL,
		incident   TEXT NOT NULL,
		priority   BIGINT NOT NULL,
		state      TEXT NOT NULL,
		message    TEXT NOT NULL,
		attempts   BIGINT NOT NULL,
		created_us BIGINT NOT NULL,
		next_us    BIGINT NOT NULL,
		error      TEXT NOT NULL,
		doc        JSON NOT NULL,
		PRIMARY KEY (notice, channel)
	);
	CREATE INDEX deadlines_due   ON deadlines (due_us, id);
	CREATE INDEX outbox_next     ON outbox (channel, state, next_us);
	CREATE INDEX outbox_room     ON outbox (state, priority, created_us);
	CREATE INDEX outbox_log      ON outbox (created_us, notice, channel);
	CREATE INDEX outbox_incident ON outbox (incident, created_us)`,
}
