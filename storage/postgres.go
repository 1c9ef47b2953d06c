package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// migrationLock is our number among PostgreSQL's advisory locks ("vedette" in ASCII).
const migrationLock = 0x76656465747465

// OpenPostgres opens the index in a PostgreSQL database (13 or newer), so that several nodes can share
// it. dsn is a postgres:// URL or a list of key=value; its password appears in no error.
// Tables are made in the first schema of the connection's search path.
func OpenPostgres(ctx context.Context, dsn string) (Index, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err) // pgx masks the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "vedette"
	}
	for name, value := range planner {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(maxPostgresConns)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	x := &sqlIndex{
		dialect: dialect{name: "postgres", json: "JSON", include: true, bind: bindDollar, forUpdate: " FOR UPDATE",
			unindexed: unindexedPostgres, passed: passedPostgres, pins: true, addOnly: addOnlyPostgres, explain: explainPostgres,
			schemaLock: fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", int64(migrationLock)), remote: true, apart: " OFFSET 0"},
		write:    db,
		read:     db,
		patience: settlePatience,
		spent:    make(chan string, maxPostgresConns),
	}
	if err := migrate(ctx, db, x.dialect, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("index: %w", explainPostgres(err)), db.Close())
	}
	if err := x.forgetTokens(ctx, time.Now()); err != nil {
		return nil, errors.Join(fmt.Errorf("index: %w", explainPostgres(err)), db.Close())
	}
	return x, nil
}

// maxPostgresConns bounds the connections of one process.
const maxPostgresConns = 8

// planner are settings of the session, where the DSN has none. A page is found by walking
// an index until the page is full; the planner underrates how soon that is, collects all
// that fits with a bitmap and sorts it, which takes hundreds of times as long. For the same
// reason it would rather read a whole table to join it than look up the few rows of a page,
// or sort by an alarm what another index has in the order of the word.
// Compiling a statement, or starting processes to share it, takes longer than any of ours
// runs.
var planner = map[string]string{"enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_incremental_sort": "off", "jit": "off", "max_parallel_workers_per_gather": "0"}

func explainPostgres(err error) error {
	hint := ""
	var answer *pgconn.PgError
	var noConn *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer):
		// Codes: PostgreSQL manual, appendix A.
		switch answer.Code {
		case "28P01", "28000":
			hint = "the server refuses this user or password: correct the DSN or pg_hba.conf"
		case "3D000":
			hint = "create the database first: createdb NAME"
		case "42501":
			hint = "the user needs the right to create tables in this schema"
		case "42704":
			hint = "vedette needs PostgreSQL 13 or newer"
		case "53100":
			hint = "the server's disk is full"
		case "53300":
			hint = "the server has no connection left: raise max_connections"
		case "57P01", "57P02", "57P03":
			hint = "the server is going down or not up yet"
		case "25006":
			hint = "the server is a read-only standby: connect to the primary"
		}
	case errors.As(err, &noConn):
		hint = "no connection to the server: is it running, and are host and port right?"
		var op *net.DNSError
		if errors.As(err, &op) {
			hint = "the server's name cannot be resolved: correct the DSN, or look at DNS"
		}
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}
