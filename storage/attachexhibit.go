package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// ExhibitOptions say where linked footage comes from and where its copies go.
type ExhibitOptions struct {
	Bucket Bucket
	Index  Index
	// Footage makes one file of a camera's continuous footage. The error wraps
	// fs.ErrNotExist when there is none in the span, and fs.ErrInvalid when there never can
	// be one of it, such as for a span that is too long: then nothing is tried again.
	Footage func(context.Context, models.CameraID, models.Span) (io.ReadSeekCloser, models.Recalled, error)
	// Protect keeps the archive from deleting a span, and Unprotect lets it again.
	Protect   func(key string, cam models.CameraID, span models.Span)
	Unprotect func(key string)
	// Mine says whether the footage of a camera would be on this machine; nil: it always
	// would. Several recorders may share one index.
	Mine    func(models.CameraID) bool
	Expires func(models.Incident) (time.Time, bool) // as in Uploader
	Custody Custodian                               // nil: nobody is told
	Log     *slog.Logger                            // default: nothing is logged
	// Changed is told of each record that Run has changed; nil: nobody is.
	Changed func(models.Incident)
	Backoff Backoff

	step func(string) // tests end the process between two steps
}

// exhibitDelay is how long after the end of a span its footage is copied: by then the last
// second of it is on the disk.
const exhibitDelay = 5 * time.Second

// Exhibits stores copies of continuous footage that people linked to incidents, beside
// their other evidence, so that the retention of the archive cannot take it any more. What
// is to be copied is protected in the archive and noted on the local disk until the record
// names the copy, so that a restart goes on with it.
type Exhibits struct {
	dir  string
	o    ExhibitOptions
	work *chores

	mu     sync.Mutex
	jobs   map[string]exhibitJob
	status ExhibitStatus
}

// exhibitJob is the note on the local disk.
type exhibitJob struct {
	Camera models.CameraID `json:"camera"`
	models.Span
}

// ExhibitStatus is how far the copies have come.
type ExhibitStatus struct {
	Pending   int       `json:"pending"` // not yet copied, also those whose time is not over
	Failing   int       `json:"failing"` // attempts in a row that failed
	LastError string    `json:"last_error,omitempty"`
	ErrorAt   time.Time `json:"last_error_at,omitzero"`
}

// lookForLinked is the piece of work that looks through the open incidents.
const lookForLinked = ""

// OpenExhibits opens the folder of notes and protects what they name. Call it before the
// archive may delete anything.
func OpenExhibits(dir string, o ExhibitOptions) (*Exhibits, error) {
	e, err := openExhibits(dir, o)
	if err != nil {
		return nil, fmt.Errorf("exhibits %s: %w", dir, durable.Hint(err))
	}
	return e, nil
}

func openExhibits(dir string, o ExhibitOptions) (*Exhibits, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.step == nil {
		o.step = func(string) {}
	}
	if o.Protect == nil {
		o.Protect = func(string, models.CameraID, models.Span) {}
	}
	if o.Unprotect == nil {
		o.Unprotect = func(string) {}
	}
	e := &Exhibits{dir: abs, o: o, work: newChores(o.Backoff), jobs: map[string]exhibitJob{}}
	if err := durable.MkdirSync(abs); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(abs)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		name, path := item.Name(), filepath.Join(abs, item.Name())
		if strings.HasSuffix(name, durable.PartSuffix) {
			if err := durable.RemoveIfThere(path); err != nil {
				return nil, err
			}
			continue
		}
		var job exhibitJob
		data, err := readSmall(path)
		if err == nil {
			err = json.Unmarshal(data, &job)
		}
		if _, _, ok := attachmentOf(name); !ok || err != nil {
			o.Log.Warn("exhibits: foreign file left alone", "file", path)
			continue
		}
		e.begin(name, job)
	}
	e.work.add(lookForLinked)
	return e, nil
}

// begin protects the footage and asks for its copy.
func (e *Exhibits) begin(name string, job exhibitJob) {
	e.mu.Lock()
	e.jobs[name] = job
	e.mu.Unlock()
	e.o.Protect("exhibit "+name, job.Camera, job.Span)
	e.work.add(name)
}

// Linked looks for exhibits in a record that are to be copied, and asks for it. It is
// called with each record that has changed and returns soon.
func (e *Exhibits) Linked(in models.Incident) {
	for _, x := range in.Investigation.Exhibits {
		if !wantsCopy(in, x) || e.o.Mine != nil && !e.o.Mine(x.Camera) || !attachID.MatchString(x.ID) || checkID(in.ID) != nil {
			continue
		}
		name := string(in.ID) + attachSeparator + x.ID
		e.mu.Lock()
		_, known := e.jobs[name]
		e.mu.Unlock()
		if known {
			continue
		}
		job := exhibitJob{x.Camera, models.Span{From: x.From, To: x.To}}
		data, err := json.Marshal(job)
		if err == nil {
			err = durable.ReplaceFileSteps(filepath.Join(e.dir, name), data, e.o.step)
		}
		if err != nil {
			// Without the note only a restart after the incident was closed would forget it.
			e.o.Log.Warn("exhibit not noted on the local disk; it is copied all the same", "incident", in.ID, "exhibit", x.ID, "error", durable.Hint(err))
		}
		e.begin(name, job)
	}
}

// wantsCopy says whether an exhibit is continuous footage of which there is no copy.
func wantsCopy(in models.Incident, x models.Exhibit) bool {
	return x.Incident == "" && x.Object.SHA256 == "" && x.Trouble == "" && in.Footage.State != models.FootageDeleted
}

// Run copies until ctx ends, one piece at a time, as the footage of hours is read from the
// disk that the cameras write to. It tries for ever.
func (e *Exhibits) Run(ctx context.Context) error {
	e.work.run(ctx, 1, e.settle, func(name string, err error, next time.Duration) {
		e.o.Log.Warn("linked footage not copied, will be tried again", "exhibit", name, "error", err, "next", next.Round(time.Millisecond))
		e.mu.Lock()
		defer e.mu.Unlock()
		e.status.LastError, e.status.ErrorAt = err.Error(), time.Now()
	})
	return nil
}

// Open reads the stored copy of an exhibit; the error is fs.ErrNotExist while there is none.
func (e *Exhibits) Open(ctx context.Context, in models.Incident, x models.Exhibit) (Reader, error) {
	if x.Object.Key == "" {
		return nil, fmt.Errorf("exhibit %s of %s: %w", x.ID, in.ID, fs.ErrNotExist)
	}
	return e.o.Bucket.Open(ctx, x.Object.Key)
}

// Status says how far the copies have come.
func (e *Exhibits) Status() ExhibitStatus {
	_, failing := e.work.left()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.status
	s.Pending, s.Failing = len(e.jobs), failing
	return s
}

func (e *Exhibits) settle(ctx context.Context, name string) error {
	if name == lookForLinked {
		return e.look(ctx)
	}
	incident, id, _ := attachmentOf(name)
	look, cancel := context.WithTimeout(ctx, indexPatience)
	in, err := e.o.Index.Get(look, incident)
	cancel()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	i := findExhibit(in, id)
	if err != nil || i < 0 || !wantsCopy(in, in.Investigation.Exhibits[i]) {
		return e.end(name)
	}
	x := in.Investigation.Exhibits[i]
	if at := x.To.Add(exhibitDelay); time.Now().Before(at) {
		return laterError{at}
	}
	if err := e.store(ctx, in, x); err != nil {
		return err
	}
	return e.end(name)
}

// look finds what was linked in the instant before the program was killed: that was in an
// incident that is open.
func (e *Exhibits) look(ctx context.Context) error {
	q := Query{States: []models.State{models.StateNew, models.StateAcknowledged, models.StateResolved}, Brief: true}
	for in, err := range Walk(ctx, e.o.Index.List, q) {
		if err != nil {
			return err
		}
		e.Linked(in)
	}
	return nil
}

// end forgets a job.
func (e *Exhibits) end(name string) error {
	if err := durable.RemoveIfThere(filepath.Join(e.dir, name)); err != nil {
		return err
	}
	e.o.Unprotect("exhibit " + name)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.jobs, name)
	return nil
}

// store copies the footage, or writes into the record why that cannot be.
func (e *Exhibits) store(ctx context.Context, in models.Incident, x models.Exhibit) error {
	body, got, err := e.o.Footage(ctx, x.Camera, models.Span{From: x.From, To: x.To})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return e.name(ctx, in, x.ID, func(x *models.Exhibit) { x.Trouble, x.Gaps = plain(err), got.Gaps })
	}
	if err != nil {
		return err
	}
	defer body.Close()
	o := models.Object{Role: models.RoleExhibit, Key: objectKey(in, "exhibits/"+x.ID+".mp4"), Type: "video/mp4"}
	h := sha256.New()
	if o.Size, err = io.Copy(h, contextReader{ctx, body}); err != nil {
		return fmt.Errorf("read footage of %s: %w", x.Camera, err)
	}
	o.SHA256 = hex.EncodeToString(h.Sum(nil))
	if err := stow(ctx, e.o.Bucket, e.o.Expires, in, body, o); err != nil {
		return err
	}
	e.o.step("exhibit stored")
	if err := e.name(ctx, in, x.ID, func(x *models.Exhibit) { x.Object, x.Gaps = o, got.Gaps }); err != nil {
		return err
	}
	e.o.step("record names the exhibit")
	c := custodyOf(in, models.ActUploaded)
	c.Camera, c.Objects = x.Camera, []models.Object{o}
	c.Note = fmt.Sprintf("exhibit %s: %s to %s", x.ID, x.From.UTC().Format(time.RFC3339), x.To.UTC().Format(time.RFC3339))
	tell(ctx, e.o.Custody, e.o.Log, c)
	e.o.Log.Info("linked footage stored", "incident", in.ID, "exhibit", x.ID, "camera", x.Camera, "bytes", o.Size, "gaps", len(got.Gaps))
	return nil
}

// plain is an error in words for a record, which must not hold paths of this machine.
func plain(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no continuous footage of that time"
	}
	return err.Error()
}

// name changes an exhibit in its record. That is no change by a person: the exhibit itself
// says what became of it. What retention has let go meanwhile is removed again.
func (e *Exhibits) name(ctx context.Context, in models.Incident, id string, change func(*models.Exhibit)) error {
	bounded, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	named, err := e.o.Index.Update(bounded, in.ID, func(r *models.Incident) error {
		i := findExhibit(*r, id)
		if i < 0 || r.Footage.State == models.FootageDeleted {
			return errGone
		}
		change(&r.Investigation.Exhibits[i])
		return nil
	})
	if errors.Is(err, errGone) || errors.Is(err, fs.ErrNotExist) {
		return e.o.Bucket.Delete(ctx, objectKey(in, "exhibits/"+id+".mp4"))
	}
	if err != nil {
		return err
	}
	if x := named.Investigation.Exhibits[findExhibit(named, id)]; x.Object.Key != "" {
		// Failing here is made good by the next round of the Keeper, which looks at what a
		// changed record names.
		if err := holdOne(ctx, e.o.Bucket, named, x.Object.Key); err != nil {
			e.o.Log.Warn("legal hold not set on linked footage", "incident", in.ID, "exhibit", id, "error", err)
		}
	}
	if e.o.Changed != nil {
		e.o.Changed(named)
	}
	return nil
}

// findExhibit is the place of an exhibit in a record, or -1.
func findExhibit(in models.Incident, id string) int {
	return slices.IndexFunc(in.Investigation.Exhibits, func(x models.Exhibit) bool { return x.ID == id })
}
