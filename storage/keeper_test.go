package storage

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const day = 24 * time.Hour

func TestPolicy(t *testing.T) {
	p := Policy{Default: 30 * day, Kinds: map[models.Kind]time.Duration{models.KindLoitering: 90 * day, models.KindCrowd: 0, models.KindMotion: day},
		Severities: map[models.Severity]time.Duration{models.SeverityCritical: 365 * day, models.SeverityHigh: 60 * day}}
	for _, tc := range []struct {
		kind     models.Kind
		severity models.Severity
		want     time.Duration
		why      string
	}{
		{models.KindIntrusion, models.SeverityLow, 30 * day, "default"},
		{models.KindLoitering, models.SeverityLow, 90 * day, "kind loitering"},
		{models.KindLoitering, models.SeverityHigh, 90 * day, "kind loitering"},
		{models.KindLoitering, models.SeverityCritical, 365 * day, "severity critical"},
		{models.KindMotion, models.SeverityLow, day, "kind motion"}, // shorter than the default on purpose
		{models.KindMotion, models.SeverityHigh, 60 * day, "severity high"},
		{models.KindCrowd, models.SeverityCritical, 0, "kind crowd"}, // for ever is the longest
	} {
		got, why := p.Keep(models.Incident{Kind: tc.kind, Severity: tc.severity})
		if got != tc.want || why != tc.why {
			t.Errorf("%s, %s: got %v by %s", tc.kind, tc.severity, got, why)
		}
	}
	if got, _ := (Policy{}).Keep(models.Incident{Kind: models.KindMotion}); got != 0 || (Policy{}).shortest() != 0 {
		t.Error("the zero policy keeps everything")
	}
	if got := p.shortest(); got != day {
		t.Errorf("shortest: %v", got)
	}
}

func TestExpires(t *testing.T) {
	k := &Keeper{Policy: Policy{Default: 30 * day}}
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	in := models.Incident{Alarm: end.Add(-time.Minute), End: end}
	for name, c := range map[string]struct {
		hold *models.Hold
		want time.Time // zero: never
	}{
		"no hold":                  {nil, end.Add(30 * day)},
		"hold without an end":      {&models.Hold{}, time.Time{}},
		"hold beyond the policy":   {&models.Hold{Until: end.Add(40 * day)}, end.Add(40 * day)},
		"hold shorter than policy": {&models.Hold{Until: end.Add(3 * day)}, end.Add(30 * day)},
	} {
		in.Hold = c.hold
		if got, ends := k.Expires(in); ends == c.want.IsZero() || !got.Equal(c.want) {
			t.Errorf("%s: got %v, %v", name, got, ends)
		}
	}
}

// keep is a site with stored incidents 1…n, whose ends lie an hour before now.
func keep(t *testing.T, n int, k *Keeper) []models.Incident {
	t.Helper()
	s := mustSpool(t, t.TempDir(), SpoolOptions{Signer: k.Signer})
	u := &Uploader{Spool: s, Bucket: k.Bucket, Index: k.Index}
	stop := start(t, u)
	var stored []models.Incident
	for i := range n {
		in := recent(i)
		create(t, k.Index, in)
		finish(t, s, in, randomBytes(1000))
		drain(t, u)
		in, err := k.Index.Get(t.Context(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, in)
	}
	stop()
	return stored
}

// recent is an incident that ended an hour ago.
func recent(n int) models.Incident {
	in := incident(n)
	in.End = time.Now().Add(-time.Hour).UTC()
	in.Start, in.Alarm = in.End.Add(-2*time.Minute), in.End.Add(-time.Minute)
	return in
}

func TestRetention(t *testing.T) {
	key, log := newSigner(t), &ledger{}
	var told []models.IncidentID
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDisk(t), Signer: key, Custody: log, Policy: Policy{Default: 2 * time.Hour},
		Changed: func(in models.Incident) { told = append(told, in.ID) }}
	all := keep(t, 3, k)
	if _, err := k.Hold(t.Context(), all[1].ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := k.Status().Deleted; n != 0 {
		t.Fatalf("%d deleted before their time", n)
	}
	k.Policy.Default = 30 * time.Minute
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, was := range all {
		in, err := k.Index.Get(t.Context(), was.ID)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if in.Footage.State != models.FootageStored || !slices.Equal(in.Footage.Objects, was.Footage.Objects) {
				t.Errorf("held: %+v", in.Footage)
			}
			namedIsThere(t, k.Bucket, in)
			continue
		}
		wantDeleted(t, k.Bucket, key, in, was.Footage.Objects)
		if got := log.acts(in.ID); !slices.Equal(got, []models.Act{models.ActDeleted}) {
			t.Errorf("custody: %v", got)
		}
	}
	if want := []models.IncidentID{all[2].ID, all[0].ID}; !slices.Equal(told, want) {
		slices.Reverse(told)
		if !slices.Equal(told, want) {
			t.Errorf("told of %v", told)
		}
	}
	if _, err := k.Hold(t.Context(), all[0].ID, models.Hold{By: "ada", Why: "too late", At: time.Now()}); !errors.Is(err, ErrHold) {
		t.Errorf("hold on what is gone: %v", err)
	}
	if _, err := k.Release(t.Context(), all[1].ID, "ada", "case closed", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	in, _ := k.Index.Get(t.Context(), all[1].ID)
	wantDeleted(t, k.Bucket, key, in, all[1].Footage.Objects)
	if got := log.acts(in.ID); !slices.Equal(got, []models.Act{models.ActHeld, models.ActReleased, models.ActDeleted}) {
		t.Errorf("custody: %v", got)
	}
}

// wantDeleted looks whether nothing is left but a signed record that names what was.
func wantDeleted(t *testing.T, b Bucket, key signer, in models.Incident, was []models.Object) {
	t.Helper()
	if in.Footage.State != models.FootageDeleted || len(in.Footage.Objects) != 1 || in.Footage.Objects[0].Role != models.RoleDeletion {
		t.Fatalf("%s: %+v", in.ID, in.Footage)
	}
	namedIsThere(t, b, in)
	d, signed, sig, err := ReadDeletion(readAll(t, b, in.Footage.Objects[0].Key))
	if err != nil || sig == nil || !key.verify(signed, *sig) || sig.Purpose != models.PurposeDeletion {
		t.Fatalf("deletion: %+v, %v", sig, err)
	}
	if !slices.Equal(d.Objects, was) || d.Incident != in.ID || !strings.Contains(d.Policy, "default") {
		t.Errorf("deletion says %+v", d)
	}
	left := keys(t, b, objectKey(in, ""))
	slices.Sort(left)
	if want := []string{objectKey(in, DeletionFile), objectKey(in, RecordObject)}; !slices.Equal(left, want) {
		t.Errorf("left: %v", left)
	}
	if left := keys(t, b, deletions); len(left) != 0 {
		t.Errorf("pending: %v", left)
	}
	var copied models.Incident
	if err := json.Unmarshal(readAll(t, b, objectKey(in, RecordObject)), &copied); err != nil || copied.Footage.State != models.FootageDeleted {
		t.Errorf("copy of the record: %s, %v", copied.Footage.State, err)
	}
}

func namedIsThere(t *testing.T, b Bucket, in models.Incident) {
	t.Helper()
	for _, o := range in.Footage.Objects {
		got, _, err := b.Stat(t.Context(), o.Key)
		if err != nil || got.Size != o.Size || got.SHA256 != o.SHA256 {
			t.Errorf("%s names %s, which is %+v, %v", in.ID, o.Key, got, err)
		}
	}
}

// A hold that comes while a deletion is on its way wins as long as the record names the
// objects: after that there is nothing to hold.
func TestHoldDuringADeletion(t *testing.T) {
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDisk(t), Policy: Policy{Default: time.Minute}}
	in := keep(t, 1, k)[0]
	k.step = func(step string) {
		if step == "deletion written" {
			if _, err := k.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()}); err != nil {
				t.Error(err)
			}
		}
	}
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := k.Index.Get(t.Context(), in.ID)
	if err != nil || got.Footage.State != models.FootageStored || got.Hold == nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	namedIsThere(t, k.Bucket, got)
	if left := append(keys(t, k.Bucket, deletions), keys(t, k.Bucket, objectKey(in, DeletionFile))...); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestHoldEndsByItself(t *testing.T) {
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDisk(t), Custody: &ledger{}}
	in := keep(t, 1, k)[0]
	if _, err := k.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case 17", At: time.Now().Add(-time.Hour), Until: time.Now().Add(-time.Second)}); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := k.Index.Get(t.Context(), in.ID)
	if err != nil || got.Hold != nil {
		t.Errorf("got %+v, %v", got.Hold, err)
	}
	if last := got.Log[len(got.Log)-1]; last.What != "released" || last.Who != "vedette" {
		t.Errorf("log ends with %+v", last)
	}
}

func TestHoldRefuses(t *testing.T) {
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDisk(t)}
	in := keep(t, 1, k)[0]
	now := time.Now()
	for name, h := range map[string]models.Hold{
		"nobody":    {Why: "case", At: now},
		"no reason": {By: "ada", Why: " \t", At: now},
		"over":      {By: "ada", Why: "case", At: now, Until: now},
	} {
		if _, err := k.Hold(t.Context(), in.ID, h); !errors.Is(err, ErrHold) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := k.Hold(t.Context(), "no-such", models.Hold{By: "ada", Why: "case", At: now}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such incident: %v", err)
	}
	if _, err := k.Release(t.Context(), in.ID, "ada", "why", now); !errors.Is(err, ErrHold) {
		t.Errorf("nothing to release: %v", err)
	}
}

// Run makes a round each hour, and soon after one that failed.
func TestKeeperRuns(t *testing.T) {
	index, disk := mustSQLite(t), mustDisk(t)
	synctest.Test(t, func(t *testing.T) {
		rounds, fail := []time.Duration{}, true
		began := time.Now()
		b := listing{disk, func() error {
			rounds = append(rounds, time.Since(began).Round(time.Minute))
			if fail {
				fail = false
				return errors.New("away")
			}
			return nil
		}}
		k := &Keeper{Index: noIndex{index}, Bucket: b}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(150 * time.Minute)
		k.Kick()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := []time.Duration{0, 0, time.Hour, 2 * time.Hour, 150 * time.Minute}; !slices.Equal(rounds, want) {
			t.Errorf("rounds at %v", rounds)
		}
		if st := k.Status(); st.LastError != "" || st.LastRound.IsZero() {
			t.Errorf("status %+v", st)
		}
	})
}

// What people do after the evidence was stored comes to the copy of the record too.
func TestTouchedRecordsAreCopied(t *testing.T) {
	var away atomic.Bool
	k := &Keeper{Index: mustSQLite(t), Bucket: troubled{Bucket: mustDisk(t), put: func(context.Context, string) error {
		if away.Load() {
			return errors.New("away")
		}
		return nil
	}}}
	in := keep(t, 1, k)[0]
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	act := func(state models.State) {
		if _, err := k.Index.Update(t.Context(), in.ID, func(in *models.Incident) error { in.State = state; return nil }); err != nil {
			t.Fatal(err)
		}
		k.Touched(in.ID)
	}
	copied := func() models.State {
		var c models.Incident
		if err := json.Unmarshal(readAll(t, k.Bucket, objectKey(in, RecordObject)), &c); err != nil {
			t.Fatal(err)
		}
		return c.State
	}
	act(models.StateAcknowledged)
	eventually(t, func() bool { return copied() == models.StateAcknowledged })
	// While the bucket is away the change waits, and comes with the next round.
	away.Store(true)
	act(models.StateClosed)
	k.Touched("no-such-incident")
	away.Store(false)
	k.Kick()
	eventually(t, func() bool { return copied() == models.StateClosed })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type listing struct {
	Bucket
	called func() error
}

func (l listing) List(context.Context, string, func(string, int64) error) error { return l.called() }

// noIndex is an index without rows: a database has goroutines of its own, which do not
// belong to a test on another clock.
type noIndex struct{ Index }

func (noIndex) List(context.Context, Query) (Page, error) { return Page{}, nil }

// deleteChild is the second process of TestKillDuringDeletion: it lets retention delete
// what is due, and dies at a step.
func deleteChild(args []string) error {
	at, _ := strconv.ParseInt(args[1], 10, 64)
	s, err := openSite(args[0], nil)
	if err != nil {
		return err
	}
	var steps atomic.Int64
	k := &Keeper{Index: s.index, Bucket: s.bucket, Policy: Policy{Default: time.Minute}, step: func(string) {
		if steps.Add(1) == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	return errors.Join(k.Round(context.Background()), s.close())
}

// TestKillDuringDeletion kills the process at each step of a deletion in turn. At no
// instant may a record name what is not there, and the next start finishes the work.
func TestKillDuringDeletion(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		dir := memoryDir(t)
		s, err := openSite(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := recent(1)
		if err := errors.Join(s.happen(t.Context(), in), s.drain(t.Context()), s.close()); err != nil {
			t.Fatal(err)
		}
		out, err := child(t, "delete", dir, strconv.Itoa(at)).CombinedOutput()
		killed := wasKilled(err)
		if err != nil && !killed {
			t.Fatalf("child: %v\n%s", err, out)
		}
		for _, in := range namesOnlyDurable(t, dir) {
			if in.Footage.State == models.FootageDeleted {
				bucket, _ := OpenDisk(filepath.Join(dir, "bucket"))
				if _, _, _, err := ReadDeletion(readAll(t, bucket, in.Footage.Objects[0].Key)); err != nil {
					t.Errorf("killed at step %d: %v", at, err)
				}
			}
		}
		if out, err := child(t, "delete", dir, "0").CombinedOutput(); err != nil {
			t.Fatalf("after step %d: %v\n%s", at, err, out)
		}
		bucket, err := OpenDisk(filepath.Join(dir, "bucket"))
		if err != nil {
			t.Fatal(err)
		}
		left := keys(t, bucket, "")
		slices.Sort(left)
		if want := []string{objectKey(in, DeletionFile), objectKey(in, RecordObject)}; !slices.Equal(left, want) {
			t.Errorf("killed at step %d: left %v", at, left)
		}
		if t.Failed() {
			return
		}
		if !killed {
			if at < 8 {
				t.Fatalf("only %d steps: the hooks are gone", at-1)
			}
			t.Logf("killed at each of %d steps", at-1)
			return
		}
	}
}

func FuzzReadDeletion(f *testing.F) {
	data, err := encodeDeletion(Deletion{Schema: 1, Incident: "i1", Objects: []models.Object{{Key: "a/b", Size: 1}}}, newSigner(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"deletion":{"schema":1,"incident":"../x","objects":[{"key":"../../etc"}]}}`))
	f.Add([]byte(`{"deletion":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, signed, _, err := ReadDeletion(data)
		if err != nil {
			return
		}
		if checkID(d.Incident) != nil || len(signed) == 0 {
			t.Errorf("let through: %+v", d)
		}
		for _, o := range d.Objects {
			if checkKey(o.Key) != nil {
				t.Errorf("let through: %q", o.Key)
			}
		}
	})
}
