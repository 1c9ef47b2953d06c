package storage

import (
	"context"
	"database/sql"
)

// migration7 lets the database itself refuse to alter or remove what is only ever added:
// the entries of the incidents' logs, and the log book. A mistake in a statement of ours,
// or somebody at the database's prompt, then gets an error in place of a changed log.
//
// A later migration that must touch these tables drops the triggers and makes them anew,
// in one transaction.
var migration7 = migration{
	fill: func(ctx context.Context, tx *sql.Tx, d dialect) error {
		for _, stmt := range d.addOnly {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return err
			}
		}
		return nil
	},
}

// addOnlySQLite are triggers for each row. An INSERT OR REPLACE removes rows without
// asking a trigger (unless recursive_triggers is on), so a row with a key that is taken is
// refused before that. In the journal it is passed over: that an entry is there already is
// how one that is sent twice is stored once.
var addOnlySQLite = []string{
	`CREATE TRIGGER entries_not_altered BEFORE UPDATE ON entries
	BEGIN SELECT RAISE(ABORT, 'entries of the log are only added'); END`,
	`CREATE TRIGGER entries_not_removed BEFORE DELETE ON entries
	BEGIN SELECT RAISE(ABORT, 'entries of the log are only added'); END`,
	`CREATE TRIGGER entries_not_replaced BEFORE INSERT ON entries
	WHEN EXISTS (SELECT 1 FROM entries WHERE number = NEW.number AND n = NEW.n)
	BEGIN SELECT RAISE(ABORT, 'entries of the log are only added'); END`,
	`CREATE TRIGGER journal_not_altered BEFORE UPDATE ON journal
	BEGIN SELECT RAISE(ABORT, 'entries of the log book are only added'); END`,
	`CREATE TRIGGER journal_not_removed BEFORE DELETE ON journal
	BEGIN SELECT RAISE(ABORT, 'entries of the log book are only added'); END`,
	`CREATE TRIGGER journal_not_replaced BEFORE INSERT ON journal
	WHEN EXISTS (SELECT 1 FROM journal WHERE number = NEW.number OR id = NEW.id)
	BEGIN SELECT RAISE(IGNORE); END`,
}

// addOnlyPostgres are triggers for each statement, which refuse one that finds no row, too.
// They also fire in a session that plays the part of a replica.
var addOnlyPostgres = []string{
	`CREATE FUNCTION entries_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		RAISE EXCEPTION '%: entries are only added', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
	END $$`,
	`CREATE TRIGGER entries_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
	FOR EACH STATEMENT EXECUTE FUNCTION entries_are_only_added()`,
	`ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_only_added`,
	`CREATE TRIGGER journal_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
	FOR EACH STATEMENT EXECUTE FUNCTION entries_are_only_added()`,
	`ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_only_added`,
}
