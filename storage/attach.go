package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// ErrTooLarge says that a file is larger than attachments may be.
var ErrTooLarge = errors.New("too large to attach")

// Bounds on attachments where the options set none.
const (
	DefaultAttachment  = 1 << 30 // bytes of one
	DefaultAttachments = 200     // of one incident
	// defaultAttachReserve is what attachments leave free on the local disk: more than the
	// spool does, so that they never stand in the way of footage, and less than where the
	// archive of continuous footage begins to make room.
	defaultAttachReserve = 512 << 20
)

// AttachmentOptions say what attachments may be and where they go.
type AttachmentOptions struct {
	Bucket Bucket
	Index  Index
	// Expires says when retention may delete, as in Uploader; nil: nothing is locked.
	Expires func(models.Incident) (time.Time, bool)
	Custody Custodian    // is told of what reaches the bucket and what is damaged; nil: nobody is
	Log     *slog.Logger // default: nothing is logged
	// Changed is told of each record that Run has changed; nil: nobody is.
	Changed func(models.Incident)
	Backoff Backoff

	MaxSize int64 // bytes of one attachment; 0 means 1 GiB
	Most    int   // attachments of one incident; 0 means 200
	Reserve int64 // bytes of the local file system that stay free; 0 means 512 MiB, negative none

	step func(string) // tests end the process between two steps
}

// Attachments keeps the files that people add to incidents. A file is durable on the
// local disk first, then the record names it, then Run brings it to the bucket and the
// record says where it is; only then it leaves the local disk. Every step may be repeated
// after a crash. What no record names is removed by Run.
//
// Attachments is safe for concurrent use by one process.
type Attachments struct {
	dir  string
	o    AttachmentOptions
	work *chores

	mu        sync.Mutex
	receiving map[string]bool // files that no record names yet, by name
	status    AttachmentStatus
}

// AttachmentStatus is how far attachments have come.
type AttachmentStatus struct {
	Pending   int       `json:"pending"`              // on the local disk alone
	Failing   int       `json:"failing"`              // attempts in a row that failed
	LastError string    `json:"last_error,omitempty"` // of the newest failure
	ErrorAt   time.Time `json:"last_error_at,omitzero"`
	// Orphans are files whose incident the index does not know: they stay on the local disk
	// for the day when the index is made anew.
	Orphans int `json:"orphans"`
}

// attachID is what the ID of an attachment or an exhibit must look like to be part of a
// file's name and of an object's key.
var attachID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

const attachSeparator = "~" // part of no ID

// OpenAttachments opens the folder of attachments that are not yet in the bucket, makes it
// if it is missing, and removes what was being received when the program ended.
func OpenAttachments(dir string, o AttachmentOptions) (*Attachments, error) {
	a, err := openAttachments(dir, o)
	if err != nil {
		return nil, fmt.Errorf("attachments %s: %w", dir, durable.Hint(err))
	}
	return a, nil
}

func openAttachments(dir string, o AttachmentOptions) (*Attachments, error) {
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
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultAttachment
	}
	if o.Most <= 0 {
		o.Most = DefaultAttachments
	}
	if o.Reserve == 0 {
		o.Reserve = defaultAttachReserve
	}
	a := &Attachments{dir: abs, o: o, work: newChores(o.Backoff), receiving: map[string]bool{}}
	if err := durable.MkdirSync(filepath.Join(abs, corruptName)); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(abs)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		name := item.Name()
		switch _, _, ok := attachmentOf(name); {
		case strings.HasSuffix(name, durable.PartSuffix):
			if err := durable.RemoveIfThere(filepath.Join(abs, name)); err != nil {
				return nil, err
			}
		case ok && item.Type().IsRegular():
			a.work.add(name)
		case name != corruptName:
			o.Log.Warn("attachments: foreign file left alone", "file", filepath.Join(abs, name))
		}
	}
	return a, nil
}

// attachmentOf reads the name of a local file.
func attachmentOf(name string) (models.IncidentID, string, bool) {
	incident, id, ok := strings.Cut(name, attachSeparator)
	return models.IncidentID(incident), id, ok && idShape.MatchString(incident) && attachID.MatchString(id)
}

// attachmentKey is where an attachment goes in the bucket.
func attachmentKey(in models.Incident, id string) string { return objectKey(in, "attachments/"+id) }

// MaxSize is the most bytes that one attachment may have.
func (a *Attachments) MaxSize() int64 { return a.o.MaxSize }

// Most is how many attachments one incident may have.
func (a *Attachments) Most() int { return a.o.Most }

// Received is a file that is durable on the local disk and that no record names yet.
type Received struct {
	Size   int64
	SHA256 string // hex

	store *Attachments
	name  string
}

// Settle says that whoever received the file is done with the record: if it names the
// file, Run brings it to the bucket, and removes it if not. It must be called once, also
// when it is not known whether the record was changed.
func (r *Received) Settle() {
	a := r.store
	a.mu.Lock()
	delete(a.receiving, r.name)
	a.mu.Unlock()
	a.work.add(r.name)
}

// Receive makes a file durable on the local disk, for the attachment id of an incident.
// size is what is promised, or negative when nobody knows; what comes must be as long.
//
// The error is ErrTooLarge, ErrFull when the local disk has no room for it, fs.ErrExist
// when the same attachment is being received or waits for the bucket, fs.ErrInvalid for an
// ID that cannot be one, io.ErrUnexpectedEOF when less comes than was promised, or that of
// body. Nothing is left behind then.
func (a *Attachments) Receive(ctx context.Context, incident models.IncidentID, id string, size int64, body io.Reader) (*Received, error) {
	r, err := a.receive(ctx, incident, id, size, body)
	if err != nil {
		return nil, fmt.Errorf("attach to %s: %w", incident, durable.Hint(err))
	}
	return r, nil
}

func (a *Attachments) receive(ctx context.Context, incident models.IncidentID, id string, size int64, body io.Reader) (*Received, error) {
	if err := checkID(incident); err != nil {
		return nil, err
	}
	if !attachID.MatchString(id) {
		return nil, fmt.Errorf("attachment ID %.80q: %w", id, fs.ErrInvalid)
	}
	if size > a.o.MaxSize {
		return nil, fmt.Errorf("%w: %s, at most %s are taken", ErrTooLarge, humanBytes(size), humanBytes(a.o.MaxSize))
	}
	if err := a.room(max(size, 0)); err != nil {
		return nil, err
	}
	name := string(incident) + attachSeparator + id
	final := filepath.Join(a.dir, name)
	if !a.claim(name, final) {
		return nil, fmt.Errorf("attachment %s: %w", id, fs.ErrExist)
	}
	part := final + durable.PartSuffix
	r, err := a.write(ctx, part, size, body)
	if err == nil {
		a.o.step("attachment synced")
		err = os.Rename(part, final)
	}
	if err == nil {
		a.o.step("attachment named")
		err = durable.SyncDir(a.dir)
	}
	if err != nil {
		err = errors.Join(err, durable.RemoveIfThere(part), durable.RemoveIfThere(final))
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.receiving, name)
		return nil, err
	}
	r.store, r.name = a, name
	return r, nil
}

// claim makes sure that a file has one writer.
func (a *Attachments) claim(name, final string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.receiving[name] {
		return false
	}
	if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	a.receiving[name] = true
	return true
}

// room is ErrFull when n more bytes would take what stays free.
func (a *Attachments) room(n int64) error {
	free, err := durable.FreeBytes(a.dir)
	if err != nil {
		return err
	}
	if keep := max(a.o.Reserve, 0); free-n < keep {
		return fmt.Errorf("%w: %s free on its disk, of which %s are kept for footage and records, %s more wanted; free space on the disk, or bring the bucket back so that it drains",
			ErrFull, humanBytes(free), humanBytes(keep), humanBytes(n))
	}
	return nil
}

const (
	// roomEvery is after how many bytes the room on the disk is looked at again.
	roomEvery = 8 << 20
	// syncEvery is after how many bytes the disk has to have taken them: a large file must
	// not fill the system's memory with what waits to be written, for footage would wait
	// behind it, and whoever sends it behind the sync at its end.
	syncEvery = 64 << 20
)

func (a *Attachments) write(ctx context.Context, part string, size int64, body io.Reader) (*Received, error) {
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	a.o.step("attachment begun")
	n, sum, err := a.copy(ctx, f, size, body)
	if err == nil {
		a.o.step("attachment written")
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &Received{Size: n, SHA256: hex.EncodeToString(sum)}, nil
}

// copy takes the body piece by piece. One byte more than allowed is enough to see that
// there is more.
func (a *Attachments) copy(ctx context.Context, f *os.File, size int64, body io.Reader) (int64, []byte, error) {
	most := a.o.MaxSize
	if size >= 0 {
		most = size
	}
	h := sha256.New()
	from := contextReader{ctx, io.LimitReader(body, most+1)}
	out := io.MultiWriter(f, h)
	total, synced := int64(0), int64(0)
	for {
		n, err := io.CopyN(out, from, roomEvery)
		total += n
		switch {
		case total > most && size >= 0:
			return 0, nil, fmt.Errorf("more than the %d bytes promised came: %w", size, fs.ErrInvalid)
		case total > most:
			return 0, nil, fmt.Errorf("%w: at most %s are taken", ErrTooLarge, humanBytes(most))
		case errors.Is(err, io.EOF) && size >= 0 && total < size:
			return 0, nil, fmt.Errorf("%d bytes came, %d were promised: %w", total, size, io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return total, h.Sum(nil), nil
		case err != nil:
			return 0, nil, err
		}
		if err := a.room(0); err != nil {
			return 0, nil, err
		}
		if total-synced >= syncEvery {
			if err := f.Sync(); err != nil {
				return 0, nil, err
			}
			synced = total
		}
	}
}

// Open reads an attachment from wherever it is now. The error is fs.ErrNotExist when it is
// nowhere, or on the way to the bucket from another recorder.
func (a *Attachments) Open(ctx context.Context, in models.Incident, t models.Attachment) (Reader, error) {
	if t.Key == "" && attachID.MatchString(t.ID) && checkID(in.ID) == nil {
		f, err := openFile(filepath.Join(a.dir, string(in.ID)+attachSeparator+t.ID))
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("attachment %s of %s: %w", t.ID, in.ID, err)
		}
		t.Key = attachmentKey(in, t.ID) // it may have left since the record was read
	}
	r, err := a.o.Bucket.Open(ctx, t.Key)
	if err != nil {
		return nil, fmt.Errorf("attachment %s of %s: %w", t.ID, in.ID, err)
	}
	return r, nil
}

// Status says how far attachments have come.
func (a *Attachments) Status() AttachmentStatus {
	pending, failing := a.work.left()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.status
	s.Pending, s.Failing = pending+len(a.receiving), failing
	return s
}

// findAttachment is the place of an attachment in a record, or -1.
func findAttachment(in models.Incident, id string) int {
	return slices.IndexFunc(in.Investigation.Attachments, func(t models.Attachment) bool { return t.ID == id })
}
