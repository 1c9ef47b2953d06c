package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vedette-cctv/vedette/durable"
)

// lockPatience is how long a statement waits for another process to let go of the file.
const lockPatience = 5 * time.Second

// OpenSQLite opens the index in one file and makes it if it is missing, readable by its
// owner alone. Every commit is synced to disk before it returns.
//
// It refuses a file that another process keeps locked, that is read-only, damaged or
// written by a newer vedette, or that lies on a network file system, and says what to do.
func OpenSQLite(path string) (Index, error) {
	x, err := openSQLite(path, lockPatience)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", path, err)
	}
	return x, nil
}

func openSQLite(path string, patience time.Duration) (*sqlIndex, error) {
	if err := durable.MkdirSync(filepath.Dir(path)); err != nil {
		return nil, durable.Hint(err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &st); err != nil {
		return nil, err
	}
	if name := networkFS(int64(st.Type)); name != "" {
		return nil, fmt.Errorf("the file lies on %s, where SQLite's locks do not hold: put it on a local disk, or use PostgreSQL", name)
	}
	if err := makePrivate(path); err != nil {
		return nil, durable.Hint(err)
	}
	x := &sqlIndex{dialect: dialect{name: "sqlite", json: "TEXT", clustered: "WITHOUT ROWID", merges: true, bind: bindQuestion,
		unindexed: unindexedSQLite, passed: passedSQLite, addOnly: addOnlySQLite, explain: explainSQLite}}
	var err error
	// modernc runs the pragmas on every new connection, in this order.
	common := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()),
		"journal_mode(wal)",
		"synchronous(full)", // WAL with "normal" may lose the last commits in a power cut
		"foreign_keys(on)",
		// 16 MiB of pages a connection instead of 2: the upper levels of every index of a
		// million incidents then stay in memory.
		"cache_size(-16384)",
	}}
	if x.write, err = openPool(path, common, url.Values{"_txlock": {"immediate"}}, 1); err != nil {
		return nil, err
	}
	if x.read, err = openPool(path, common, url.Values{"_pragma": {"query_only(on)"}}, 4); err != nil {
		return nil, errors.Join(err, x.write.Close())
	}
	if err := x.prepare(context.Background()); err != nil {
		return nil, errors.Join(explainSQLite(err), x.Close())
	}
	return x, nil
}

func openPool(path string, common, more url.Values, size int) (*sql.DB, error) {
	q := url.Values{}
	for _, from := range []url.Values{common, more} {
		for k, v := range from {
			q[k] = append(q[k], v...)
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// makePrivate makes the file before SQLite does: SQLite gives its log and shared-memory
// files the mode of the database file.
func makePrivate(path string) error {
	// An existing file is not opened here: closing it would drop the locks that SQLite
	// holds on it elsewhere in this process (POSIX locks belong to the process).
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(path, info.Mode().Perm()&^0o077)
	}
	return nil
}

// prepare checks the file and brings its schema up to date.
func (x *sqlIndex) prepare(ctx context.Context) error {
	if err := x.quickCheck(ctx, checkPatience); err != nil {
		return err
	}
	return migrate(ctx, x.write, x.dialect, migrations)
}

// checkPatience bounds the check at start-up, which reads about 0.5 GB/s: a site with
// years of records must not wait minutes for it. What lies beyond is found, with the same
// advice, when it is read.
const checkPatience = 3 * time.Second

func (x *sqlIndex) quickCheck(ctx context.Context, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var verdict string
	err := x.write.QueryRowContext(limited, `PRAGMA quick_check(1)`).Scan(&verdict)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return nil
	case err != nil:
		return err
	case verdict != "ok":
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

var errDamaged = errors.New("the file is damaged")

// explainSQLite adds what to do. Footage is in no danger in any of these cases.
func explainSQLite(err error) error {
	hint := ""
	var e *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDamaged):
		hint = damagedHint
	case errors.As(err, &e):
		switch e.Code() & 0xff { // the rest is detail
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			hint = "another process has locked the index: end that process (fuser FILE names it)"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
			hint = "the index may not be written: correct the owner and mode of the file and its folder"
		case sqlite3.SQLITE_CANTOPEN:
			hint = "the index cannot be opened: correct the owner and mode of the file and its folder"
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			hint = damagedHint
		case sqlite3.SQLITE_FULL:
			hint = "the disk is full: free space"
		case sqlite3.SQLITE_IOERR:
			hint = "the disk reports an error: look in the system log"
		}
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

const damagedHint = `stop vedette and run: vedette reindex --fresh, which sets the file aside and makes the records ` +
	`anew from the bucket; or restore a backup. Footage in bucket and spool is not affected`

// networkFS names the file system on which SQLite's write-ahead log must not be used;
// the numbers are from linux/magic.h and the kernel's fs/smb.
func networkFS(magic int64) string {
	switch uint32(magic) {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "an SMB share"
	case unix.V9FS_MAGIC:
		return "a 9p share"
	case unix.CEPH_SUPER_MAGIC:
		return "CephFS"
	}
	return ""
}
