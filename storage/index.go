package storage

import (
	"context"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Index holds the incident records. It is safe for concurrent use, also by several
// processes on the same PostgreSQL database.
type Index interface {
	// Create stores a new incident and returns it as it is stored, with its Number. When
	// there already is one with this ID nothing changes, that one is returned and the error
	// is nil, so that a start after a crash may repeat it. A Number that the incident comes
	// with, because it was logged before, is kept unless another has it.
	Create(ctx context.Context, in models.Incident) (models.Incident, error)

	// Update reads an incident, lets change edit it, writes it with the next Revision
	// and returns it, all in one transaction: no other writer comes between. An error
	// of change leaves the record as it was and is returned as it is. change must not
	// use the index, and is called again, on the record as it then is, when the connection
	// to the database broke before anything was stored. ID, Number, Revision and Edition
	// are not change's to set. The error is ErrLog when it shortens or alters the log, and
	// ErrOutcome when the database went away while it stored the change; after any other
	// error nothing has changed.
	Update(ctx context.Context, id models.IncidentID, change func(*models.Incident) error) (models.Incident, error)

	// Together does several steps in one transaction, such as those on two incidents that are
	// merged: all of it is stored, or nothing. An error of do stores nothing and is returned
	// as it is. do must not use the index itself, and is called again as change of Update is;
	// the errors are those of Update.
	Together(ctx context.Context, do func(Records) error) error

	// Get returns an incident; the error is fs.ErrNotExist when there is none.
	Get(ctx context.Context, id models.IncidentID) (models.Incident, error)

	// Entries returns one page of what the logs of the incidents say, newest first.
	Entries(ctx context.Context, q EntryQuery) (EntryPage, error)

	// List returns one page. The error is ErrCursor when q.After is not a cursor of
	// such a query.
	List(ctx context.Context, q Query) (Page, error)

	// Count says how many incidents fit the query, on all pages.
	Count(ctx context.Context, q Query) (int, error)

	Close() error
}

// Order is the order of a list.
type Order string

// The orders.
const (
	// OrderNewest lists the newest alarm first. It is the default.
	OrderNewest Order = "newest"
	// OrderQueue lists what a person should look at first: the most severe first; of the
	// same severity the one whose next deadline is due, or was missed, first, and then those
	// without a running clock; of those the one that has waited longest.
	OrderQueue Order = "queue"
)

// Page sizes.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Query says which incidents to list. Empty fields do not limit; the values within one
// field are alternatives.
type Query struct {
	Cameras    []models.CameraID
	Zones      []models.ZoneID
	Kinds      []models.Kind
	Severities []models.Severity
	States     []models.State
	Verdicts   []models.Verdict // "" is an alarm that nobody has judged
	Labels     []string
	Footage    []models.FootageState
	Numbers    []int64
	Officers   []string // user names; "" is nobody
	Types      []string // "" is one that nobody has classified
	Tags       []string
	Sites      []string
	Origins    []models.Origin
	Series     []string // IDs; "" is none
	// DueBefore, when set, limits to incidents with a running clock whose deadline comes, or
	// was missed, before it.
	DueBefore time.Time
	// Held, when set, limits to incidents with a hold, or without one.
	Held *bool
	// MinDwell limits to incidents that lasted at least so long, from start to end, or to
	// the alarm while they go on.
	MinDwell time.Duration
	// Text limits to records that hold each of its words: in the names of camera and zone,
	// kind, label, description, tags, subjects, statements, notes of the log and of the
	// judgement, reason of the hold; or as the number of the incident ("2411", "#2411").
	Text string
	// From and To bound a time range, both included. An incident fits when any part of
	// [Start, End] lies in it; one that goes on has no end.
	From, To time.Time
	Order    Order
	Limit    int    // page size, 1..MaxLimit; 0 means DefaultLimit, more is cut to MaxLimit
	After    string // Next of the page before; empty for the first page
	// Brief leaves the Path and the Curve of each event and the Log out of the items: they
	// are by far the largest part of a record, and no list shows them. Edition tells how
	// long the log is.
	Brief bool
}

// Page is a part of a list.
type Page struct {
	Items []models.Incident
	Next  string // Query.After for the next page; empty on the last one
}
