package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// troubled is a real bucket in which a test makes trouble that a real one cannot be
// brought to, such as an hour without an answer on a clock that is not the machine's.
type troubled struct {
	Bucket
	put func(ctx context.Context, key string) error // before the real one; nil for no trouble
}

func (b troubled) Put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error {
	if b.put != nil {
		if err := b.put(ctx, key); err != nil {
			return err
		}
	}
	return b.Bucket.Put(ctx, key, body, o)
}

// start runs the uploader and returns what ends it and waits.
func start(t *testing.T, u *Uploader) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func drain(t *testing.T, u *Uploader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := u.Drain(ctx); err != nil {
		t.Fatalf("%v; status %+v", err, u.Status())
	}
}

// wantStored looks whether a record names clip, still, picture and manifest, and whether
// the bucket holds them.
func wantStored(t *testing.T, x Index, b Bucket, id models.IncidentID, clip []byte) models.Incident {
	t.Helper()
	in, err := x.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if in.Footage.State != models.FootageStored {
		t.Fatalf("%s: footage is %s", id, in.Footage.State)
	}
	var roles []models.ObjectRole
	for _, o := range in.Footage.Objects {
		roles = append(roles, o.Role)
		got, _, err := b.Stat(t.Context(), o.Key)
		if err != nil || got.Size != o.Size || got.SHA256 != o.SHA256 {
			t.Errorf("%s: record says %+v, bucket %+v, %v", id, o, got, err)
		}
	}
	if want := []models.ObjectRole{models.RoleClip, models.RoleStill, models.RolePicture, models.RoleManifest}; !slices.Equal(roles, want) {
		t.Fatalf("%s: got %v", id, roles)
	}
	if got := readAll(t, b, in.Footage.Objects[0].Key); !bytes.Equal(got, clip) {
		t.Errorf("%s: the clip has other bytes", id)
	}
	m, err := ReadManifest(readAll(t, b, in.Footage.Objects[3].Key))
	if err != nil || !slices.Equal(m.Objects, in.Footage.Objects[:3]) {
		t.Errorf("%s: manifest %+v, %v", id, m, err)
	}
	return in
}

// The whole way, over every pairing of stores.
func TestUploader(t *testing.T) {
	t.Parallel()
	minio := miniotest.Start(t)
	pg := pgtest.Start(t)
	for name, c := range map[string]struct {
		bucket func(*testing.T) Bucket
		index  func(*testing.T) Index
	}{
		"disk and sqlite": {func(t *testing.T) Bucket { return mustDisk(t) }, func(t *testing.T) Index { return mustSQLite(t) }},
		"s3 and postgres": {func(t *testing.T) Bucket { return mustS3(t, minio, S3Options{Prefix: "site"}) },
			func(t *testing.T) Index { return mustPostgres(t, pg.Database("uploader")) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustSpool(t, t.TempDir(), SpoolOptions{})
			bucket, index := c.bucket(t), c.index(t)
			var mu sync.Mutex
			told := map[models.IncidentID]int{}
			u := &Uploader{Spool: s, Bucket: bucket, Index: index, Stored: func(in models.Incident) {
				mu.Lock()
				defer mu.Unlock()
				told[in.ID]++
				if in.Footage.State != models.FootageStored {
					t.Errorf("told of %s, which is %s", in.ID, in.Footage.State)
				}
			}}
			clips := map[models.IncidentID][]byte{}
			for n, size := range []int{1000, partSize + 1000, 0} { // the first two before the start
				in := incident(n)
				clips[in.ID] = randomBytes(size)
				create(t, index, in)
				if n < 2 {
					finish(t, s, in, clips[in.ID])
				}
			}
			if got := u.Status(); got.Pending != 2 || got.Bytes < partSize || !got.Oldest.Equal(incident(0).Alarm) {
				t.Errorf("before: %+v", got)
			}
			start(t, u)
			finish(t, s, incident(2), clips[incident(2).ID]) // one while it runs
			drain(t, u)
			for id, clip := range clips {
				in := wantStored(t, index, bucket, id, clip)
				if in.Revision != 2 || count(in.Log, "footage stored") != 1 || told[id] != 1 {
					t.Errorf("%s: revision %d, told %d, log %+v", id, in.Revision, told[id], in.Log)
				}
			}
			if got := files(t, s.dir); !slices.Equal(got, []string{corruptName, lockName}) {
				t.Errorf("left in the spool: %v", got)
			}
			if got := u.Status(); got.Pending != 0 || got.Bytes != 0 || got.Stored != 3 || got.Retries != 0 || !got.Oldest.IsZero() {
				t.Errorf("after: %+v", got)
			}
		})
	}
}

func TestUploaderMakesAMissingRecord(t *testing.T) {
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	finish(t, s, incident(1), []byte("clip"))
	u := &Uploader{Spool: s, Bucket: bucket, Index: index}
	start(t, u)
	drain(t, u)
	wantStored(t, index, bucket, incident(1).ID, []byte("clip"))
}

// What people did with the record while the clip was on its way must stay.
func TestUploaderTouchesOnlyTheFootage(t *testing.T) {
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	in := incident(1)
	going := in
	going.End = time.Time{}
	going.Footage = models.Footage{State: models.FootageRecording, UploadNote: "waiting"}
	create(t, index, going)
	finish(t, s, in, []byte("clip"))
	if _, err := index.Update(t.Context(), in.ID, func(r *models.Incident) error {
		r.State, r.Severity = models.StateAcknowledged, models.SeverityLow
		r.Log = append(r.Log, models.Action{Who: "ann", What: "acknowledged"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	u := &Uploader{Spool: s, Bucket: bucket, Index: index}
	start(t, u)
	drain(t, u)
	got := wantStored(t, index, bucket, in.ID, []byte("clip"))
	if got.State != models.StateAcknowledged || got.Severity != models.SeverityLow || count(got.Log, "acknowledged") != 1 {
		t.Errorf("got %+v", got)
	}
	if !got.End.Equal(in.End) || got.Footage.Frames != in.Footage.Frames || len(got.Footage.Gaps) != 1 || got.Footage.UploadNote != "" {
		t.Errorf("footage as it turned out: got %+v", got.Footage)
	}
}

func TestUploaderWithoutFootage(t *testing.T) {
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	in := incident(1)
	in.Footage.State = models.FootageNone
	e, err := s.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ready(in, nil); err != nil {
		t.Fatal(err)
	}
	u := &Uploader{Spool: s, Bucket: bucket, Index: index}
	start(t, u)
	drain(t, u)
	got, err := index.Get(t.Context(), in.ID)
	if err != nil || got.Footage.State != models.FootageNone || len(got.Footage.Objects) != 1 || got.Footage.Objects[0].Role != models.RoleManifest {
		t.Errorf("got %+v, %v", got.Footage, err)
	}
}

// A crash after the record was written and before the entry went must not show.
func TestUploaderGoesOnAfterTheRecord(t *testing.T) {
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	e := finish(t, s, incident(1), []byte("clip"))
	u := &Uploader{Spool: s, Bucket: bucket, Index: index}
	if _, err := u.name(t.Context(), e.Incident(), e.upload()); err != nil {
		t.Fatal(err)
	}
	start(t, u)
	drain(t, u)
	in := wantStored(t, index, bucket, e.ID(), []byte("clip"))
	if count(in.Log, "footage stored") != 1 || in.Revision != 2 {
		t.Errorf("revision %d, log %+v", in.Revision, in.Log)
	}
}

// What changed on the spool's disk after it was hashed is not evidence any more. It is
// kept, the record says so, and the others go on.
func TestUploaderSetsDamageAside(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, e *Entry){
		"a flipped bit": func(t *testing.T, e *Entry) { scribble(t, e.Path(ClipFile), 100, []byte{0xff}) },
		"cut short":     func(t *testing.T, e *Entry) { truncate(t, e.Path(ClipFile), 100) },
		"gone":          func(t *testing.T, e *Entry) { remove(t, e.Path(ClipFile)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
			bad, good := finish(t, s, incident(1), make([]byte, 5000)), finish(t, s, incident(2), []byte("clip"))
			create(t, index, incident(1))
			damage(t, bad)
			u := &Uploader{Spool: s, Bucket: bucket, Index: index}
			start(t, u)
			drain(t, u)
			wantStored(t, index, bucket, good.ID(), []byte("clip"))
			var in models.Incident
			eventually(t, func() bool {
				var err error
				in, err = index.Get(t.Context(), bad.ID())
				return err == nil && in.Footage.UploadNote != ""
			})
			if in.Footage.State != models.FootageNone || len(in.Footage.Objects) != 0 || !strings.Contains(in.Footage.UploadNote, "damaged in the spool") {
				t.Errorf("got %+v", in.Footage)
			}
			if last := in.Footage.Gaps[len(in.Footage.Gaps)-1]; last.Cause != models.CauseDisk || in.Footage.Complete() > 0 {
				t.Errorf("gaps %+v, complete %v", in.Footage.Gaps, in.Footage.Complete())
			}
			if got := files(t, filepath.Join(s.dir, corruptName)); !slices.Equal(got, []string{string(bad.ID())}) {
				t.Errorf("kept: %v", got)
			}
			if got := u.Status(); got.Corrupt != 1 || got.Failing != 0 {
				t.Errorf("status %+v", got)
			}
		})
	}
}

// An incident whose entry was found damaged at the start, and that the index never got,
// is still opened: people must learn of it.
func TestUploaderOpensDamagedIncidents(t *testing.T) {
	dir := t.TempDir()
	s := mustSpool(t, dir, SpoolOptions{})
	e, garbage := finish(t, s, incident(1), make([]byte, 5000)), finish(t, s, incident(2), nil)
	s.Close()
	remove(t, e.Path(ClipFile))
	truncate(t, garbage.Path(RecordFile), 1)
	s = mustSpool(t, dir, SpoolOptions{})
	index := mustSQLite(t)
	u := &Uploader{Spool: s, Bucket: mustDisk(t), Index: index}
	start(t, u)
	eventually(t, func() bool {
		in, err := index.Get(t.Context(), e.ID())
		return err == nil && strings.Contains(in.Footage.UploadNote, "clip.mp4 is missing")
	})
	if n, err := index.Count(t.Context(), Query{}); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

// patience ends what hangs. It is far more than a busy machine needs for anything here, so
// that nothing is taken for hung that is only slow.
const patience = 5 * time.Minute

// eventually waits for what another goroutine does; there is no event to wait for.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("did not happen within %v", patience)
		}
	}
}

// S3 comes back after an hour: everything arrives within a minute of that, the wait costs
// few attempts, and the log is not flooded.
func TestBucketComesBackAfterAnHour(t *testing.T) {
	dir, bucketDir, indexDir := t.TempDir(), t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustSpool(t, dir, SpoolOptions{})
		real, err := OpenDisk(bucketDir)
		if err != nil {
			t.Fatal(err)
		}
		index, err := OpenSQLite(filepath.Join(indexDir, "index.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer index.Close()
		const incidents = 20
		for n := range incidents {
			finish(t, s, incident(n), []byte("clip"))
		}
		back := time.Now().Add(time.Hour)
		var attempts atomic.Int64
		var log bytes.Buffer
		u := &Uploader{Spool: s, Index: index, Log: slog.New(slog.NewTextHandler(&log, nil)), Bucket: troubled{real, func(context.Context, string) error {
			if time.Now().Before(back) {
				attempts.Add(1)
				return errors.New("connection refused")
			}
			return nil
		}}}
		stop := start(t, u)
		defer stop()
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if got := u.Status(); got.Pending != incidents || got.Stored != 0 || got.Failing < 60 || got.LastError != "connection refused" {
			t.Errorf("before: %+v", got)
		}
		if n := attempts.Load(); n < 60 || n > 150 {
			t.Errorf("%d attempts in an hour", n)
		}
		began := time.Now()
		drain(t, u)
		if took := time.Since(began); took > time.Minute+time.Second {
			t.Errorf("took %v after the return", took)
		}
		if got := u.Status(); got.Stored != incidents || got.Failing != 0 {
			t.Errorf("after: %+v", got)
		}
		if n := strings.Count(log.String(), "works again"); n != 1 {
			t.Errorf("said %d times that it works again", n)
		}
		for n := range incidents {
			wantStored(t, index, real, incident(n).ID, []byte("clip"))
		}
	})
}

// One incident that cannot be stored must not hold up the others, nor be given up.
func TestOneFailingIncidentStarvesNobody(t *testing.T) {
	t.Parallel()
	dir, bucketDir, indexDir := t.TempDir(), t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustSpool(t, dir, SpoolOptions{})
		real, err := OpenDisk(bucketDir)
		if err != nil {
			t.Fatal(err)
		}
		index, err := OpenSQLite(filepath.Join(indexDir, "index.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer index.Close()
		poison := incident(0) // the oldest
		var attempts atomic.Int64
		var cured atomic.Bool
		u := &Uploader{Spool: s, Index: index, Bucket: troubled{real, func(_ context.Context, key string) error {
			if strings.Contains(key, string(poison.ID)) && !cured.Load() {
				attempts.Add(1)
				return errors.New("EntityTooLarge")
			}
			return nil
		}}}
		finish(t, s, poison, []byte("clip"))
		defer start(t, u)()
		for n := 1; n <= 30; n++ {
			finish(t, s, incident(n), []byte("clip"))
			time.Sleep(20 * time.Second)
		}
		synctest.Wait()
		if got := u.Status(); got.Stored != 30 || got.Pending != 1 {
			t.Errorf("status %+v", got)
		}
		if n := attempts.Load(); n < 10 || n > 30 {
			t.Errorf("%d attempts of the failing one in 10 minutes", n)
		}
		cured.Store(true)
		drain(t, u)
		wantStored(t, index, real, poison.ID, []byte("clip"))
	})
}

// The end of the context cuts an upload in its middle; nothing is half there, and the
// next run brings it.
func TestStopInMidUpload(t *testing.T) {
	s, real, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	create(t, index, incident(1))
	finish(t, s, incident(1), []byte("clip"))
	reached := make(chan struct{}, 10)
	u := &Uploader{Spool: s, Index: index, Bucket: troubled{real, func(ctx context.Context, _ string) error {
		reached <- struct{}{}
		<-ctx.Done() // as a slow line does
		return ctx.Err()
	}}}
	stop := start(t, u)
	<-reached
	stop()
	if in, err := index.Get(t.Context(), incident(1).ID); err != nil || len(in.Footage.Objects) != 0 || in.Revision != 1 {
		t.Errorf("got %+v, %v", in.Footage, err)
	}
	if got := u.Status(); got.Pending != 1 || got.Retries != 0 {
		t.Errorf("status %+v", got)
	}
	u = &Uploader{Spool: s, Index: index, Bucket: real}
	start(t, u)
	drain(t, u)
	wantStored(t, index, real, incident(1).ID, []byte("clip"))
}

// The index fails while the bucket works: objects wait unnamed, and nothing is sent twice.
func TestIndexComesBack(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	s, real, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustPostgres(t, pg.Database("back"))
	var puts atomic.Int64
	u := &Uploader{Spool: s, Index: index, Backoff: Backoff{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond},
		Bucket: troubled{real, func(context.Context, string) error { puts.Add(1); return nil }}}
	pg.Stop()
	finish(t, s, incident(1), []byte("clip"))
	start(t, u)
	eventually(t, func() bool { return u.Status().Retries >= 3 })
	if got := u.Status(); got.Pending != 1 || !strings.Contains(got.LastError, "no connection to the server") {
		t.Errorf("while it is down: %+v", got)
	}
	pg.Restart()
	drain(t, u)
	wantStored(t, index, real, incident(1).ID, []byte("clip"))
	// Clip, still, picture, manifest, and once it is named the copy of the record.
	if n := puts.Load(); n != 5 {
		t.Errorf("%d objects sent, want 5", n)
	}
}

// killer is a body that kills the server when half of it has been read.
type killer struct {
	io.ReadSeeker
	left int
	kill func()
}

func (k *killer) Read(p []byte) (int, error) {
	n, err := k.ReadSeeker.Read(p)
	if k.left -= n; k.left < 0 && k.kill != nil {
		k.kill()
		k.kill = nil
	}
	return n, err
}

type killing struct {
	Bucket
	kill func()
	once sync.Once // several objects of an incident travel at a time
}

func (b *killing) Put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error {
	if o.Size > partSize {
		b.once.Do(func() { body = &killer{body, int(o.Size / 2), b.kill} })
	}
	return b.Bucket.Put(ctx, key, body, o)
}

// MinIO is killed in the middle of a multipart upload and comes back on the same data.
func TestServerKilledInMidUpload(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustS3(t, server, S3Options{}), mustSQLite(t)
	clip := randomBytes(3*partSize + 500)
	finish(t, s, incident(1), clip)
	killed := make(chan struct{})
	u := &Uploader{Spool: s, Index: index, Workers: 1, Backoff: Backoff{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond},
		Bucket: &killing{Bucket: bucket, kill: func() { server.Kill(); close(killed) }}}
	start(t, u)
	<-killed
	eventually(t, func() bool { return u.Status().Retries > 0 })
	if _, err := index.Get(t.Context(), incident(1).ID); err == nil {
		t.Error("a record before its objects")
	}
	if got := u.Status().LastError; !strings.Contains(got, "s3: ") || strings.Contains(got, server.SecretKey) {
		t.Errorf("last error: %s", got)
	}
	server.Restart()
	drain(t, u)
	wantStored(t, index, bucket, incident(1).ID, clip)
	for info := range bucket.(*s3).core.ListIncompleteUploads(t.Context(), bucket.(*s3).bucket, "", true) {
		t.Errorf("left half: %s %v", info.Key, info.Err)
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		b        Backoff
		failures int
		lo, hi   time.Duration
	}{
		{Backoff{}, 1, 500 * time.Millisecond, time.Second},
		{Backoff{}, 3, 2 * time.Second, 4 * time.Second},
		{Backoff{}, 100, 30 * time.Second, time.Minute},
		{Backoff{Min: time.Minute, Max: time.Second}, 1, time.Second / 2, time.Second},
	} {
		for range 50 {
			if got := c.b.delay(c.failures); got < c.lo || got > c.hi {
				t.Errorf("%+v: got %v, want %v to %v", c.b, got, c.lo, c.hi)
			}
		}
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{})
	finish(t, s, incident(1), nil)
	u := &Uploader{Spool: s, Bucket: mustDisk(t), Index: mustSQLite(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := u.Drain(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(fmt.Sprint(err), "1 incidents wait") {
		t.Errorf("got %v", err)
	}
}

func TestEvidenceIsFoundWhereverItIs(t *testing.T) {
	s, bucket, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t)
	v := Evidence{Spool: s, Bucket: bucket}
	in := incident(1)
	want := func(where string, in models.Incident, role models.ObjectRole, data string, hashed bool) {
		t.Helper()
		r, o, err := v.Open(t.Context(), in, role)
		if err != nil {
			t.Errorf("%s: %s: %v", where, role, err)
			return
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		if err != nil || string(got) != data || o.Size != int64(len(data)) || r.Size() != o.Size || o.Role != role || o.Type == "" || (o.SHA256 != "") != hashed {
			t.Errorf("%s: got %q, %+v, %v", where, got, o, err)
		}
	}
	absent := func(where string, role models.ObjectRole) {
		t.Helper()
		if _, _, err := v.Open(t.Context(), in, role); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %s: got %v", where, role, err)
		}
	}
	absent("before it begins", models.RoleClip)
	e, err := s.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	absent("before the clip begins", models.RoleClip)
	overwrite(t, e.Path(GrowingFile), []byte("grow"))
	want("growing", in, models.RoleClip, "grow", false)
	absent("growing", models.RoleManifest)

	// An answer that has begun keeps its length.
	r, _, err := v.Open(t.Context(), in, models.RoleClip)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	overwrite(t, e.Path(GrowingFile), []byte("growing more"))
	if got, _ := io.ReadAll(r); string(got) != "grow" {
		t.Errorf("a growing clip grew under its reader: %q", got)
	}
	want("grown", in, models.RoleClip, "growing more", false)

	overwrite(t, e.Path(ClipFile), []byte("clip"))
	for _, name := range []string{StillFile, PictureFile} {
		if err := e.Write(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	want("finished", in, models.RoleClip, "clip", false)
	want("finished", in, models.RoleStill, StillFile, false)
	if err := e.Ready(in, evidence); err != nil {
		t.Fatal(err)
	}
	want("ready", in, models.RoleClip, "clip", true)
	want("ready", in, models.RolePicture, PictureFile, true)
	create(t, index, in)
	u := &Uploader{Spool: s, Bucket: bucket, Index: index}
	start(t, u)
	drain(t, u)
	stored, err := index.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	want("stored", stored, models.RoleClip, "clip", true)
	want("stored, by a record read before", in, models.RoleClip, "clip", false)
	other := incident(2)
	if _, _, err := v.Open(t.Context(), other, models.RoleClip); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another incident: %v", err)
	}
}
