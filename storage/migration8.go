package storage

// migration8 makes room for what is known of the clocks of the machines that use the index,
// and for how they were set.
//
// ahead_ns of a machine is what its clock is ahead of the time since it was started, which
// changes only when the clock is set; boot names that start. seen_us is what the clock
// showed last.
var migration8 = migration{
	script: `CREATE TABLE machines (
		machine  TEXT PRIMARY KEY,
		boot     TEXT NOT NULL,
		ahead_ns BIGINT NOT NULL,
		seen_us  BIGINT NOT NULL
	);
	CREATE TABLE clock_steps (
		number  BIGINT PRIMARY KEY,
		machine TEXT NOT NULL,
		at_us   BIGINT NOT NULL,
		by_us   BIGINT NOT NULL,
		how     TEXT NOT NULL,
		same_as BIGINT NOT NULL,
		moved   BIGINT NOT NULL
	)`,
}
