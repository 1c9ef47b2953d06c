package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// dialect is what SQLite and PostgreSQL do not have in common.
type dialect struct {
	name      string
	json      string           // type of a document that is kept as it was written
	clustered string           // after a table that is stored in the order of its primary key
	include   bool             // an index can carry columns that it is not sorted by
	merges    bool             // a union of walks in one order is merged, and not read to its end
	bind      func(int) string // the n-th parameter, from 1
	forUpdate string           // after a SELECT whose row the transaction will write
	// schemaLock keeps other processes from migrating; empty where a transaction does.
	schemaLock string
	// apart ends a condition that is to be looked up for each row that a walk passes, where
	// the planner would turn it into a join and go through all of the other side first.
	apart string
	// remote says that a commit may go unanswered, because a network or another process
	// lies between.
	remote bool
	// unindexed writes a column so that no index on it is used.
	unindexed func(column string) string
	// passed compares a column with one value so that no index on it is used.
	passed func(column, value string) string
	// pins says that the planner would walk another index than that of the walk, because
	// both are in the order of the list; see where.pinned.
	pins    bool
	addOnly []string // statements that make tables refuse all but INSERT; see migration7
	explain func(error) error
}

func bindQuestion(int) string { return "?" }
func bindDollar(n int) string { return "$" + strconv.Itoa(n) }

// The planner of SQLite knows nothing of how often a value occurs; that of PostgreSQL
// takes columns for independent that are not.
func unindexedSQLite(column string) string { return "+" + column }
func unindexedPostgres(column string) string {
	switch strings.TrimPrefix(column, "f.") {
	case "place", "priority", "held", "dwell_class":
		return column + " + 0"
	}
	return column + " || ''"
}

func passedSQLite(column, value string) string { return "+" + column + " = " + value }

// passedPostgres is written so that PostgreSQL uses no index and yet knows how frequent the
// value is. Of an expression it believes that hardly a row fits, and then rather reads the
// whole table and sorts what it finds than to stop at the end of the page.
func passedPostgres(column, value string) string { return column + " IS NOT DISTINCT FROM " + value }

// sqlIndex is an Index in an SQL database.
type sqlIndex struct {
	dialect
	write *sql.DB // SQLite: one connection, so that writers queue here and not on a lock
	read  *sql.DB
	known struct {
		sync.Mutex
		atlas *atlas
	}
	patience time.Duration // for the outcome of a commit
	spent    chan string   // tokens of commits that were answered, to be forgotten
	onStep   func(string)  // tests only; see step
	// tells puts what people are to be told of a change into the outbox; nil: there is none.
	tells func(ctx context.Context, tx *sql.Tx, before *models.Incident, after models.Incident) error
	// changed is called when a record was created or changed, after it is stored; nil: nobody asks.
	changed func()
	// follow brings deadlines to what the clock shows, before a record is changed; nil: nobody
	// follows the clock. See StepClock.
	follow func(context.Context)
	// watch says, when what it returns is called, whether the clock was set since; nil like
	// follow.
	watch func() func() bool
	// late does as follow for a record that is new here, but was made before; nil like follow.
	late func(*models.Incident)
}

// settled lets deadlines follow the clock before a record is changed.
func (x *sqlIndex) settled(ctx context.Context) {
	if x.follow != nil {
		x.follow(ctx)
	}
}

func (x *sqlIndex) fail(op string, err error) error {
	return fmt.Errorf("%s: %s: %w", x.name, op, x.explain(err))
}

// row is an incident as its columns hold it: the document without its log and the paths
// and curves of its events, and those, one for each event.
type row struct {
	in                 models.Incident
	doc, paths, curves []byte
}

func rowOf(in models.Incident) (row, error) {
	lean := in
	lean.Log = nil
	lean.Events = slices.Clone(in.Events)
	paths, curves := make([][]models.PathPoint, len(in.Events)), make([][]models.Sample, len(in.Events))
	for i := range lean.Events {
		e := &lean.Events[i]
		paths[i], e.Path = e.Path, nil
		curves[i], e.Curve = e.Curve, nil
	}
	r := row{in: in}
	for _, part := range []struct {
		dst  *[]byte
		from any
	}{{&r.doc, lean}, {&r.paths, paths}, {&r.curves, curves}} {
		var err error
		if *part.dst, err = json.Marshal(part.from); err != nil {
			return row{}, err
		}
	}
	return r, nil
}

// errDocument says that a record is there and cannot be read.
var errDocument = errors.New("the record in the index is damaged")

// incident puts the record together; paths and curves that were not read stay out.
func (r row) incident() (models.Incident, error) {
	var in models.Incident
	if err := json.Unmarshal(r.doc, &in); err != nil {
		return in, fmt.Errorf("record: %w: %w", errDocument, err)
	}
	paths, err := perEvent[models.PathPoint](r.paths, len(in.Events))
	if err != nil {
		return in, fmt.Errorf("record: paths: %w: %w", errDocument, err)
	}
	curves, err := perEvent[models.Sample](r.curves, len(in.Events))
	if err != nil {
		return in, fmt.Errorf("record: curves: %w: %w", errDocument, err)
	}
	for i := range in.Events {
		in.Events[i].Path, in.Events[i].Curve = paths[i], curves[i]
	}
	return in, nil
}

// perEvent reads one list for each of n events; without data every list is empty.
func perEvent[T any](data []byte, n int) ([][]T, error) {
	if data == nil {
		return make([][]T, n), nil
	}
	var lists [][]T
	if err := json.Unmarshal(data, &lists); err != nil {
		return nil, err
	}
	if len(lists) != n {
		return nil, fmt.Errorf("%d for %d events", len(lists), n)
	}
	return lists, nil
}

func verdict(in models.Incident) models.Verdict {
	if in.Judgement == nil {
		return ""
	}
	return in.Judgement.Verdict
}

// priority is 0 for critical, then up; see migrations.
func priority(s models.Severity) int { return models.SeverityCritical.Rank() - s.Rank() }

func endMicros(in models.Incident) any {
	if in.End.IsZero() {
		return nil
	}
	return in.End.UnixMicro()
}

func (x *sqlIndex) Create(ctx context.Context, in models.Incident) (models.Incident, error) {
	x.settled(ctx)
	if x.late != nil {
		x.late(&in)
	}
	var stored models.Incident
	if err := x.inTx(ctx, func(tx *sql.Tx) (err error) {
		stored, err = x.createIn(ctx, tx, in)
		return err
	}); err != nil {
		return models.Incident{}, x.fail("create "+string(in.ID), err)
	}
	x.tellChanged()
	return stored, nil
}

// createIn stores a new incident within a transaction.
func (x *sqlIndex) createIn(ctx context.Context, tx *sql.Tx, in models.Incident) (models.Incident, error) {
	if err := x.insert(ctx, tx, in); err != nil {
		return models.Incident{}, err
	}
	stored, err := x.get(ctx, tx, in.ID, "")
	if err != nil {
		return models.Incident{}, err
	}
	return stored, x.told(ctx, tx, nil, stored)
}

// columns of an incident after its id, in the order of row.columns.
var columns = []string{"camera", "zone", "kind", "priority", "state", "start_us", "alarm_us", "end_us",
	"footage", "revision", "doc", "paths", "verdict", "curves", "number"}

func (r row) columns() []any {
	in := r.in
	return []any{string(in.Camera), string(in.Zone), string(in.Kind), priority(in.Severity), string(in.State),
		in.Start.UnixMicro(), in.Alarm.UnixMicro(), endMicros(in), string(in.Footage.State), in.Revision,
		string(r.doc), string(r.paths), string(verdict(in)), string(r.curves), in.Number}
}

// insert stores the incidents that are not there yet.
func (x *sqlIndex) insert(ctx context.Context, tx *sql.Tx, list ...models.Incident) error {
	for some := range slices.Chunk(list, maxRows) {
		added, err := x.absent(ctx, tx, some)
		if err != nil {
			return err
		}
		if len(added) == 0 {
			continue
		}
		last, err := x.lastNumber(ctx, tx)
		if err != nil {
			return err
		}
		// Another process may have stored one while we waited.
		if added, err = x.absent(ctx, tx, added); err != nil {
			return err
		}
		if err := x.give(ctx, tx, last, added); err != nil {
			return err
		}
		if err := x.insertRows(ctx, tx, added); err != nil {
			return err
		}
		for _, in := range added {
			if err := x.addEntries(ctx, tx, in.Number, 0, in.Log); err != nil {
				return err
			}
		}
		if err := x.addFacets(ctx, tx, added); err != nil {
			return err
		}
		if err := x.tallyIn(ctx, tx)(added); err != nil {
			return err
		}
		if err := x.widen(ctx, tx, added...); err != nil {
			return err
		}
		for _, in := range added {
			if err := x.setDeadline(ctx, tx, time.Time{}, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// absent are the incidents that the index does not have, each once, as they are stored
// but for their numbers.
func (x *sqlIndex) absent(ctx context.Context, tx *sql.Tx, list []models.Incident) ([]models.Incident, error) {
	ids := make([]any, len(list))
	for i, in := range list {
		if in.ID == "" {
			return nil, errors.New("incident without an ID")
		}
		ids[i] = string(in.ID)
	}
	w := where{bind: x.bind}
	w.in("id", ids)
	rows, err := tx.QueryContext(ctx, "SELECT id FROM incidents"+w.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := map[models.IncidentID]bool{}
	for rows.Next() {
		var id models.IncidentID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		seen[id] = true
	}
	var out []models.Incident
	for _, in := range list {
		if !seen[in.ID] {
			seen[in.ID] = true // the list may name it again
			in.Revision, in.Edition = max(in.Revision, 1), int64(len(in.Log))
			out = append(out, in)
		}
	}
	return out, rows.Err()
}

// insertRows adds the documents.
func (x *sqlIndex) insertRows(ctx context.Context, tx *sql.Tx, list []models.Incident) error {
	if len(list) == 0 {
		return nil
	}
	w := where{bind: x.bind}
	values := make([]string, len(list))
	for i, in := range list {
		r, err := rowOf(in)
		if err != nil {
			return err
		}
		values[i] = "(" + w.list(append([]any{string(in.ID)}, r.columns()...)) + ")"
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO incidents (id, `+strings.Join(columns, ", ")+`) VALUES `+strings.Join(values, ", "), w.args...)
	return err
}

// widen keeps spread at least as wide as every incident. It mostly changes no row.
func (x *sqlIndex) widen(ctx context.Context, tx *sql.Tx, list ...models.Incident) error {
	var before, after int64
	for _, in := range list {
		before = max(before, in.Alarm.Sub(in.Start).Microseconds())
		if !in.End.IsZero() {
			after = max(after, in.End.Sub(in.Alarm).Microseconds())
		}
	}
	// Rounding to µs may lose one on either side.
	before, after = before+1, after+1
	var b, a int64
	if err := tx.QueryRowContext(ctx, `SELECT before_us, after_us FROM spread`).Scan(&b, &a); err != nil {
		return err
	}
	if before <= b && after <= a {
		return nil
	}
	// Compared again by the UPDATE: another process may have widened it in between.
	for _, col := range []struct {
		name string
		us   int64
	}{{"before_us", before}, {"after_us", after}} {
		stmt := `UPDATE spread SET ` + col.name + ` = ` + x.bind(1) + ` WHERE ` + col.name + ` < ` + x.bind(2)
		if _, err := tx.ExecContext(ctx, stmt, col.us, col.us); err != nil {
			return err
		}
	}
	return nil
}

func (x *sqlIndex) Update(ctx context.Context, id models.IncidentID, change func(*models.Incident) error) (models.Incident, error) {
	var in models.Incident
	var refused error
	err := x.inSteadyTx(ctx, func(tx *sql.Tx) error {
		var err error
		if in, refused, err = x.change(ctx, tx, id, change); refused != nil {
			return errRefused
		}
		return err
	})
	switch {
	case refused != nil:
		return models.Incident{}, refused
	case err != nil:
		return models.Incident{}, x.fail("update "+string(id), err)
	}
	x.tellChanged()
	return in, nil
}

// change lets a function edit an incident within a transaction; refused is its error.
func (x *sqlIndex) change(ctx context.Context, tx *sql.Tx, id models.IncidentID, change func(*models.Incident) error) (in models.Incident, refused, err error) {
	if in, err = x.get(ctx, tx, id, x.forUpdate); err != nil {
		return in, nil, err
	}
	number, revision, was, tally := in.Number, in.Revision, facetOf(in), models.TallyOf(in)
	log, err := marshalled(in.Log)
	if err != nil {
		return in, nil, err
	}
	before, due := in, firstDue(in)
	before.Deadlines = slices.Clone(in.Deadlines)
	if refused = change(&in); refused != nil {
		return in, refused, nil
	}
	if err := kept(log, in.Log); err != nil {
		return in, nil, err
	}
	in.ID, in.Number, in.Revision, in.Edition = id, number, revision+1, int64(len(in.Log))
	r, err := rowOf(in)
	if err != nil {
		return in, nil, err
	}
	w := where{bind: x.bind}
	values := r.columns()
	set := make([]string, len(columns))
	for i, column := range columns {
		set[i] = column + " = " + w.arg(values[i])
	}
	w.in("id", []any{string(id)})
	if _, err := tx.ExecContext(ctx, `UPDATE incidents SET `+strings.Join(set, ", ")+w.String(), w.args...); err != nil {
		return in, nil, err
	}
	if err := x.addEntries(ctx, tx, number, len(log), in.Log[len(log):]); err != nil {
		return in, nil, err
	}
	if err := x.changeFacet(ctx, tx, was, in); err != nil {
		return in, nil, err
	}
	if err := x.setDeadline(ctx, tx, due, in); err != nil {
		return in, nil, err
	}
	if err := x.told(ctx, tx, &before, in); err != nil {
		return in, nil, err
	}
	if err := x.changeTally(ctx, tx, tally, in); err != nil {
		return in, nil, err
	}
	return in, nil, x.widen(ctx, tx, in)
}

// errRefused ends the transaction of a change that was refused. The reason may be an error
// of any sort, which must not be taken for one of ours.
var errRefused = errors.New("refused")

func (x *sqlIndex) Get(ctx context.Context, id models.IncidentID) (models.Incident, error) {
	in, err := x.get(ctx, x.read, id, "")
	if err != nil {
		return models.Incident{}, x.fail("get "+string(id), err)
	}
	return in, nil
}

func (x *sqlIndex) get(ctx context.Context, q querier, id models.IncidentID, lock string) (models.Incident, error) {
	var r row
	err := q.QueryRowContext(ctx, `SELECT doc, paths, curves FROM incidents WHERE id = `+x.bind(1)+lock, string(id)).Scan(&r.doc, &r.paths, &r.curves)
	if errors.Is(err, sql.ErrNoRows) {
		return models.Incident{}, fs.ErrNotExist
	}
	if err != nil {
		return models.Incident{}, err
	}
	in, err := r.incident()
	if err != nil {
		return models.Incident{}, err
	}
	list := []models.Incident{in}
	if err := x.logs(ctx, q, list); err != nil {
		return models.Incident{}, err
	}
	return list[0], nil
}

func (x *sqlIndex) List(ctx context.Context, q Query) (Page, error) {
	page, err := x.list(ctx, q)
	if err != nil {
		return Page{}, x.fail("list", err)
	}
	return page, nil
}

func (x *sqlIndex) list(ctx context.Context, q Query) (Page, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	stmt, args, err := x.listQuery(ctx, q)
	if err != nil || stmt == "" {
		return Page{}, err
	}
	rows, err := x.read.QueryContext(ctx, stmt, args...)
	if err != nil {
		return Page{}, err
	}
	defer rows.Close()
	var page Page
	for rows.Next() {
		var r row
		dst := []any{&r.doc}
		if !q.Brief {
			dst = append(dst, &r.paths, &r.curves)
		}
		if err := rows.Scan(dst...); err != nil {
			return Page{}, err
		}
		// One row more than asked for says that there is a next page.
		if len(page.Items) == q.Limit {
			last := page.Items[q.Limit-1]
			page.Next = cursor{q.order(), priority(last.Severity), due(last), last.Alarm.UnixMicro(), string(last.ID)}.String()
			break
		}
		in, err := r.incident()
		if err != nil {
			return Page{}, err
		}
		page.Items = append(page.Items, in)
	}
	if err := rows.Err(); err != nil {
		return Page{}, err
	}
	if !q.Brief {
		err = x.logs(ctx, x.read, page.Items)
	}
	return page, err
}

func (x *sqlIndex) Count(ctx context.Context, q Query) (int, error) {
	n := 0
	stmt, args, err := x.countQuery(ctx, q)
	if err == nil && stmt != "" {
		err = x.read.QueryRowContext(ctx, stmt, args...).Scan(&n)
	}
	if err != nil {
		return 0, x.fail("count", err)
	}
	return n, nil
}

func (x *sqlIndex) Close() error {
	err := x.write.Close()
	if x.read != x.write {
		err = errors.Join(x.read.Close(), err)
	}
	return err
}
