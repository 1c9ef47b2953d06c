package storage

import (
	"database/sql"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

func closedIndex(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "index.db")
	x, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		create(t, x, incident(n))
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSQLiteKeepsRecordsOverARestart(t *testing.T) {
	path := closedIndex(t)
	x, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if n, err := x.Count(t.Context(), Query{}); n != 20 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	var mode, sync string
	db := x.(*sqlIndex).write
	if err := db.QueryRow(`PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %s, %v", mode, err)
	}
	if err := db.QueryRow(`PRAGMA synchronous`).Scan(&sync); err != nil || sync != "2" {
		t.Errorf("synchronous %s, %v; want 2 (full)", sync, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %o", info.Name(), info.Mode().Perm())
		}
	}
}

func TestSQLiteTightensAnOpenFile(t *testing.T) {
	path := closedIndex(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

func TestSQLiteRefusesWhatItMustNotUse(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		want   string
	}{
		"cut short":         {func(t *testing.T, path string) { truncate(t, path, 5000) }, "restore a backup"},
		"not a database":    {func(t *testing.T, path string) { overwrite(t, path, randomBytes(50_000)) }, "restore a backup"},
		"a page of garbage": {func(t *testing.T, path string) { scribble(t, path, 3*4096, randomBytes(4096)) }, "restore a backup"},
		"newer schema": {func(t *testing.T, path string) {
			execSQL(t, path, `INSERT INTO schema_version VALUES (999, 'tomorrow')`)
		}, "start the newer vedette"},
		"a folder": {func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "correct the owner and mode"},
		"locked for good": {func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			db.SetMaxOpenConns(1)
			for _, s := range []string{`PRAGMA locking_mode=EXCLUSIVE`, `BEGIN EXCLUSIVE`} {
				if _, err := db.Exec(s); err != nil {
					t.Fatal(err)
				}
			}
		}, "end that process"},
	} {
		t.Run(name, func(t *testing.T) {
			path := closedIndex(t)
			c.damage(t, path)
			x, err := openSQLite(path, 100*time.Millisecond)
			if err == nil {
				x.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// A writer that another process holds up for a moment waits and then succeeds.
func TestSQLiteWaitsForAShortLock(t *testing.T) {
	path := closedIndex(t)
	x, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec(`BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	time.AfterFunc(300*time.Millisecond, func() {
		other.Exec(`COMMIT`)
		close(released)
	})
	if _, err := x.Update(t.Context(), incident(1).ID, func(*models.Incident) error { return nil }); err != nil {
		t.Error(err)
	}
	<-released
	if _, err := x.Get(t.Context(), incident(1).ID); err != nil {
		t.Error(err)
	}
}

// Readers go on while a writer holds its lock: the console does not stop for an update.
func TestSQLiteReadsWhileAnUpdateRuns(t *testing.T) {
	x := mustSQLite(t)
	create(t, x, incident(1))
	if _, err := x.Update(t.Context(), incident(1).ID, func(in *models.Incident) error {
		_, err := x.Get(t.Context(), in.ID) // only reading is free of the writer's lock
		return err
	}); err != nil {
		t.Error(err)
	}
}

// However long the check would take, the start does not wait for it, and the index works.
func TestSQLiteCheckIsBounded(t *testing.T) {
	t.Parallel()
	x := mustSQLite(t)
	for n := range 50 {
		in := incident(n)
		in.Label = strings.Repeat("x", 100_000)
		create(t, x, in)
	}
	for _, patience := range []time.Duration{time.Nanosecond, 300 * time.Microsecond, time.Millisecond, time.Minute} {
		if err := x.(*sqlIndex).quickCheck(t.Context(), patience); err != nil {
			t.Errorf("%v: %v", patience, err)
		}
		if _, err := x.Update(t.Context(), incident(1).ID, func(*models.Incident) error { return nil }); err != nil {
			t.Errorf("after %v: %v", patience, err)
		}
	}
}

func TestSQLiteReadOnly(t *testing.T) {
	path := closedIndex(t)
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Dir(path), 0o700)
		expectRefusal(t, path, "correct the owner and mode")
		return
	}
	// Root may write anything, so the refusal is looked for in a child of another user.
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("no other user: %v", err)
	}
	dir, err := os.MkdirTemp("", "readonly-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "index.db")
	overwrite(t, path, data)
	for p, mode := range map[string]os.FileMode{dir: 0o755, path: 0o644} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	out, err := child(t, "open-index-as", path, nobody.Uid).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "owner") {
		t.Errorf("got %v: %s", err, out)
	}
}

func expectRefusal(t *testing.T, path, want string) {
	t.Helper()
	x, err := OpenSQLite(path)
	if err == nil {
		x.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

func TestNetworkFileSystemsAreKnown(t *testing.T) {
	for magic, want := range map[int64]bool{unix.NFS_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true,
		unix.EXT4_SUPER_MAGIC: false, unix.XFS_SUPER_MAGIC: false, unix.TMPFS_MAGIC: false} {
		if got := networkFS(magic) != ""; got != want {
			t.Errorf("%#x: got %v", magic, got)
		}
	}
}

func scribble(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
}

func execSQL(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresFaults(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	dsn := server.Database("faults")
	t.Run("two nodes start at once", func(t *testing.T) {
		errs := make(chan error, 4)
		for range cap(errs) {
			go func() {
				x, err := OpenPostgres(t.Context(), dsn)
				if err == nil {
					err = x.Close()
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("the server restarts", func(t *testing.T) {
		x := mustPostgres(t, dsn)
		create(t, x, incident(1))
		server.Stop()
		if _, err := x.Create(t.Context(), incident(2)); err == nil || !strings.Contains(err.Error(), "the server") {
			t.Errorf("while it is down: %v", err)
		}
		server.Restart()
		create(t, x, incident(2))
		if n, err := x.Count(t.Context(), Query{}); n != 2 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
	for name, c := range map[string]struct{ dsn, want string }{
		"no such database": {strings.Replace(dsn, "/faults", "/nothing", 1), "createdb"},
		"nothing listens":  {fmt.Sprintf("postgres://u:%s@%s/x?sslmode=disable", secret, refusing(t)), "no connection to the server"},
		"no such host":     {"postgres://u:" + secret + "@no-such-host.invalid/x", "cannot be resolved"},
		"not a DSN":        {"postgres://u:" + secret + "@host:port/x", ""},
		"wrong user":       {strings.Replace(dsn, "vedette@", "nobody:"+secret+"@", 1), "correct the DSN"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenPostgres(t.Context(), c.dsn)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
