package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// migrations take the index from version n to n+1, each in a file of its own. A released
// one never changes: a new table is a new migration at the end of this list.
//
// In their text JSON stands for the database's type for a document that is kept byte for
// byte. A table that is walked in the order of its primary key is either stored in that
// order (CLUSTERED) or has the rest of the row in that index (COVERING), as the database
// can.
var migrations = []migration{migration1, migration2, migration3, migration4, migration5, migration6, migration7, migration8}

// migration is one step: statements, then what only the program can work out, then the
// statements that are cheaper once the rows are there. All of it is one transaction, so a
// step that was interrupted is done anew at the next start. fill writes only what the
// schema of this version has.
type migration struct {
	script string
	fill   func(ctx context.Context, tx *sql.Tx, d dialect) error
	after  string
	judged []string // that COVERING stands for
}

// migrate takes the schema as far as the given migrations. Any number of processes may do
// so at once.
func migrate(ctx context.Context, db *sql.DB, d dialect, migrations []migration) error {
	steps := make([]*goose.Migration, len(migrations))
	for i, m := range migrations {
		version := int64(i + 1)
		steps[i] = goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if err := d.lockSchema(ctx, tx); err != nil {
				return err
			}
			now, err := schemaVersions{d}.GetLatestVersion(ctx, tx)
			if err != nil || now >= version { // another process was here while we waited
				return err
			}
			if err := m.apply(ctx, tx, d); err != nil {
				return fmt.Errorf("schema version %d: %w", version, err)
			}
			return nil
		}}, nil)
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, nil, goose.WithStore(schemaVersions{d}), goose.WithGoMigrations(steps...),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	version, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if version > int64(len(migrations)) {
		return fmt.Errorf("schema version %d is newer than this program, which knows %d: %w", version, len(migrations), errNewer)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

var errNewer = errors.New("start the newer vedette that wrote it")

// lockSchema keeps other migrators out until the transaction ends. A transaction of SQLite
// that writes is alone anyway.
func (d dialect) lockSchema(ctx context.Context, tx database.DBTxConn) error {
	if d.schemaLock == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, d.schemaLock)
	return err
}

// schemaVersions is goose's table of versions in the form that every release of vedette
// has written and reads: an older one sees there that the index is newer than itself.
type schemaVersions struct{ d dialect }

var _ database.Store = schemaVersions{}

func (schemaVersions) Tablename() string { return "schema_version" }

func (v schemaVersions) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	if err := v.d.lockSchema(ctx, db); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied TEXT NOT NULL)`)
	return err
}

func (v schemaVersions) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	insert := `INSERT INTO schema_version (version, applied) VALUES (` + v.d.bind(1) + `, ` + v.d.bind(2) + `) ON CONFLICT (version) DO NOTHING`
	_, err := db.ExecContext(ctx, insert, req.Version, time.Now().UTC().Format(time.RFC3339))
	return err
}

// Delete is how goose goes back, which vedette never does: what a newer schema holds would
// be lost.
func (schemaVersions) Delete(context.Context, database.DBTxConn, int64) error {
	return errors.ErrUnsupported
}

func (v schemaVersions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var applied string
	err := db.QueryRowContext(ctx, `SELECT applied FROM schema_version WHERE version = `+v.d.bind(1), version).Scan(&applied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	if err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, applied)
	if err != nil {
		at = time.Time{} // only for people
	}
	return &database.GetMigrationResult{Timestamp: at, IsApplied: true}, nil
}

func (v schemaVersions) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var version sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT MAX(version) FROM schema_version`).Scan(&version)
	if err == nil && !version.Valid {
		err = database.ErrVersionNotFound
	}
	return version.Int64, err
}

func (v schemaVersions) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := db.QueryContext(ctx, `SELECT version FROM schema_version ORDER BY version DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*database.ListMigrationsResult
	for rows.Next() {
		one := &database.ListMigrationsResult{IsApplied: true}
		if err := rows.Scan(&one.Version); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func (m migration) apply(ctx context.Context, tx *sql.Tx, d dialect) error {
	if m.script != "" {
		if err := d.run(ctx, tx, m.script, m.judged); err != nil {
			return err
		}
	}
	if m.fill != nil {
		if err := m.fill(ctx, tx, d); err != nil {
			return err
		}
	}
	if m.after == "" {
		return nil
	}
	return d.run(ctx, tx, m.after, m.judged)
}

// run executes statements that are separated by semicolons.
func (d dialect) run(ctx context.Context, tx *sql.Tx, script string, judged []string) error {
	covering := ""
	if d.include {
		covering = " INCLUDE (" + strings.Join(judged, ", ") + ")"
	}
	script = strings.NewReplacer(" JSON ", " "+d.json+" ", " CLUSTERED", " "+d.clustered, " COVERING", covering).Replace(script)
	for stmt := range strings.SplitSeq(script, ";") {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// carrying lists the columns of an index: those by which it is sorted, then the others
// that it carries.
func carrying(judged, sorted []string) string {
	all := slices.Clone(sorted)
	for _, c := range judged {
		if !slices.Contains(sorted, c) {
			all = append(all, c)
		}
	}
	return strings.Join(all, ", ")
}
