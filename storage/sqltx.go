package storage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrOutcome says that the database went away while it stored a change and did not come
// back in time to say whether it has. Whoever gets it reads the record again.
var ErrOutcome = errors.New("the database went away while it stored the change: it may or may not be stored")

const (
	// attempts bounds how often a transaction is tried whose connection breaks: a server
	// that was restarted has broken every connection of the pool.
	attempts = 10
	// settlePatience is how long we wait for a database that went away at the commit.
	settlePatience = 15 * time.Second
)

// inTx runs fn in one transaction. What fn does it may have to do again: when the
// connection breaks before the commit, nothing has happened, and all is done anew on
// another one. When it breaks at the commit, the database is asked what became of it.
func (x *sqlIndex) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	for attempt := 1; ; attempt++ {
		again, err := x.tryTx(ctx, fn)
		if !again || attempt == attempts || ctx.Err() != nil {
			return err
		}
	}
}

func (x *sqlIndex) tryTx(ctx context.Context, fn func(*sql.Tx) error) (again bool, err error) {
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return broken(err), err
	}
	defer tx.Rollback() // no effect after Commit
	if err := fn(tx); err != nil {
		return broken(err) || collided(err), err
	}
	if !x.remote {
		return false, tx.Commit()
	}
	token, err := x.leaveToken(ctx, tx)
	if err != nil {
		return broken(err), err
	}
	x.step("commit")
	err = tx.Commit()
	var answer *pgconn.PgError
	switch {
	case err == nil:
		select {
		case x.spent <- token:
		default: // others wait to be forgotten; forgetTokens takes this one
		}
		return false, nil
	case errors.As(err, &answer) && !broken(err):
		return collided(err), err
	}
	done, unknown := x.settle(ctx, token)
	switch {
	case unknown != nil:
		return false, errors.Join(ErrOutcome, err, unknown)
	case done:
		return false, nil
	}
	return true, err
}

// leaveToken leaves a token that is there when the transaction was committed. The number
// that PostgreSQL gives a transaction does not do: after a crash it is given again.
func (x *sqlIndex) leaveToken(ctx context.Context, tx *sql.Tx) (string, error) {
	token, forget := rand.Text(), ""
	select {
	case forget = <-x.spent:
	default:
	}
	_, err := tx.ExecContext(ctx, `WITH gone AS (DELETE FROM commits WHERE token = $1) INSERT INTO commits (token, at_us) VALUES ($2, $3)`,
		forget, token, time.Now().UnixMicro())
	return token, err
}

// forgetTokens removes what processes have left behind that ended long before now.
func (x *sqlIndex) forgetTokens(ctx context.Context, now time.Time) error {
	_, err := x.write.ExecContext(ctx, `DELETE FROM commits WHERE ABS(at_us) < $1`, now.Add(-tokenAge).UnixMicro())
	return err
}

// tokenAge is far more than anybody waits for the outcome of a commit.
const tokenAge = 24 * time.Hour

// step tells a test how far a transaction has come.
func (x *sqlIndex) step(name string) {
	if x.onStep != nil {
		x.onStep(name)
	}
}

// settle finds out whether a transaction was committed that was not answered, by leaving
// its token once more. The caller may have lost patience: the answer is needed all the same.
func (x *sqlIndex) settle(ctx context.Context, token string) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.patience)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if committed, err = x.ask(ctx, token); err == nil {
			return committed, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false, err
		}
	}
}

// ask leaves a token with a negative time, unless it is there: then the time says who has
// left it. PostgreSQL makes it wait for a transaction that has left the same one and is not
// over yet.
func (x *sqlIndex) ask(ctx context.Context, token string) (committed bool, err error) {
	if _, err := x.write.ExecContext(ctx, `INSERT INTO commits (token, at_us) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING`,
		token, -time.Now().UnixMicro()); err != nil {
		return false, err
	}
	err = x.write.QueryRowContext(ctx, `SELECT at_us > 0 FROM commits WHERE token = $1`, token).Scan(&committed)
	return committed, err
}

// broken says whether an error means that the connection is lost, and with it whatever
// was not committed.
func broken(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		// 08: connection; 57P01, 57P02: the server shuts down or has crashed.
		return strings.HasPrefix(answer.Code, "08") || answer.Code == "57P01" || answer.Code == "57P02"
	}
	var noConn *pgconn.ConnectError
	if errors.As(err, &noConn) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // nothing is there to go to, or nobody waits
	}
	var op *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &op) || pgconn.SafeToRetry(err)
}

// collided says whether the server undid the transaction in favour of another one.
func collided(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && (answer.Code == "40001" || answer.Code == "40P01")
}
