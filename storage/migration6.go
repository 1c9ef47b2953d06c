package storage

import (
	"context"
	"database/sql"
)

// migration6 makes room for series, the log book, shifts that were handed over, and the
// tallies that reports count.
//
// tallies holds what reports count of 32 incidents in one row, those of numbers 32·chunk
// and on, with the first and the last of their alarms: a year of a million incidents is
// read in 31 000 rows, and a change writes 2 kB. journal is only ever inserted into.
var migration6 = migration{
	script: `CREATE TABLE series (
		number BIGINT PRIMARY KEY,
		id     TEXT NOT NULL UNIQUE,
		at_us  BIGINT NOT NULL,
		site   TEXT NOT NULL,
		doc    JSON NOT NULL
	);
	CREATE TABLE journal (
		number   BIGINT PRIMARY KEY,
		id       TEXT NOT NULL UNIQUE,
		at_us    BIGINT NOT NULL,
		site     TEXT NOT NULL,
		corrects BIGINT NOT NULL,
		doc      JSON NOT NULL
	);
	CREATE TABLE handovers (
		number BIGINT PRIMARY KEY,
		id     TEXT NOT NULL UNIQUE,
		at_us  BIGINT NOT NULL,
		site   TEXT NOT NULL,
		doc    JSON NOT NULL
	);
	CREATE TABLE tallies (
		chunk    BIGINT PRIMARY KEY,
		first_us BIGINT NOT NULL,
		last_us  BIGINT NOT NULL,
		packed   BYTEA NOT NULL
	);
	CREATE INDEX journal_at       ON journal (at_us, number);
	CREATE INDEX journal_corrects ON journal (corrects) WHERE corrects > 0;
	CREATE INDEX handovers_at     ON handovers (at_us, number);
	CREATE INDEX tallies_last     ON tallies (last_us)`,
	fill: func(ctx context.Context, tx *sql.Tx, d dialect) error {
		return d.eachDocument(ctx, tx, d.tallyIn(ctx, tx))
	},
}
