package storage

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Bounds of the outbox.
const (
	// MaxWaiting bounds the notices that wait. Beyond it the least severe go, of them the
	// oldest, are dropped and counted.
	MaxWaiting = 100_000
	// maxLogged bounds the log of deliveries, of which the oldest goes first.
	maxLogged = 500_000
	// putsBetween is how many notices are added before their number is looked at again.
	putsBetween = 1000
)

// Outbox holds the notices that people are still to be told, and a log of those that they
// were. It lies in the index's database, so that a notice is written in the transaction of
// the change that it tells of, or not at all. It is safe for concurrent use, also by
// several processes on the same PostgreSQL database: a notice is claimed by one of them.
type Outbox struct {
	// Changed, when set before the index is used, is called after each record that is
	// created or changed, so that deadlines and notices are looked at anew. It must not block.
	Changed func()

	x       *sqlIndex
	dropped atomic.Uint64 // since the last Tend
	puts    atomic.Uint64
	most    int // MaxWaiting, less in tests
	logged  int // maxLogged
}

// NewOutbox opens the outbox of an index that this package has opened, and puts into it
// what occasions makes of each record that is created or changed. before is nil for a new
// one; of what lies behind a pointer or in a list it has only Deadlines. occasions is
// called within the transaction, maybe more than once, and must not use the index. Call it
// before the index is used.
func NewOutbox(index Index, occasions func(before *models.Incident, after models.Incident) []models.Dispatch) (*Outbox, error) {
	x, ok := index.(*sqlIndex)
	if !ok {
		return nil, fmt.Errorf("outbox: %T has none", index)
	}
	b := &Outbox{x: x, most: MaxWaiting, logged: maxLogged}
	x.tells = func(ctx context.Context, tx *sql.Tx, before *models.Incident, after models.Incident) error {
		return b.put(ctx, tx, occasions(before, after))
	}
	x.changed = func() {
		if b.Changed != nil {
			b.Changed()
		}
	}
	return b, nil
}

// firstDue is the first deadline that is open, runs and is not noted as missed; zero: none.
func firstDue(in models.Incident) (first time.Time) {
	for _, l := range in.Deadlines {
		if l.Open() && l.Paused == "" && !l.Missed && !l.Due.IsZero() && (first.IsZero() || l.Due.Before(first)) {
			first = l.Due
		}
	}
	return first
}

// setDeadline keeps the table of deadlines as the records say; was is what it held.
func (x *sqlIndex) setDeadline(ctx context.Context, tx *sql.Tx, was time.Time, in models.Incident) error {
	w := where{bind: x.bind}
	switch due := firstDue(in); {
	case due.Equal(was):
		return nil
	case due.IsZero():
		w.add("id = " + w.arg(string(in.ID)))
		_, err := tx.ExecContext(ctx, `DELETE FROM deadlines`+w.String(), w.args...)
		return err
	default:
		values := w.list([]any{string(in.ID), due.UnixMicro()})
		_, err := tx.ExecContext(ctx, `INSERT INTO deadlines (id, due_us) VALUES (`+values+`) ON CONFLICT (id) DO UPDATE SET due_us = excluded.due_us`, w.args...)
		return err
	}
}

// told puts what people are to be told of a change into the outbox, in its transaction.
func (x *sqlIndex) told(ctx context.Context, tx *sql.Tx, before *models.Incident, after models.Incident) error {
	if x.tells == nil {
		return nil
	}
	return x.tells(ctx, tx, before, after)
}

// tellChanged says that a record is stored.
func (x *sqlIndex) tellChanged() {
	if x.changed != nil {
		x.changed()
	}
}

// Due visits the incidents with a deadline that is open, runs, is not noted as missed, and
// falls due before a time: the soonest first, at most maxDue of them. next is when the
// first one at or after that time does; zero: none.
func (b *Outbox) Due(ctx context.Context, before time.Time, visit func(models.IncidentID, time.Time) error) (next time.Time, err error) {
	x := b.x
	w := where{bind: x.bind}
	w.add("due_us < " + w.arg(before.UnixMicro()))
	rows, err := x.read.QueryContext(ctx, `SELECT id, due_us FROM deadlines`+w.String()+` ORDER BY due_us, id LIMIT `+strconv.Itoa(maxDue), w.args...)
	if err != nil {
		return next, x.fail("deadlines", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id models.IncidentID
		var due int64
		if err := rows.Scan(&id, &due); err != nil {
			return next, x.fail("deadlines", err)
		}
		if err := visit(id, time.UnixMicro(due).UTC()); err != nil {
			return next, err
		}
	}
	if err := rows.Err(); err != nil {
		return next, x.fail("deadlines", err)
	}
	next, err = x.earliest(ctx, `SELECT MIN(due_us) FROM deadlines WHERE due_us >= `+x.bind(1), before.UnixMicro())
	return next, x.orFail("deadlines", err)
}

// maxDue bounds one look at the deadlines. Those that are noted as missed make room for
// the next.
const maxDue = 10_000

// earliest is a time that a query gives, or zero.
func (x *sqlIndex) earliest(ctx context.Context, query string, args ...any) (time.Time, error) {
	var us sql.NullInt64
	if err := x.read.QueryRowContext(ctx, query, args...).Scan(&us); err != nil || !us.Valid {
		return time.Time{}, err
	}
	return time.UnixMicro(us.Int64).UTC(), nil
}

func (x *sqlIndex) orFail(op string, err error) error {
	if err == nil {
		return nil
	}
	return x.fail(op, err)
}

// Put adds dispatches; one that is there already is left as it is.
func (b *Outbox) Put(ctx context.Context, all ...models.Dispatch) error {
	return b.x.orFail("outbox", b.x.inTx(ctx, func(tx *sql.Tx) error { return b.put(ctx, tx, all) }))
}

func (b *Outbox) put(ctx context.Context, tx *sql.Tx, all []models.Dispatch) error {
	for _, d := range all {
		doc, err := json.Marshal(d.Notice)
		if err != nil {
			return err
		}
		w := where{bind: b.x.bind}
		values := w.list([]any{column(d.Notice.ID), column(d.Channel), column(string(d.Notice.Kind)), column(string(d.Notice.Incident.ID)),
			priority(d.Notice.Incident.Severity), string(d.State), column(d.Message), d.Attempts, d.Created.UnixMicro(), micros(d),
			column(d.Error), string(doc)})
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (notice, channel, kind, incident, priority, state, message, attempts, created_us, next_us, error, doc)
			VALUES (`+values+`) ON CONFLICT (notice, channel) DO NOTHING`, w.args...); err != nil {
			return err
		}
	}
	if n := uint64(len(all)); n > 0 && b.puts.Add(n)%putsBetween < n {
		dropped, err := b.shed(ctx, tx, time.Now())
		b.dropped.Add(uint64(dropped))
		return err
	}
	return nil
}

// micros is when a dispatch may be claimed, or when it was done with.
func micros(d models.Dispatch) int64 {
	if d.State == models.DispatchWaiting {
		return d.Next.UnixMicro()
	}
	return d.Done.UnixMicro()
}

// shed makes room for the notices until their number is looked at again.
func (b *Outbox) shed(ctx context.Context, tx *sql.Tx, now time.Time) (int, error) {
	waiting := 0
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state = 'waiting'`).Scan(&waiting); err != nil {
		return 0, err
	}
	over := waiting - max(b.most-putsBetween, b.most/2)
	if waiting < b.most-putsBetween || over <= 0 {
		return 0, nil
	}
	w := where{bind: b.x.bind}
	us, reason := w.arg(now.UnixMicro()), w.arg("dropped: too many notices waited")
	done, err := tx.ExecContext(ctx, `UPDATE outbox SET state = 'dropped', next_us = `+us+`, error = `+reason+` WHERE (notice, channel) IN (
		SELECT notice, channel FROM outbox WHERE state = 'waiting' ORDER BY priority DESC, created_us LIMIT `+strconv.Itoa(over)+`)`, w.args...)
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// Claim takes waiting dispatches of a channel whose time has come for this process alone,
// until the lease is over. Each counts as an attempt.
func (b *Outbox) Claim(ctx context.Context, channel string, now time.Time, lease time.Duration, most int) ([]models.Dispatch, error) {
	var out []models.Dispatch
	err := b.x.inTx(ctx, func(tx *sql.Tx) error {
		out = nil
		lock := ""
		if b.x.forUpdate != "" {
			lock = b.x.forUpdate + " SKIP LOCKED" // what another process is taking is no business of ours
		}
		if err := b.catchUp(ctx, tx, channel, now); err != nil {
			return err
		}
		w := where{bind: b.x.bind}
		until := w.arg(now.Add(lease).UnixMicro())
		of, by := w.arg(channel), w.arg(now.UnixMicro())
		rows, err := tx.QueryContext(ctx, `UPDATE outbox SET attempts = attempts + 1, next_us = `+until+` WHERE (notice, channel) IN (
			SELECT notice, channel FROM outbox WHERE channel = `+of+` AND state = 'waiting' AND next_us <= `+by+`
			ORDER BY next_us, created_us LIMIT `+strconv.Itoa(most)+lock+`) RETURNING `+dispatchColumns, w.args...)
		if err != nil {
			return err
		}
		out, err = dispatches(rows)
		return err
	})
	if err != nil {
		return nil, b.x.fail("outbox: claim", err)
	}
	slices.SortStableFunc(out, func(a, b models.Dispatch) int { return a.Created.Compare(b.Created) })
	return out, nil
}

// longestWait is more than any dispatch is made to wait for its next attempt, or a claim
// lasts. One that waits longer was told to by a clock that has been set back since.
const longestWait = 90 * time.Minute

// catchUp brings the time of dispatches that wait too long to now.
func (b *Outbox) catchUp(ctx context.Context, tx *sql.Tx, channel string, now time.Time) error {
	w := where{bind: b.x.bind}
	set := `next_us = ` + w.arg(now.UnixMicro())
	w.add("channel = " + w.arg(channel))
	w.add("state = 'waiting'")
	w.add("next_us > " + w.arg(now.Add(longestWait).UnixMicro()))
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET `+set+w.String(), w.args...)
	return err
}

const dispatchColumns = `channel, state, message, attempts, created_us, next_us, error, doc`

func dispatches(rows *sql.Rows) (out []models.Dispatch, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d models.Dispatch
		var created, next int64
		var doc []byte
		if err := rows.Scan(&d.Channel, &d.State, &d.Message, &d.Attempts, &created, &next, &d.Error, &doc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(doc, &d.Notice); err != nil {
			return nil, fmt.Errorf("notice: %w", err)
		}
		d.Created = time.UnixMicro(created).UTC()
		if d.State == models.DispatchWaiting {
			d.Next = time.UnixMicro(next).UTC()
		} else {
			d.Done = time.UnixMicro(next).UTC()
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Settle writes what came of dispatches that were claimed. One that has been claimed again
// since, or dropped, is left: whoever has it now will say what came of it.
func (b *Outbox) Settle(ctx context.Context, all ...models.Dispatch) error {
	return b.x.orFail("outbox: settle", b.x.inTx(ctx, func(tx *sql.Tx) error {
		for _, d := range all {
			w := where{bind: b.x.bind}
			set := `state = ` + w.arg(string(d.State)) + `, message = ` + w.arg(column(d.Message)) +
				`, next_us = ` + w.arg(micros(d)) + `, error = ` + w.arg(column(d.Error))
			w.add("notice = " + w.arg(d.Notice.ID))
			w.add("channel = " + w.arg(d.Channel))
			w.add("attempts = " + w.arg(d.Attempts))
			w.add("state = 'waiting'")
			if _, err := tx.ExecContext(ctx, `UPDATE outbox SET `+set+w.String(), w.args...); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Next is when the next waiting dispatch of a channel may be claimed; zero: none waits.
func (b *Outbox) Next(ctx context.Context, channel string) (time.Time, error) {
	of := ` FROM outbox WHERE channel = ` + b.x.bind(1) + ` AND state = 'waiting'`
	at, err := b.x.earliest(ctx, `SELECT MIN(next_us)`+of, channel)
	if now := time.Now(); err == nil && at.After(now) {
		var last time.Time
		if last, err = b.x.earliest(ctx, `SELECT MAX(next_us)`+of, channel); last.After(now.Add(longestWait)) {
			at = now // see catchUp
		}
	}
	return at, b.x.orFail("outbox", err)
}

// Sent says how many messages that were no summary a channel has delivered since, and when
// its last message of any kind was, if it was since.
func (b *Outbox) Sent(ctx context.Context, channel string, since time.Time) (single int, last time.Time, err error) {
	var us sql.NullInt64
	err = b.x.read.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN message = notice THEN 1 END), MAX(next_us) FROM outbox
		WHERE channel = `+b.x.bind(1)+` AND state = 'delivered' AND next_us >= `+b.x.bind(2), channel, since.UnixMicro()).Scan(&single, &us)
	if err != nil {
		return 0, last, b.x.fail("outbox", err)
	}
	if us.Valid {
		last = time.UnixMicro(us.Int64).UTC()
	}
	return single, last, nil
}

// Waiting counts the waiting dispatches of each channel.
func (b *Outbox) Waiting(ctx context.Context) (map[string]int, error) {
	rows, err := b.x.read.QueryContext(ctx, `SELECT channel, COUNT(*) FROM outbox WHERE state = 'waiting' GROUP BY channel`)
	if err != nil {
		return nil, b.x.fail("outbox", err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var channel string
		var n int
		if err := rows.Scan(&channel, &n); err != nil {
			return nil, b.x.fail("outbox", err)
		}
		out[channel] = n
	}
	return out, b.x.orFail("outbox", rows.Err())
}

// Tend gives up what has waited since before expired, forgets what was done with before
// old, and says how many waiting notices were dropped for want of room since the last call.
func (b *Outbox) Tend(ctx context.Context, now, expired, old time.Time) (dropped uint64, err error) {
	err = b.x.inTx(ctx, func(tx *sql.Tx) error {
		w := where{bind: b.x.bind}
		set := `state = 'failed', next_us = ` + w.arg(now.UnixMicro())
		// What its channel has tried last says more than that nobody tries any more.
		set += `, error = CASE WHEN error = '' THEN ` + w.arg("given up: no such channel took it in time") + ` ELSE error END`
		w.add("state = 'waiting'")
		w.add("created_us < " + w.arg(expired.UnixMicro()))
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET `+set+w.String(), w.args...); err != nil {
			return err
		}
		gone, err := b.shed(ctx, tx, now)
		if err != nil {
			return err
		}
		w = where{bind: b.x.bind}
		w.add("state <> 'waiting'")
		w.add("created_us < " + w.arg(old.UnixMicro()))
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox`+w.String(), w.args...); err != nil {
			return err
		}
		logged := 0
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox WHERE state <> 'waiting'`).Scan(&logged); err != nil {
			return err
		}
		if over := logged - b.logged; over > 0 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE (notice, channel) IN (SELECT notice, channel FROM outbox
				WHERE state <> 'waiting' ORDER BY created_us LIMIT `+strconv.Itoa(over)+`)`); err != nil {
				return err
			}
		}
		dropped = uint64(gone)
		return nil
	})
	if err != nil {
		return 0, b.x.fail("outbox: tend", err)
	}
	return dropped + b.dropped.Swap(0), nil
}

// DeliveryQuery says which dispatches to list. Empty fields do not limit; the values within
// one field are alternatives.
type DeliveryQuery struct {
	Channels []string
	States   []models.DispatchState
	Kinds    []models.NoticeKind
	Incident models.IncidentID
	Limit    int    // page size, 1..MaxLimit; 0 means DefaultLimit, more is cut to MaxLimit
	After    string // Next of the page before; empty for the first page
}

// DeliveryPage is a part of the log of deliveries, the newest notice first.
type DeliveryPage struct {
	Items []models.Dispatch
	Next  string // DeliveryQuery.After for the next page; empty on the last one
}

// Deliveries lists what waits and what was delivered. The error is ErrCursor when q.After
// is not a cursor of such a list.
func (b *Outbox) Deliveries(ctx context.Context, q DeliveryQuery) (DeliveryPage, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	w := where{bind: b.x.bind}
	w.in("channel", anys(q.Channels))
	w.in("state", anys(q.States))
	w.in("kind", anys(q.Kinds))
	if q.Incident != "" {
		w.add("incident = " + w.arg(string(q.Incident)))
	}
	if q.After != "" {
		at, notice, channel, err := parseDeliveryCursor(q.After)
		if err != nil {
			return DeliveryPage{}, b.x.fail("deliveries", err)
		}
		w.add("(created_us, notice, channel) < (" + w.list([]any{at, notice, channel}) + ")")
	}
	rows, err := b.x.read.QueryContext(ctx, `SELECT `+dispatchColumns+` FROM outbox`+w.String()+
		` ORDER BY created_us DESC, notice DESC, channel DESC LIMIT `+strconv.Itoa(q.Limit+1), w.args...)
	if err != nil {
		return DeliveryPage{}, b.x.fail("deliveries", err)
	}
	items, err := dispatches(rows)
	if err != nil {
		return DeliveryPage{}, b.x.fail("deliveries", err)
	}
	page := DeliveryPage{Items: items}
	if len(items) > q.Limit {
		page.Items = items[:q.Limit]
		page.Next = deliveryCursor(page.Items[q.Limit-1])
	}
	return page, nil
}

func anys[T ~string](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

const deliveryCursorKind = "deliveries|"

func deliveryCursor(d models.Dispatch) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("%s%d|%s|%s", deliveryCursorKind, d.Created.UnixMicro(), d.Notice.ID, d.Channel)))
}

func parseDeliveryCursor(s string) (at int64, notice, channel string, err error) {
	if len(s) > maxCursor {
		return 0, "", "", ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	rest, ours := strings.CutPrefix(string(raw), deliveryCursorKind)
	f := strings.SplitN(rest, "|", 3)
	if err != nil || !ours || len(f) != 3 || strings.ContainsRune(rest, 0) {
		return 0, "", "", ErrCursor
	}
	if at, err = strconv.ParseInt(f[0], 10, 64); err != nil {
		return 0, "", "", ErrCursor
	}
	return at, f[1], f[2], nil
}
