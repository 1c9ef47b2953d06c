package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/models"
)

// box is one box of an MP4.
func box(kind string, payload []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(8+len(payload)))
	return append(append(out, kind...), payload...)
}

// mp4Head is what a growing clip begins with, mp4Fragment one fragment of it.
func mp4Head() []byte {
	return bytes.Join([][]byte{box("ftyp", []byte("iso5")), box("moov", make([]byte, 300)), box("uuid", make([]byte, 60))}, nil)
}

func mp4Fragment(at time.Time, size int) []byte {
	prft := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(at.Unix()-ntpEpoch)<<32+1<<31) // half a second
	prft = binary.BigEndian.AppendUint64(prft, 0)
	return bytes.Join([][]byte{box("uuid", make([]byte, 40)), box("prft", prft), box("moof", make([]byte, 100)), box("mdat", randomBytes(size))}, nil)
}

func TestWholeFragments(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	head, first, second := mp4Head(), mp4Fragment(t0, 1000), mp4Fragment(t0.Add(time.Second), 2000)
	whole := int64(len(head) + len(first))
	all := bytes.Join([][]byte{head, first, second}, nil)
	long := append(append(binary.BigEndian.AppendUint32(nil, 1), "mdat"...), binary.BigEndian.AppendUint64(nil, 20)...)
	long = append(long, 1, 2, 3, 4)
	for name, c := range map[string]struct {
		data  []byte
		from  int64
		limit int64
		end   int64
		upTo  time.Duration // since t0
	}{
		"nothing":                        {nil, 0, livePart, 0, 0},
		"the head alone is no footage":   {head, 0, livePart, 0, 0},
		"half a fragment":                {all[:whole-1], 0, livePart, 0, 0},
		"one fragment":                   {all[:whole], 0, livePart, whole, 0},
		"one and a half":                 {all[:whole+700], 0, livePart, whole, 0},
		"half a box head":                {all[:whole+5], 0, livePart, whole, 0},
		"two":                            {all, 0, livePart, int64(len(all)), time.Second},
		"the second":                     {all, whole, livePart, int64(len(all)), time.Second},
		"two, but no more than a limit":  {all, 0, whole, whole, 0},
		"one that is longer than limit":  {all, 0, 10, whole, 0},
		"a box with a length of 64 bits": {append(bytes.Clone(all), long...), whole, livePart, int64(len(all) + len(long)), time.Second},
	} {
		end, upTo, err := wholeFragments(bytes.NewReader(c.data), c.from, int64(len(c.data)), c.limit)
		want := t0.Add(c.upTo + 500*time.Millisecond)
		if c.end == c.from {
			want = time.Time{}
		}
		if err != nil || end != c.end || !upTo.Equal(want) {
			t.Errorf("%s: got %d, %v, %v; want %d, %v", name, end, upTo, err, c.end, want)
		}
	}
	if _, _, err := wholeFragments(bytes.NewReader(make([]byte, 100)), 0, 100, livePart); err == nil {
		t.Error("a length of 0 was taken")
	}
}

func FuzzWholeFragments(f *testing.F) {
	f.Add(append(mp4Head(), mp4Fragment(time.Now(), 50)...), int64(0))
	f.Add([]byte("\x00\x00\x00\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff"), int64(0))
	f.Add(make([]byte, 40), int64(8))
	f.Fuzz(func(t *testing.T, data []byte, from int64) {
		from = min(max(0, from), int64(len(data)))
		end, _, _ := wholeFragments(bytes.NewReader(data), from, int64(len(data)), 100)
		if end < from || end > int64(len(data)) {
			t.Errorf("from %d to %d of %d", from, end, len(data))
		}
	})
}

// grow appends to a growing file, as the recording does.
func grow(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What an open incident has is in the bucket within moments; somebody with the bucket
// alone can put it together. With the finished clip the parts go.
func TestFootageIsOffSiteWhileItGrows(t *testing.T) {
	t.Parallel()
	minio := miniotest.Start(t)
	for name, bucket := range map[string]Bucket{"disk": mustDisk(t), "s3": mustS3(t, minio, S3Options{Prefix: "site"}), "s3 with lock": lockingS3(t, minio, LockAuto)} {
		t.Run(name, func(t *testing.T) {
			index, s := mustSQLite(t), mustSpool(t, t.TempDir(), SpoolOptions{})
			told := make(chan time.Time, 100)
			var log bytes.Buffer
			u := &Uploader{Spool: s, Bucket: bucket, Index: index, LiveEvery: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
				Progress: func(in models.Incident) { told <- in.Footage.OffSite }}
			stop := start(t, u)
			in := recent(1)
			in.End, in.Footage = time.Time{}, models.Footage{State: models.FootageRecording, AskedFrom: in.Start}
			create(t, index, in)
			e, err := s.Begin(in)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Write(StillFile, []byte("still")); err != nil {
				t.Fatal(err)
			}
			t0 := in.Start.Truncate(time.Second)
			var first, second bytes.Buffer
			first.Write(mp4Head())
			for i := range 5 {
				first.Write(mp4Fragment(t0.Add(time.Duration(i)*time.Second), 10_000))
			}
			whole := first.Len()
			first.Write(mp4Fragment(t0.Add(5*time.Second), 10_000)[:3000]) // half of one
			for i := 0; i < first.Len(); i += 7000 {
				grow(t, e.Path(GrowingFile), first.Bytes()[i:min(i+7000, first.Len())])
			}
			live := waitLive(t, bucket, in, func(l Live) bool { return len(l.Files) == 1 && l.Files[0].Size == int64(whole) })
			second.Write(mp4Head())
			second.Write(mp4Fragment(t0.Add(20*time.Second), 500))
			grow(t, e.Path("clip-2.fmp4"), second.Bytes())
			live = waitLive(t, bucket, in, func(l Live) bool { return len(l.Files) == 2 })

			if want := t0.Add(20*time.Second + 500*time.Millisecond); !live.UpTo.Equal(want) {
				t.Errorf("up to %v, want %v", live.UpTo, want)
			}
			if live.Incident.ID != in.ID || live.Incident.Camera != in.Camera || live.Files[0].Folder != "incidents/"+in.Alarm.Format("2006/01/02")+"/"+string(in.ID)+"/live/" {
				t.Errorf("live.json: %+v", live)
			}
			for i, want := range [][]byte{first.Bytes()[:whole], second.Bytes()} {
				var got bytes.Buffer
				if err := live.Files[i].Join(t.Context(), bucket, &got); err != nil || !bytes.Equal(got.Bytes(), want) {
					t.Errorf("file %d: %d bytes, want %d, %v", i, got.Len(), len(want), err)
				}
			}
			if at := <-told; at.Before(t0) {
				t.Errorf("told of %v", at)
			}
			if got, err := index.Get(t.Context(), in.ID); err != nil || got.Footage.OffSite.IsZero() || got.Footage.State != models.FootageRecording {
				t.Errorf("record: %+v, %v", got.Footage, err)
			}
			eventually(t, func() bool { st := u.Status(); return st.Open == 1 && st.OpenBytes == 3000 && st.LiveParts >= 2 })

			clip := randomBytes(1000)
			if err := os.WriteFile(e.Path(ClipFile), clip, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := e.Write(PictureFile, []byte("picture")); err != nil {
				t.Fatal(err)
			}
			in.End = time.Now().UTC()
			if err := e.Ready(in, evidence); err != nil {
				t.Fatal(err)
			}
			drain(t, u)
			if got := wantStored(t, index, bucket, in.ID, clip); !got.Footage.OffSite.IsZero() {
				t.Errorf("still says off site until %v", got.Footage.OffSite)
			}
			if left := keys(t, bucket, objectKey(in, LiveFolder)); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if x, ok := bucket.(*s3); ok {
				if left := versions(t, x, objectKey(in, LiveFolder+"/")); len(left) != 0 && x.lock.on {
					t.Errorf("%d versions stay", len(left))
				}
			}
			if st := u.Status(); st.Open != 0 || st.OpenBytes != 0 || st.LiveFailed != 0 {
				stop()
				t.Errorf("status %+v\n%s", st, log.String())
			}
		})
	}
}

// waitLive waits until live.json says what is wanted.
func waitLive(t *testing.T, b Bucket, in models.Incident, ok func(Live) bool) (live Live) {
	t.Helper()
	eventually(t, func() bool {
		data, err := readObject(t.Context(), b, objectKey(in, LiveFile))
		if err != nil {
			return false
		}
		if live, err = ReadLive(data); err != nil {
			t.Fatal(err)
		}
		return ok(live)
	})
	return live
}

// A bucket that is away costs the growing clip nothing: the recording goes on, the parts
// come when it is back, and the finished clip comes in any case.
func TestGrowingClipWhileTheBucketIsAway(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	disk := mustDisk(t)
	bucket := troubled{Bucket: disk, put: func(context.Context, string) error {
		if away.Load() {
			return errors.New("connection refused")
		}
		return nil
	}}
	index, s := mustSQLite(t), mustSpool(t, t.TempDir(), SpoolOptions{})
	u := &Uploader{Spool: s, Bucket: bucket, Index: index, LiveEvery: time.Millisecond, Backoff: Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}}
	start(t, u)
	in := recent(1)
	e := record(t, s, in, []byte("clip"))
	remove(t, e.Path(ClipFile))
	data := append(mp4Head(), mp4Fragment(time.Now(), 100)...)
	grow(t, e.Path(GrowingFile), data)
	eventually(t, func() bool { st := u.Status(); return st.LiveFailed >= 3 && st.OpenBytes == int64(len(data)) })
	if got := keys(t, disk, ""); len(got) != 0 {
		t.Fatalf("in the bucket: %v", got)
	}
	// The backlog finds the bucket down: then nobody else asks it in vain.
	finish(t, s, recent(2), []byte("other"))
	eventually(t, func() bool { return u.Status().LiveSkipped >= 3 })
	away.Store(false)
	live := waitLive(t, disk, in, func(l Live) bool { return len(l.Files) == 1 })
	var got bytes.Buffer
	if err := live.Files[0].Join(t.Context(), disk, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	drain(t, u)
}

// A clip whose head is damaged is no reason to stop anything, and is not read for ever.
func TestGrowingClipThatIsNone(t *testing.T) {
	index, disk, s := mustSQLite(t), mustDisk(t), mustSpool(t, t.TempDir(), SpoolOptions{})
	u := &Uploader{Spool: s, Bucket: disk, Index: index, LiveEvery: time.Millisecond, Backoff: Backoff{Min: time.Millisecond, Max: time.Millisecond}}
	start(t, u)
	bad, good := record(t, s, recent(1), nil), record(t, s, recent(2), nil)
	grow(t, bad.Path(GrowingFile), []byte(strings.Repeat("\x00", 100)))
	grow(t, good.Path(GrowingFile), append(mp4Head(), mp4Fragment(time.Now(), 100)...))
	waitLive(t, disk, recent(2), func(l Live) bool { return len(l.Files) == 1 })
	if err := bad.Ready(recent(1), evidence); err != nil {
		t.Fatal(err)
	}
	drain(t, u)
}

// After a restart the parts that are in the bucket belong to a clip that may have been
// cut back meanwhile: nothing is added to them, and they go with the rest.
func TestPartsOfAnEarlierStartAreRemoved(t *testing.T) {
	dir, index, disk := t.TempDir(), mustSQLite(t), mustDisk(t)
	s := mustSpool(t, dir, SpoolOptions{})
	u := &Uploader{Spool: s, Bucket: disk, Index: index, LiveEvery: time.Millisecond}
	stop := start(t, u)
	in := recent(1)
	e := record(t, s, in, []byte("clip"))
	grow(t, e.Path(GrowingFile), append(mp4Head(), mp4Fragment(time.Now(), 100)...))
	waitLive(t, disk, in, func(l Live) bool { return len(l.Files) == 1 })
	stop()
	s.Close()

	s = mustSpool(t, dir, SpoolOptions{})
	u = &Uploader{Spool: s, Bucket: disk, Index: index, LiveEvery: time.Millisecond}
	e, _ = s.Entry(in.ID)
	if open := u.open(); len(open) != 0 {
		t.Errorf("%d entries of an earlier start would grow on", len(open))
	}
	start(t, u)
	if err := e.Ready(in, evidence); err != nil {
		t.Fatal(err)
	}
	drain(t, u)
	if left := keys(t, disk, objectKey(in, LiveFolder)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func FuzzReadLive(f *testing.F) {
	f.Add([]byte(`{"schema":1,"incident":{"id":"i1"},"files":[{"name":"clip.fmp4","folder":"incidents/i1/live/","parts":2,"size":10}]}`))
	f.Add([]byte(`{"schema":1,"incident":{"id":"i1"},"files":[{"folder":"../../","parts":-1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ReadLive(data)
		if err != nil {
			return
		}
		for _, file := range l.Files {
			if checkKey(fmt.Sprintf("%s%06d.fmp4", file.Folder, 1)) != nil {
				t.Errorf("let through: %q", file.Folder)
			}
		}
	})
}

// A part that was altered or is missing is not joined in silence.
func TestJoinChecks(t *testing.T) {
	b := mustDisk(t)
	for i, data := range []string{"one", "two"} {
		key := fmt.Sprintf("live/%06d.fmp4", i+1)
		if err := b.Put(t.Context(), key, strings.NewReader(data), object([]byte(data))); err != nil {
			t.Fatal(err)
		}
	}
	f := LivePart{Folder: "live/", Parts: 2, Size: 6, SHA256: object([]byte("onetwo")).SHA256}
	if err := f.Join(t.Context(), b, io.Discard); err != nil {
		t.Fatal(err)
	}
	overwrite(t, b.(*disk).file("live/000002.fmp4"), []byte("owt"))
	if err := f.Join(t.Context(), b, io.Discard); !errors.Is(err, ErrContent) {
		t.Errorf("altered: %v", err)
	}
	remove(t, b.(*disk).file("live/000002.fmp4"))
	if err := f.Join(t.Context(), b, io.Discard); err == nil {
		t.Error("missing: no error")
	}
}
