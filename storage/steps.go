package storage

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"strconv"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// comparison is what came of comparing the clocks of a machine with what was noted of them.
type comparison struct {
	ahead   int64             // of reading.ahead, as it is noted now
	step    *models.ClockStep // nil: there was none that is not noted
	changed []models.IncidentID
}

// noteStep compares what the clocks of a machine show with what was noted of them last. When
// the wall clock was set, the step and all that moves with it are stored in one transaction:
// after a crash nothing has happened, and the next start finds the step again.
func (x *sqlIndex) noteStep(ctx context.Context, c *StepClock, r reading, how models.StepKnown) (out comparison, err error) {
	err = x.inTx(ctx, func(tx *sql.Tx) error {
		ahead, by, how, err := x.sinceNoted(ctx, tx, c, r, how)
		if err != nil {
			return err
		}
		out = comparison{ahead: ahead}
		if by.Abs() >= stepSlack {
			out.ahead = r.ahead()
			if out.changed, out.step, err = x.moveDeadlines(ctx, tx, c, models.ClockStep{At: r.wall, By: by, How: how}); err != nil {
				return err
			}
		}
		w := where{bind: x.bind}
		values := w.list([]any{c.machine, c.boot, out.ahead, r.wall.UnixMicro()})
		_, err = tx.ExecContext(ctx, `INSERT INTO machines (machine, boot, ahead_ns, seen_us) VALUES (`+values+`) ON CONFLICT (machine)
			DO UPDATE SET boot = excluded.boot, ahead_ns = excluded.ahead_ns, seen_us = excluded.seen_us`, w.args...)
		return err
	})
	return out, err
}

// errClockSet ends a transaction during which the clock was set.
var errClockSet = errors.New("the machine's clock was set")

// steadyTries bounds how often a transaction is done anew because the clock was set. When
// deadlines cannot be moved with it, work goes on all the same.
const steadyTries = 3

// inSteadyTx does as inTx, on deadlines that agree with the clock: fn reads the one and the
// other, so when the clock is set meanwhile it is done anew.
func (x *sqlIndex) inSteadyTx(ctx context.Context, fn func(*sql.Tx) error) error {
	for left := steadyTries; ; left-- {
		x.settled(ctx)
		set := func() bool { return false }
		if x.watch != nil && left > 0 {
			set = x.watch()
		}
		err := x.inTx(ctx, func(tx *sql.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			if set() {
				return errClockSet
			}
			return nil
		})
		if !errors.Is(err, errClockSet) {
			return err
		}
	}
}

// sinceNoted is what was noted, by how much the clock was set since, and how that is known.
// Of a machine that was started anew what is noted is what its clocks show now.
func (x *sqlIndex) sinceNoted(ctx context.Context, tx *sql.Tx, c *StepClock, r reading, how models.StepKnown) (int64, time.Duration, models.StepKnown, error) {
	if x.remote { // two that note one step must see each other
		if _, err := tx.ExecContext(ctx, `LOCK TABLE clock_steps IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return 0, 0, how, err
		}
	}
	var boot string
	var ahead, seen int64
	err := tx.QueryRowContext(ctx, `SELECT boot, ahead_ns, seen_us FROM machines WHERE machine = `+x.bind(1)+x.forUpdate, c.machine).Scan(&boot, &ahead, &seen)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return 0, 0, how, err
	}
	same := !fresh && boot == c.boot && boot != ""
	if !same && how == models.StepSeen { // this process knows what it has noted
		ahead, same = c.ahead.Load(), true
	}
	if same {
		return ahead, time.Duration(r.ahead() - ahead).Round(time.Microsecond), how, nil
	}
	if fresh {
		return r.ahead(), 0, how, nil
	}
	// How long the machine was off is not known, but time does not go back.
	return r.ahead(), min(0, time.Duration(r.wall.UnixMicro()-seen)*time.Microsecond), models.StepAtLeast, nil
}

// moveDeadlines stores a step and what moves with it.
func (x *sqlIndex) moveDeadlines(ctx context.Context, tx *sql.Tx, c *StepClock, s models.ClockStep) ([]models.IncidentID, *models.ClockStep, error) {
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM clock_steps`).Scan(&s.Number); err != nil {
		return nil, nil, err
	}
	same, err := x.sameStep(ctx, tx, c.machine, s)
	if err != nil {
		return nil, nil, err
	}
	var changed []models.IncidentID
	if same == 0 {
		ids, err := x.underWay(ctx, tx, s)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids {
			_, refused, err := x.change(ctx, tx, id, func(in *models.Incident) error {
				if !c.Move(in, s) {
					return errRefused
				}
				return nil
			})
			switch {
			case refused != nil:
			case errors.Is(err, errDocument), errors.Is(err, fs.ErrNotExist): // one record that cannot be read keeps no other from moving
				c.Log.Error("a deadline does not move with the clock", "incident", id, "err", err)
			case err != nil:
				return nil, nil, err
			default:
				changed = append(changed, id)
			}
		}
	}
	if same == 0 {
		if err := x.moveOutbox(ctx, tx, s); err != nil {
			return nil, nil, err
		}
	}
	w := where{bind: x.bind}
	values := w.list([]any{s.Number, c.machine, s.At.UnixMicro(), s.By.Microseconds(), string(s.How), same, len(changed)})
	_, err = tx.ExecContext(ctx, `INSERT INTO clock_steps (number, machine, at_us, by_us, how, same_as, moved) VALUES (`+values+`)`, w.args...)
	return changed, &s, err
}

// moveOutbox lets notices wait for as long as they were to, for another attempt or until a
// claim is over, and those go at once that were to.
func (x *sqlIndex) moveOutbox(ctx context.Context, tx *sql.Tx, s models.ClockStep) error {
	w := where{bind: x.bind}
	set := "next_us = next_us + " + w.arg(s.By.Microseconds())
	w.add("state = 'waiting'")
	_, err := tx.ExecContext(ctx, "UPDATE outbox SET "+set+w.String(), w.args...)
	return err
}

// sameStep is the number of the step of another machine that this one is, too; 0: none. The
// guests of one host, and what one time server keeps, are set together: deadlines that they
// share move once.
func (x *sqlIndex) sameStep(ctx context.Context, tx *sql.Tx, machine string, s models.ClockStep) (int64, error) {
	w := where{bind: x.bind}
	w.add("machine <> " + w.arg(machine))
	w.add("same_as = 0")
	w.add("at_us BETWEEN " + w.arg(s.At.Add(-guestsApart).UnixMicro()) + " AND " + w.arg(s.At.Add(guestsApart).UnixMicro()))
	w.add("by_us BETWEEN " + w.arg((s.By - stepSlack).Microseconds()) + " AND " + w.arg((s.By + stepSlack).Microseconds()))
	w.add("number NOT IN (SELECT same_as FROM clock_steps WHERE machine = " + w.arg(machine) + ")")
	var number int64
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(MIN(number), 0) FROM clock_steps`+w.String(), w.args...).Scan(&number)
	return number, err
}

// underWay are the incidents of which a deadline runs or stands.
func (x *sqlIndex) underWay(ctx context.Context, tx *sql.Tx, s models.ClockStep) ([]models.IncidentID, error) {
	w := where{bind: x.bind}
	priorities := ""
	for p := range models.SeverityCritical.Rank() + 1 {
		if p > 0 {
			priorities += ", "
		}
		priorities += strconv.Itoa(p)
	}
	since := min(s.At.UnixMicro(), s.Before().UnixMicro()) - lateFor.Microseconds()
	// Those that nobody has noted as missed, however late; those that were missed of late; and
	// those that wait, whose deadlines stand.
	rows, err := tx.QueryContext(ctx, `SELECT id FROM deadlines
		UNION SELECT id FROM facets WHERE state IN ('new', 'acknowledged') AND priority IN (`+priorities+`) AND due_us >= `+w.arg(since)+` AND due_us < `+noDueText+`
		UNION SELECT id FROM facets WHERE state = 'acknowledged' AND priority IN (`+priorities+`) AND due_us = `+noDueText, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []models.IncidentID
	for rows.Next() {
		var id models.IncidentID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// noteSeen notes what the clock of a machine shows.
func (x *sqlIndex) noteSeen(ctx context.Context, machine string, r reading) error {
	w := where{bind: x.bind}
	set := "seen_us = " + w.arg(r.wall.UnixMicro())
	w.add("machine = " + w.arg(machine))
	_, err := x.write.ExecContext(ctx, `UPDATE machines SET `+set+w.String(), w.args...)
	return err
}
