package pgtest_test

import (
	"database/sql"
	"testing"

	"github.com/vedette-cctv/vedette/internal/pgtest"
)

func TestServerKeepsItsDataOverARestart(t *testing.T) {
	s := pgtest.Start(t)
	dsn := s.Database("kept")
	exec := func(query string) {
		t.Helper()
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE t (n INT)`)
	s.Stop()
	s.Restart()
	exec(`INSERT INTO t VALUES (1)`)
	s.Kill()
	s.Restart()
	exec(`INSERT INTO t VALUES (2)`)
}
