package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// attachSite is where attachments live, with a real index and a real bucket.
type attachSite struct {
	*Attachments
	dir     string
	index   Index
	bucket  Bucket
	ledger  *ledger
	changed atomic.Int64
}

func newAttachSite(t *testing.T, change func(*AttachmentOptions)) *attachSite {
	t.Helper()
	s := &attachSite{dir: t.TempDir(), index: mustSQLite(t), bucket: mustDisk(t), ledger: &ledger{}}
	s.open(t, change)
	return s
}

// open opens the folder, again after a restart.
func (s *attachSite) open(t *testing.T, change func(*AttachmentOptions)) {
	t.Helper()
	o := AttachmentOptions{Bucket: s.bucket, Index: s.index, Custody: s.ledger, Reserve: -1, Backoff: Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond},
		Changed: func(models.Incident) { s.changed.Add(1) }}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Attachments, err = OpenAttachments(s.dir, o); err != nil {
		t.Fatal(err)
	}
}

// run brings everything to the bucket.
func (s *attachSite) run(t *testing.T) {
	t.Helper()
	if err := runAttachments(t.Context(), s.Attachments); err != nil {
		t.Fatalf("%v; status %+v", err, s.Status())
	}
}

func runAttachments(ctx context.Context, a *Attachments) error {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	bounded, stop := context.WithTimeout(ctx, patience)
	defer stop()
	err := a.Drain(bounded)
	cancel()
	return errors.Join(err, <-done)
}

// attach does what the console does: the file first, then the record.
func attach(ctx context.Context, a *Attachments, x Index, in models.IncidentID, id string, body []byte) error {
	got, err := a.Receive(ctx, in, id, int64(len(body)), bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer got.Settle()
	_, err = x.Update(ctx, in, func(r *models.Incident) error {
		r.Investigation.Attachments = append(r.Investigation.Attachments,
			models.Attachment{ID: id, Name: id + ".pdf", Size: got.Size, SHA256: got.SHA256, By: "ada", At: time.Now().UTC()})
		r.Log = append(r.Log, models.Action{At: time.Now().UTC(), Who: "ada", What: "file attached", Note: id})
		return nil
	})
	return err
}

// attached reads an attachment as the record names it.
func (s *attachSite) attached(t *testing.T, in models.IncidentID, id string) (models.Attachment, []byte) {
	t.Helper()
	rec, err := s.index.Get(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	i := findAttachment(rec, id)
	if i < 0 {
		t.Fatalf("%s names no attachment %s", in, id)
	}
	r, err := s.Open(t.Context(), rec, rec.Investigation.Attachments[i])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Investigation.Attachments[i], data
}

// local lists the files of the folder, without the one for what is damaged.
func (s *attachSite) local(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range list {
		if item.Name() != corruptName {
			names = append(names, item.Name())
		}
	}
	return names
}

func TestAttachment(t *testing.T) {
	s := newAttachSite(t, nil)
	in, body := incident(1), randomBytes(100_000)
	create(t, s.index, in)
	if err := attach(t.Context(), s.Attachments, s.index, in.ID, "a1", body); err != nil {
		t.Fatal(err)
	}
	if got, data := s.attached(t, in.ID, "a1"); got.Key != "" || !bytes.Equal(data, body) {
		t.Errorf("before the bucket: %+v with %d bytes", got, len(data))
	}
	if st := s.Status(); st.Pending != 1 {
		t.Errorf("status %+v", st)
	}
	s.run(t)
	got, data := s.attached(t, in.ID, "a1")
	if got.Key != objectKey(in, "attachments/a1") || !bytes.Equal(data, body) {
		t.Errorf("after: %+v with %d bytes", got, len(data))
	}
	if o, _, err := s.bucket.Stat(t.Context(), got.Key); err != nil || o.SHA256 != got.SHA256 || o.Size != got.Size {
		t.Errorf("bucket: %+v, %v", o, err)
	}
	if left := s.local(t); len(left) != 0 {
		t.Errorf("left on the local disk: %v", left)
	}
	if n := s.changed.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
	rec, err := s.index.Get(t.Context(), in.ID)
	if err != nil || count(rec.Log, "file attached") != 1 || len(rec.Log) != len(in.Log)+1 {
		t.Errorf("log %+v, %v", rec.Log, err)
	}
	if acts := s.ledger.acts(in.ID); len(acts) != 1 || acts[0] != models.ActUploaded {
		t.Errorf("custody: %v", acts)
	}
}

// endless gives zeros and counts them; it ends with an error after a number of bytes.
type endless struct{ given, end int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.given >= e.end {
		return 0, errors.New("connection reset by peer")
	}
	clear(p)
	e.given += int64(len(p))
	return len(p), nil
}

func TestAttachmentRefused(t *testing.T) {
	const gig = 1 << 30
	for name, c := range map[string]struct {
		incident models.IncidentID
		id       string
		size     int64
		body     io.Reader
		reserve  int64
		want     error
	}{
		"promised too large":     {size: 5 * gig, body: iotest.ErrReader(errors.New("was read")), want: ErrTooLarge},
		"turns out too large":    {size: -1, body: &endless{end: 5 * gig}, want: ErrTooLarge},
		"longer than promised":   {size: 10, body: strings.NewReader("eleven bytes"), want: fs.ErrInvalid},
		"shorter than promised":  {size: 10, body: strings.NewReader("nine"), want: io.ErrUnexpectedEOF},
		"client hangs up":        {size: -1, body: &endless{end: 10 << 20}},
		"no room":                {size: 10, body: strings.NewReader("ten bytes!"), reserve: 1 << 60, want: ErrFull},
		"no room for more":       {size: -1, body: &endless{end: gig}, reserve: 1 << 60, want: ErrFull},
		"folder in the ID":       {id: "../../etc/passwd", body: strings.NewReader(""), want: fs.ErrInvalid},
		"folder in the incident": {incident: "../x", body: strings.NewReader(""), want: fs.ErrInvalid},
		"dot":                    {id: ".", body: strings.NewReader(""), want: fs.ErrInvalid},
		"long ID":                {id: strings.Repeat("x", 65), body: strings.NewReader(""), want: fs.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := newAttachSite(t, func(o *AttachmentOptions) {
				o.MaxSize = 24 << 20
				if c.reserve != 0 {
					o.Reserve = c.reserve
				}
			})
			if c.incident == "" {
				c.incident = incident(1).ID
			}
			if c.id == "" {
				c.id = "a1"
			}
			_, err := s.Receive(t.Context(), c.incident, c.id, c.size, c.body)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if left := s.local(t); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if e, ok := c.body.(*endless); ok && e.given > 40<<20 {
				t.Errorf("%d bytes were read", e.given)
			}
			if st := s.Status(); st.Pending != 0 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func TestAttachmentEndsWithItsRequest(t *testing.T) {
	s := newAttachSite(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Receive(ctx, incident(1).ID, "a1", -1, readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
	if !errors.Is(err, context.Canceled) || len(s.local(t)) != 0 {
		t.Errorf("got %v, left %v", err, s.local(t))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// One attachment has one writer, also when a client repeats itself while the first is on
// its way.
func TestAttachmentTwiceAtOnce(t *testing.T) {
	s := newAttachSite(t, nil)
	in := incident(1)
	create(t, s.index, in)
	r, w := io.Pipe()
	var first *Received
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if first, err = s.Receive(t.Context(), in.ID, "a1", -1, r); err != nil {
			t.Error(err)
		}
	})
	w.Write([]byte("once"))
	if _, err := s.Receive(t.Context(), in.ID, "a1", -1, strings.NewReader("twice")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	w.Close()
	wg.Wait()
	if _, err := s.Receive(t.Context(), in.ID, "a1", -1, strings.NewReader("twice")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("before it is settled: got %v", err)
	}
	first.Settle() // the record was never changed
	s.run(t)
	if left := s.local(t); len(left) != 0 {
		t.Errorf("what no record names is left: %v", left)
	}
	if _, err := s.Receive(t.Context(), in.ID, "a1", -1, strings.NewReader("again")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A bucket that is away for a while loses nothing and gets nothing twice.
func TestAttachmentWaitsForTheBucket(t *testing.T) {
	s := newAttachSite(t, nil)
	var puts, fails atomic.Int64
	fails.Store(12)
	s.open(t, func(o *AttachmentOptions) {
		o.Bucket = troubled{s.bucket, func(context.Context, string) error {
			puts.Add(1)
			if fails.Add(-1) >= 0 {
				return errors.New("connection refused")
			}
			return nil
		}}
	})
	in, body := incident(1), randomBytes(5000)
	create(t, s.index, in)
	for n := range 4 {
		if err := attach(t.Context(), s.Attachments, s.index, in.ID, "a"+strconv.Itoa(n), body); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t)
	for n := range 4 {
		if got, data := s.attached(t, in.ID, "a"+strconv.Itoa(n)); got.Key == "" || !bytes.Equal(data, body) {
			t.Errorf("%+v", got)
		}
	}
	if st := s.Status(); puts.Load() != 16 || st.Failing != 0 || st.Pending != 0 || !strings.Contains(st.LastError, "connection refused") {
		t.Errorf("%d puts, status %+v", puts.Load(), st)
	}
}

// The disk alters the file between its arrival and its upload.
func TestAttachmentDamaged(t *testing.T) {
	s := newAttachSite(t, nil)
	in := incident(1)
	create(t, s.index, in)
	if err := attach(t.Context(), s.Attachments, s.index, in.ID, "a1", randomBytes(5000)); err != nil {
		t.Fatal(err)
	}
	name := s.local(t)[0]
	overwrite(t, filepath.Join(s.dir, name), make([]byte, 5000))
	s.run(t)
	rec, err := s.index.Get(t.Context(), in.ID)
	if err != nil || count(rec.Log, attachDamaged) != 1 || rec.Investigation.Attachments[0].Key != "" {
		t.Errorf("%+v, %v", rec.Log, err)
	}
	if got := files(t, filepath.Join(s.dir, corruptName)); len(got) != 1 || len(s.local(t)) != 0 {
		t.Errorf("set aside: %v; left: %v", got, s.local(t))
	}
	if acts := s.ledger.acts(in.ID); len(acts) != 1 || acts[0] != models.ActDamaged {
		t.Errorf("custody: %v", acts)
	}
}

// What a crash left: a half file, one that no record names, one whose record is lost.
func TestAttachmentsAfterARestart(t *testing.T) {
	s := newAttachSite(t, nil)
	in := incident(1)
	create(t, s.index, in)
	for _, name := range []string{string(in.ID) + "~half.part", string(in.ID) + "~unnamed", string(incident(2).ID) + "~lost", "foreign.txt"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.open(t, nil)
	s.run(t)
	if got, want := fmt.Sprint(s.local(t)), fmt.Sprint([]string{string(incident(2).ID) + "~lost", "foreign.txt"}); got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	if st := s.Status(); st.Orphans != 1 {
		t.Errorf("status %+v", st)
	}
	// The index is made anew, and knows the incident again.
	lost := incident(2)
	sum := object([]byte("x"))
	lost.Investigation.Attachments = []models.Attachment{{ID: "lost", Name: "x", Size: sum.Size, SHA256: sum.SHA256}}
	create(t, s.index, lost)
	s.open(t, nil)
	s.run(t)
	if got, data := s.attached(t, lost.ID, "lost"); got.Key == "" || string(data) != "x" {
		t.Errorf("%+v %q", got, data)
	}
}

func TestFullDiskAttachment(t *testing.T) {
	s := &attachSite{dir: smallDisk(t), index: mustSQLite(t), bucket: mustDisk(t), ledger: &ledger{}}
	s.open(t, nil)
	in, body := incident(1), randomBytes(200_000)
	create(t, s.index, in)
	free := exhaust(t, s.dir)
	if err := attach(t.Context(), s.Attachments, s.index, in.ID, "a1", body); !errors.Is(err, ErrFull) {
		t.Errorf("promised: %v", err)
	}
	if _, err := s.Receive(t.Context(), in.ID, "a1", -1, bytes.NewReader(body)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("not promised: %v", err)
	}
	free()
	if left := s.local(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := attach(t.Context(), s.Attachments, s.index, in.ID, "a1", body); err != nil {
		t.Errorf("with space again: %v", err)
	}
	s.run(t)
}

// Retention takes attachments with the evidence, also what has not got to the bucket yet,
// and the signed record of it names them.
func TestRetentionTakesAttachments(t *testing.T) {
	s := newAttachSite(t, nil)
	k := &Keeper{Index: s.index, Bucket: s.bucket, Policy: Policy{Default: time.Minute}}
	in := recent(1)
	in.Origin, in.Kind, in.Footage.State = models.OriginReport, models.KindReported, models.FootageNone
	create(t, s.index, in)
	for _, id := range []string{"there", "pending"} {
		if err := attach(t.Context(), s.Attachments, s.index, in.ID, id, []byte(id)); err != nil {
			t.Fatal(err)
		}
		if id == "there" {
			s.run(t)
		}
	}
	if _, err := k.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil || k.Status().Deleted != 0 {
		t.Fatalf("on hold: %v, %+v", err, k.Status())
	}
	if _, err := k.Release(t.Context(), in.ID, "ada", "over", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil || k.Status().Deleted != 1 {
		t.Fatalf("%v, %+v", err, k.Status())
	}
	s.run(t)
	if left := s.local(t); len(left) != 0 {
		t.Errorf("left on the local disk: %v", left)
	}
	rec, err := s.index.Get(t.Context(), in.ID)
	if err != nil || rec.Footage.State != models.FootageDeleted {
		t.Fatalf("%+v, %v", rec.Footage, err)
	}
	d, _, _, err := ReadDeletion(readAll(t, s.bucket, rec.Footage.Objects[0].Key))
	if err != nil || len(d.Objects) != 2 || d.Objects[0].Role != models.RoleAttachment || d.Objects[1].SHA256 != object([]byte("pending")).SHA256 {
		t.Errorf("%+v, %v", d.Objects, err)
	}
	for _, key := range keys(t, s.bucket, "") {
		if strings.Contains(key, "attachments/") {
			t.Errorf("%s is left", key)
		}
	}
	for _, a := range rec.Investigation.Attachments {
		if a.Key != "" || a.SHA256 == "" {
			t.Errorf("record: %+v", a)
		}
	}
}

// attachChild is the second process of TestKillWhileAttaching: it attaches two files and
// dies at a step.
func attachChild(args []string) error {
	at, _ := strconv.ParseInt(args[1], 10, 64)
	var steps atomic.Int64
	step := func(string) {
		if steps.Add(1) == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	s, err := openSite(args[0], nil)
	if err != nil {
		return err
	}
	a, err := OpenAttachments(filepath.Join(args[0], "attachments"), AttachmentOptions{Bucket: s.bucket, Index: s.index, Reserve: -1, step: step})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, id := range args[2:] {
		if err := attach(ctx, a, s.index, incident(1).ID, id, []byte("body of "+id)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(s.acks, id); err != nil {
			return err
		}
		step("attached")
		if err := runAttachments(ctx, a); err != nil {
			return err
		}
	}
	return errors.Join(runAttachments(ctx, a), s.close())
}

// TestKillWhileAttaching kills the process at each step of two attachments in turn. What
// was promised is there, once; nothing else is left.
func TestKillWhileAttaching(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		dir := memoryDir(t)
		site, err := openSite(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, site.index, incident(1))
		if err := site.close(); err != nil {
			t.Fatal(err)
		}
		out, err := child(t, "attach", dir, strconv.Itoa(at), "a1", "a2").CombinedOutput()
		killed := wasKilled(err)
		if err != nil && !killed {
			t.Fatalf("child: %v\n%s", err, out)
		}
		attachmentsAreSound(t, dir, false)
		if out, err := child(t, "attach", dir, "0").CombinedOutput(); err != nil {
			t.Fatalf("after step %d: %v\n%s", at, err, out)
		}
		attachmentsAreSound(t, dir, true)
		if t.Failed() {
			t.Fatalf("killed at step %d", at)
		}
		if !killed {
			if at < 14 {
				t.Fatalf("only %d steps: the hooks are gone", at-1)
			}
			t.Logf("killed at each of %d steps", at-1)
			return
		}
	}
}

// attachmentsAreSound wants every attachment that a record names to be readable, all that
// were promised to be named once, and, settled, nothing to be left on the local disk.
func attachmentsAreSound(t *testing.T, dir string, settled bool) {
	t.Helper()
	site, err := openSite(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer site.close()
	s := &attachSite{dir: filepath.Join(dir, "attachments"), index: site.index, bucket: site.bucket}
	s.open(t, nil)
	rec, err := site.index.Get(t.Context(), incident(1).ID)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	for _, a := range rec.Investigation.Attachments {
		named[a.ID]++
		got, data := s.attached(t, rec.ID, a.ID)
		if string(data) != "body of "+a.ID || settled && got.Key == "" {
			t.Errorf("%+v: %q", got, data)
		}
	}
	acks, err := os.ReadFile(filepath.Join(dir, "acks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(string(acks)) {
		if named[id] != 1 {
			t.Errorf("%s was promised and is named %d times", id, named[id])
		}
	}
	if count(rec.Log, "file attached") != len(named) {
		t.Errorf("log %+v", rec.Log)
	}
	if settled {
		if left := s.local(t); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if there := keys(t, site.bucket, ""); len(there) != len(named) {
			t.Errorf("in the bucket: %v", there)
		}
	}
}
