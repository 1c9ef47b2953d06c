package storage

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ErrLog says that a change would have shortened or altered what an incident's log says
// already. Entries are only added.
var ErrLog = errors.New("entries of the log are only added")

// EntryQuery says which entries of the incidents' logs to list. Empty fields do not limit;
// the values within one field are alternatives.
type EntryQuery struct {
	From, To  time.Time // when it was done; both included
	Who       []string
	Incidents []models.IncidentID
	Cameras   []models.CameraID
	Limit     int    // page size, 1..MaxLimit; 0 means DefaultLimit, more is cut to MaxLimit
	After     string // Next of the page before; empty for the first page
}

// LogEntry is one entry of an incident's log, with the incident that it belongs to.
type LogEntry struct {
	Incident models.IncidentID `json:"incident"`
	Number   int64             `json:"number"` // of the incident
	Camera   models.CameraID   `json:"camera"`
	N        int64             `json:"n"` // its place in that incident's log, from 1
	models.Action
}

// EntryPage is a part of a list of entries, the newest first.
type EntryPage struct {
	Items []LogEntry
	Next  string // EntryQuery.After for the next page; empty on the last one
}

// addEntries writes entries of a log that already has some.
func (d dialect) addEntries(ctx context.Context, tx *sql.Tx, number int64, have int, added []models.Action) error {
	for some := range slices.Chunk(added, maxRows) {
		w := where{bind: d.bind}
		rows := make([]string, len(some))
		for i, a := range some {
			have++
			entry, err := json.Marshal(a)
			if err != nil {
				return err
			}
			rows[i] = "(" + w.list([]any{number, have, a.At.UnixMicro(), column(a.Who), column(a.What), string(entry)}) + ")"
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO entries (number, n, at_us, who, what, entry) VALUES "+strings.Join(rows, ", "), w.args...); err != nil {
			return err
		}
	}
	return nil
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

// logs reads the logs of incidents as far as their editions go, so that each fits its
// record, even when somebody adds to it meanwhile.
func (d dialect) logs(ctx context.Context, q querier, list []models.Incident) error {
	if len(list) == 0 {
		return nil
	}
	byNumber := make(map[int64]*models.Incident, len(list))
	numbers := make([]any, len(list))
	for i := range list {
		byNumber[list[i].Number] = &list[i]
		numbers[i] = list[i].Number
	}
	w := where{bind: d.bind}
	w.in("number", numbers)
	rows, err := q.QueryContext(ctx, "SELECT number, n, entry FROM entries"+w.String()+" ORDER BY number, n", w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var number, n int64
		var entry []byte
		if err := rows.Scan(&number, &n, &entry); err != nil {
			return err
		}
		in := byNumber[number]
		if n > in.Edition {
			continue
		}
		var a models.Action
		if err := json.Unmarshal(entry, &a); err != nil {
			return fmt.Errorf("log of incident %d: entry %d: %w", number, n, err)
		}
		in.Log = append(in.Log, a)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, in := range list {
		if int64(len(in.Log)) != in.Edition {
			return fmt.Errorf("log of incident %d: %d entries of %d", in.Number, len(in.Log), in.Edition)
		}
	}
	return nil
}

// kept says whether a log begins with all that was in it.
func kept(was [][]byte, log []models.Action) error {
	if len(log) < len(was) {
		return fmt.Errorf("%w: %d are left of %d", ErrLog, len(log), len(was))
	}
	for i, want := range was {
		got, err := json.Marshal(log[i])
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%w: entry %d says something else", ErrLog, i+1)
		}
	}
	return nil
}

// marshalled is a log as it was before somebody could change it in place.
func marshalled(log []models.Action) ([][]byte, error) {
	out := make([][]byte, len(log))
	for i, a := range log {
		var err error
		if out[i], err = json.Marshal(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *sqlIndex) Entries(ctx context.Context, q EntryQuery) (EntryPage, error) {
	page, err := x.entries(ctx, q)
	if err != nil {
		return EntryPage{}, x.fail("entries", err)
	}
	return page, nil
}

func (x *sqlIndex) entries(ctx context.Context, q EntryQuery) (EntryPage, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	stmt, args, err := x.entryQuery(q)
	if err != nil {
		return EntryPage{}, err
	}
	rows, err := x.read.QueryContext(ctx, stmt, args...)
	if err != nil {
		return EntryPage{}, err
	}
	defer rows.Close()
	var page EntryPage
	var last entryCursor
	for rows.Next() {
		if len(page.Items) == q.Limit { // one more than asked for: there is a next page
			page.Next = last.String()
			break
		}
		var e LogEntry
		var entry []byte
		if err := rows.Scan(&last.at, &e.Number, &e.N, &entry, &e.Incident, &e.Camera); err != nil {
			return EntryPage{}, err
		}
		if err := json.Unmarshal(entry, &e.Action); err != nil {
			return EntryPage{}, fmt.Errorf("log of incident %d: entry %d: %w", e.Number, e.N, err)
		}
		last.number, last.n = e.Number, e.N
		page.Items = append(page.Items, e)
	}
	return page, rows.Err()
}

// entryQuery makes the statement for one page of entries. Each of several people is walked
// by itself, in the order of the page and no further than it needs; the entries of given
// incidents are few.
func (x *sqlIndex) entryQuery(q EntryQuery) (string, []any, error) {
	who, incidents, cameras := distinct(q.Who, asColumn), distinct(q.Incidents, text), distinct(q.Cameras, text)
	for _, n := range []int{len(who), len(incidents), len(cameras)} {
		if n > maxValues {
			return "", nil, fmt.Errorf("query: %d values, at most %d", n, maxValues)
		}
	}
	after, err := parseEntryCursor(q.After)
	if err != nil {
		return "", nil, err
	}
	branches := [][]any{who} // of values of who
	if len(incidents) == 0 && len(who) > 1 && len(who) <= maxBranches {
		branches = branches[:0]
		for i := range who {
			branches = append(branches, who[i:i+1])
		}
	}
	all := where{bind: x.bind}
	var stmts []string
	for i, who := range branches {
		w := where{bind: x.bind, args: all.args}
		if !q.From.IsZero() {
			w.add("e.at_us >= " + w.arg(q.From.UnixMicro()))
		}
		if !q.To.IsZero() {
			w.add("e.at_us <= " + w.arg(q.To.UnixMicro()))
		}
		if q.After != "" {
			w.add("(e.at_us, e.number, e.n) < (" + w.arg(after.at) + ", " + w.arg(after.number) + ", " + w.arg(after.n) + ")")
		}
		w.in("e.who", who)
		from := "entries e"
		if len(incidents) > 0 {
			var some where
			some.bind, some.args = x.bind, w.args
			some.in("id", incidents)
			w.add("e.number IN (SELECT number FROM incidents" + some.String() + ")")
			w.args = some.args
		}
		if len(cameras) > 0 {
			from += " JOIN incidents c ON c.number = e.number"
			w.in("c.camera", cameras)
		}
		stmts = append(stmts, fmt.Sprintf("SELECT * FROM (SELECT e.at_us, e.number, e.n, e.entry FROM %s%s ORDER BY e.at_us DESC, e.number DESC, e.n DESC LIMIT %d) AS b%d",
			from, w.String(), q.Limit+1, i))
		all.args = w.args
	}
	return fmt.Sprintf("SELECT p.at_us, p.number, p.n, p.entry, i.id, i.camera FROM (SELECT * FROM (%s) AS every "+
		"ORDER BY at_us DESC, number DESC, n DESC LIMIT %d) AS p JOIN incidents i ON i.number = p.number "+
		"ORDER BY p.at_us DESC, p.number DESC, p.n DESC", strings.Join(stmts, " UNION ALL "), q.Limit+1), all.args, nil
}

// entryCursor is the place of the last item of a page of entries.
type entryCursor struct{ at, number, n int64 }

func (c entryCursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "entries|%d|%d|%d", c.at, c.number, c.n))
}

func parseEntryCursor(s string) (entryCursor, error) {
	if s == "" {
		return entryCursor{}, nil
	}
	if len(s) > maxCursor {
		return entryCursor{}, ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return entryCursor{}, ErrCursor
	}
	f := strings.Split(string(raw), "|")
	if len(f) != 4 || f[0] != "entries" {
		return entryCursor{}, ErrCursor
	}
	var c entryCursor
	for i, dst := range []*int64{&c.at, &c.number, &c.n} {
		if *dst, err = strconv.ParseInt(f[i+1], 10, 64); err != nil {
			return entryCursor{}, ErrCursor
		}
	}
	if c.String() != s {
		return entryCursor{}, ErrCursor
	}
	return c, nil
}
