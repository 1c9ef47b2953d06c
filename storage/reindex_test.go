package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/models"
)

// checking makes Reindex.Verify of a key.
func (s signer) checking(data []byte, sig models.Signature) error {
	if !s.verify(data, sig) {
		return errors.New("no such signature")
	}
	return nil
}

// The index is gone. What the bucket has comes back: records as people left them when the
// copy was written, evidence named, deletions remembered.
func TestReindex(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	for name, bucket := range map[string]Bucket{"disk": mustDisk(t), "s3": mustS3(t, server, S3Options{Prefix: "site"})} {
		t.Run(name, func(t *testing.T) {
			key, lost := newSigner(t), mustSQLite(t)
			k := &Keeper{Index: lost, Bucket: bucket, Signer: key, Policy: Policy{Severities: map[models.Severity]time.Duration{}}}
			all := keep(t, 5, k)
			if _, err := k.Hold(t.Context(), all[1].ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			k.Policy = Policy{Default: time.Minute}
			for _, i := range []int{2} { // only this one is let go
				in, _ := lost.Get(t.Context(), all[i].ID)
				if err := k.delete(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			// One lost the copy of its record, one a still, and one was forged.
			if err := bucket.Delete(t.Context(), objectKey(all[3], RecordObject)); err != nil {
				t.Fatal(err)
			}
			if err := bucket.Delete(t.Context(), objectKey(all[4], StillFile)); err != nil {
				t.Fatal(err)
			}
			forged := recent(9)
			data, err := newManifest(forged).encode()
			if err != nil {
				t.Fatal(err)
			}
			sig, _ := newSigner(t).Sign(models.PurposeManifest, data) // by another key
			for file, v := range map[string]any{ManifestFile: json.RawMessage(data), SignatureFile: sig} {
				if err := putJSON(t.Context(), bucket, objectKey(forged, file), v); err != nil {
					t.Fatal(err)
				}
			}
			// And one lies where it does not belong.
			if err := bucket.Put(t.Context(), "incidents/2026/01/01/stranger/manifest.json", bytes.NewReader(data), object(data)); err != nil {
				t.Fatal(err)
			}

			fresh := mustSQLite(t)
			var progress int
			r := &Reindex{Bucket: bucket, Index: fresh, Verify: key.checking, DryRun: true, Progress: func(n int) { progress = n }}
			want := Reindexed{Found: 7, Made: 5, Deleted: 1, Poorer: 1, Forged: 1, Damaged: 1, Unread: 1}
			for _, dry := range []bool{true, false} {
				r.DryRun = dry
				got, err := r.Run(t.Context())
				if err != nil || got != want || progress != 7 {
					t.Fatalf("dry %v: got %+v, progress %d, %v", dry, got, progress, err)
				}
				if n, err := fresh.Count(t.Context(), Query{}); err != nil || dry != (n == 0) {
					t.Fatalf("dry %v: %d records, %v", dry, n, err)
				}
			}
			for i, was := range all {
				was, err := lost.Get(t.Context(), was.ID)
				if err != nil {
					t.Fatal(err)
				}
				got, err := fresh.Get(t.Context(), was.ID)
				if err != nil {
					t.Errorf("%d: %v", i, err)
					continue
				}
				namedIsThere(t, bucket, got)
				switch i {
				case 0, 1, 2:
					if a, b := asJSON(t, got), asJSON(t, was); a != b {
						t.Errorf("%d: got  %s\nwant %s", i, a, b)
					}
				case 3:
					if got.Footage.State != models.FootageStored || !slices.Equal(got.Footage.Objects, was.Footage.Objects) || got.Camera != was.Camera || !got.Alarm.Equal(was.Alarm) {
						t.Errorf("from the manifest: %+v", got)
					}
				case 4:
					if len(got.Footage.Objects) != len(was.Footage.Objects)-1 || got.Footage.UploadNote == "" {
						t.Errorf("damaged: %+v", got.Footage)
					}
				}
			}
			// A second time there is nothing to do.
			want.Made, want.Deleted, want.Poorer = 0, 0, 0
			if got, err := r.Run(t.Context()); err != nil || got != want {
				t.Errorf("again: %+v, %v", got, err)
			}
		})
	}
}

func asJSON(t *testing.T, in models.Incident) string {
	t.Helper()
	in.Revision = 0
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The recorder is gone, and so is its disk: only the bucket is left.
func TestReindexOfALostRecorder(t *testing.T) {
	bucket := mustDisk(t)
	s := mustSpool(t, t.TempDir(), SpoolOptions{})
	u := &Uploader{Spool: s, Bucket: bucket, Index: mustSQLite(t), LiveEvery: time.Millisecond}
	stop := start(t, u)
	in := recent(1)
	in.End, in.Footage = time.Time{}, models.Footage{State: models.FootageRecording, AskedFrom: in.Start}
	e, err := s.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	clip := append(mp4Head(), mp4Fragment(in.Alarm, 1000)...)
	grow(t, e.Path(GrowingFile), clip)
	live := waitLive(t, bucket, in, func(l Live) bool { return len(l.Files) == 1 })
	stop()

	fresh := mustSQLite(t)
	r := &Reindex{Bucket: bucket, Index: fresh}
	if got, err := r.Run(t.Context()); err != nil || got != (Reindexed{Found: 1, GoingOn: 1}) {
		t.Fatalf("a living recorder: %+v, %v", got, err)
	}
	live.At = live.At.Add(-time.Hour)
	if err := putJSON(t.Context(), bucket, objectKey(in, LiveFile), live); err != nil {
		t.Fatal(err)
	}
	r.Spool = s
	if got, err := r.Run(t.Context()); err != nil || got != (Reindexed{Found: 1, GoingOn: 1}) {
		t.Fatalf("its spool is here: %+v, %v", got, err)
	}
	r.Spool = nil
	if got, err := r.Run(t.Context()); err != nil || got != (Reindexed{Found: 1, Made: 1, Cut: 1, Unsigned: 1}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got, err := fresh.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	namedIsThere(t, bucket, got)
	if len(got.Footage.Objects) != 1 || !bytes.Equal(readAll(t, bucket, got.Footage.Objects[0].Key), clip) {
		t.Errorf("got %+v", got.Footage)
	}
	if n := len(got.Footage.Gaps); n != 1 || got.End.IsZero() || got.Footage.UploadNote == "" {
		t.Errorf("the loss is not named: %+v", got.Footage)
	}
}

// What people opened by hand has no footage of its own; the copy of the record is enough.
func TestReindexOfWhatWasReported(t *testing.T) {
	bucket, lost := mustDisk(t), mustSQLite(t)
	k := &Keeper{Index: lost, Bucket: bucket}
	in := recent(1)
	in.Kind, in.Origin, in.Description = models.KindReported, models.OriginPatrol, "the gate stood open"
	in.Footage = models.Footage{State: models.FootageNone, AskedFrom: in.Start, AskedTo: in.Start}
	growing := recent(2)
	growing.Footage = models.Footage{State: models.FootageRecording, AskedFrom: growing.Start}
	create(t, lost, growing, in)
	was, err := lost.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.Touched(in.ID)
	k.Touched(growing.ID)
	if err := k.copyTouched(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := putRecord(t.Context(), bucket, growing); err != nil { // as an older vedette may have left it
		t.Fatal(err)
	}
	fresh := mustSQLite(t)
	if got, err := (&Reindex{Bucket: bucket, Index: fresh}).Run(t.Context()); err != nil || got != (Reindexed{Found: 1, Made: 1}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got, err := fresh.Get(t.Context(), in.ID)
	if err != nil || got.Number != was.Number || got.Description != in.Description || got.Origin != in.Origin {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := bucket.Put(t.Context(), objectKey(in, RecordObject), strings.NewReader("{"), object([]byte("{"))); err != nil {
		t.Fatal(err)
	}
	if got, err := (&Reindex{Bucket: bucket, Index: mustSQLite(t)}).Run(t.Context()); err != nil || got != (Reindexed{Found: 1, Unread: 1}) {
		t.Fatalf("a copy that cannot be read: %+v, %v", got, err)
	}
}

// A record that was written before the evidence was stored, as in an old backup.
func TestReindexMends(t *testing.T) {
	bucket, index := mustDisk(t), mustSQLite(t)
	in := keep(t, 1, &Keeper{Index: mustSQLite(t), Bucket: bucket})[0]
	old := recent(0)
	old.Footage.State, old.End = models.FootageRecording, time.Time{}
	old.State = models.StateAcknowledged
	create(t, index, old)
	r := &Reindex{Bucket: bucket, Index: index}
	if got, err := r.Run(t.Context()); err != nil || got != (Reindexed{Found: 1, Mended: 1, Unsigned: 1}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got, err := index.Get(t.Context(), in.ID)
	if err != nil || got.Footage.State != models.FootageStored || got.End.IsZero() || got.State != models.StateAcknowledged {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Memory does not grow with the bucket.
func TestReindexIsFlat(t *testing.T) {
	const incidents = 3000
	bucket := mustDiskIn(t, memoryDir(t))
	for n := range incidents {
		in := recent(n)
		in.ID = models.IncidentID(fmt.Sprintf("flat-%06d", n))
		data, err := newManifest(in).encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := bucket.Put(t.Context(), objectKey(in, ManifestFile), bytes.NewReader(data), object(data)); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	r := &Reindex{Bucket: bucket, Index: mustSQLite(t), DryRun: true, Progress: func(n int) {
		if n%500 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
	}}
	got, err := r.Run(t.Context())
	if err != nil || got.Made != incidents {
		t.Fatalf("got %+v, %v", got, err)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("heap grew by %d bytes", grown)
	}
}

func mustDiskIn(tb testing.TB, dir string) Bucket {
	tb.Helper()
	b, err := OpenDisk(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
