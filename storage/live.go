package storage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// liveEvery is how often growing clips are looked at: what a thief takes with the
	// recorder is at most this, and what is on its way.
	liveEvery = 2 * time.Second
	// livePart is how much of a clip goes in one part object, but for a fragment that is
	// larger by itself. One part at a time is held in memory.
	livePart = 8 << 20
	// maxFragment is the most that one fragment may have; a real one holds about a second.
	maxFragment = 64 << 20
	// tellEvery is how often a record says how far its footage is off site.
	tellEvery = 5 * time.Second
)

// Where the growing footage of an incident lies in the bucket, below its own folder.
const (
	LiveFolder = "live"
	LiveFile   = "live/live.json"
)

// Live describes footage that is in the bucket while its incident still goes on, for
// somebody who has only the bucket. The parts of a file are live/000001.fmp4,
// live/000002.fmp4 and so on, of a second file live/clip-2/000001.fmp4; joined in this
// order they are a fragmented MP4 that plays.
type Live struct {
	Schema   int             `json:"schema"`
	Incident models.Incident `json:"incident"` // the record so far
	Files    []LivePart      `json:"files"`
	UpTo     time.Time       `json:"up_to"` // the footage reaches at least until then
	At       time.Time       `json:"at"`    // our clock when this was written
}

// LivePart is one growing file, as far as it is in the bucket.
type LivePart struct {
	Name   string `json:"name"`   // in the spool: clip.fmp4, clip-2.fmp4, …
	Folder string `json:"folder"` // of its parts, as a prefix of their keys
	Parts  int    `json:"parts"`
	Size   int64  `json:"size"`   // of all parts together
	SHA256 string `json:"sha256"` // hex, of all parts together
}

const liveSchema = 1

// growth is how far an entry's growing clip has come to the bucket.
type growth struct {
	fresh bool // begun by this process: nothing of it was in the bucket before

	mu    sync.Mutex // held while something is sent
	done  bool       // the finished clip is there: nothing more is sent
	files []*growing
	still bool
	upTo  time.Time
	told  time.Time    // when the record last said so
	sent  atomic.Int64 // bytes of footage in the bucket
}

// growing is one file of it.
type growing struct {
	LivePart
	hash   hash.Hash
	broken bool // it is no growing clip: only the finished one goes to the bucket
}

// liveLane brings growing clips to the bucket until ctx ends. It has one worker of its
// own, so that open incidents and the backlog of closed ones do not wait for each other,
// and rests while the bucket is down: then the backlog probes. It never touches what the
// recording writes, and what it cannot bring in time goes with the finished clip.
func (u *Uploader) liveLane(ctx context.Context) {
	every := u.LiveEvery
	if every == 0 {
		every = liveEvery
	}
	if every < 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failures, resume := 0, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		open := u.open()
		if time.Now().Before(resume) || u.down() {
			u.countLive(0, 0, uint64(len(open)))
			continue
		}
		for _, e := range open {
			parts, err := u.sendLive(ctx, e)
			u.countLive(uint64(parts), 0, 0)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				failures++
				resume = time.Now().Add(u.Backoff.delay(failures))
				u.countLive(0, 1, 0)
				u.log().Warn("growing clip not brought off site, will be tried again", "incident", e.id, "error", err,
					"next", time.Until(resume).Round(time.Millisecond))
				break // the next one would meet the same bucket
			}
			failures = 0
		}
	}
}

// open are the incidents that still grow, the one that is furthest behind first.
func (u *Uploader) open() []*Entry {
	list := slices.DeleteFunc(u.Spool.all(), func(e *Entry) bool { return e.State() != EntryRecording || !e.live.fresh })
	at := func(e *Entry) time.Time {
		if e.live.mu.TryLock() {
			defer e.live.mu.Unlock()
			return e.live.upTo
		}
		return time.Time{}
	}
	slices.SortFunc(list, func(a, b *Entry) int {
		return cmp.Or(at(a).Compare(at(b)), a.alarm.Compare(b.alarm), strings.Compare(string(a.id), string(b.id)))
	})
	return list
}

// down says whether the backlog has found that the bucket does not answer.
func (u *Uploader) down() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status.Failing >= bucketDown
}

func (u *Uploader) countLive(parts, failed, skipped uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.LiveParts += parts
	u.status.LiveFailed += failed
	u.status.LiveSkipped += skipped
}

// sendLive brings what is new of one incident.
func (u *Uploader) sendLive(ctx context.Context, e *Entry) (parts int, err error) {
	g := &e.live
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done || e.State() != EntryRecording {
		return 0, nil
	}
	in := e.Incident()
	files, err := e.growing()
	if err != nil {
		return 0, err
	}
	for _, info := range files {
		f := g.file(in, info.Name())
		if f.broken {
			continue
		}
		n, err := u.sendFile(ctx, f, e.Path(f.Name), g)
		parts += n
		if errors.Is(err, fs.ErrNotExist) {
			continue // an empty part is no part: the recording has taken it away
		}
		if err != nil {
			return parts, err
		}
	}
	if err := u.sendStill(ctx, e, in); err != nil {
		return parts, err
	}
	if parts == 0 {
		return 0, nil
	}
	in.Footage.OffSite = g.upTo
	if err := putJSON(ctx, u.Bucket, objectKey(in, LiveFile), g.describe(in)); err != nil {
		return parts, err
	}
	u.Spool.step("live parts described")
	return parts, u.tellOffSite(ctx, e, g)
}

// growing lists the files of the growing clip in their order.
func (e *Entry) growing() ([]fs.FileInfo, error) {
	list, err := os.ReadDir(e.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // its Begin is not done yet
		return nil, err
	}
	var files []fs.FileInfo
	for _, item := range list {
		if name := item.Name(); strings.HasPrefix(name, "clip") && strings.HasSuffix(name, ".fmp4") {
			if info, err := item.Info(); err == nil { // else it is gone already
				files = append(files, info)
			}
		}
	}
	// clip.fmp4 comes before clip-2.fmp4, and that before clip-10.fmp4.
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(cmp.Compare(len(a.Name()), len(b.Name())), strings.Compare(a.Name(), b.Name()))
	})
	return files, nil
}

// notOffSite is how many bytes of footage are in the spool alone.
func (e *Entry) notOffSite() int64 {
	files, _ := e.growing() // a folder that has just gone holds none
	total := -e.live.sent.Load()
	for _, info := range files {
		total += info.Size()
	}
	return max(0, total)
}

// file is what is known of a growing file.
func (g *growth) file(in models.Incident, name string) *growing {
	for _, f := range g.files {
		if f.Name == name {
			return f
		}
	}
	folder := objectKey(in, LiveFolder) + "/"
	if name != GrowingFile {
		folder += strings.TrimSuffix(name, filepath.Ext(name)) + "/"
	}
	f := &growing{LivePart: LivePart{Name: name, Folder: folder}, hash: sha256.New()}
	g.files = append(g.files, f)
	return f
}

func (g *growth) describe(in models.Incident) Live {
	l := Live{Schema: liveSchema, Incident: in, UpTo: g.upTo.UTC(), At: time.Now().UTC()}
	for _, f := range g.files {
		if f.Parts > 0 {
			part := f.LivePart
			part.SHA256 = hex.EncodeToString(f.hash.Sum(nil))
			l.Files = append(l.Files, part)
		}
	}
	return l
}

// sendFile brings the whole fragments of a file that are not in the bucket yet.
func (u *Uploader) sendFile(ctx context.Context, f *growing, path string, g *growth) (parts int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		end, upTo, err := wholeFragments(file, f.Size, info.Size(), livePart)
		if errors.Is(err, errNoFragments) {
			f.broken = true
			u.countLive(0, 1, 0)
			u.log().Error("growing clip does not go off site before it is finished", "file", path, "error", err)
			return parts, nil
		}
		if err != nil || end == f.Size {
			return parts, err
		}
		// After a power cut the bucket must not have more than the disk: the finished clip
		// is made from the disk.
		if err := file.Sync(); err != nil {
			return parts, err
		}
		data := make([]byte, end-f.Size)
		if _, err := file.ReadAt(data, f.Size); err != nil {
			return parts, err
		}
		key := fmt.Sprintf("%s%06d.fmp4", f.Folder, f.Parts+1)
		o := describe(models.RolePart, key, data)
		o.Type = "video/mp4"
		if err := u.Bucket.Put(ctx, key, bytes.NewReader(data), o); err != nil {
			return parts, err
		}
		if there, err := u.has(ctx, o); err != nil || !there {
			return parts, cmp.Or(err, fmt.Errorf("verify %s: the bucket does not hold what was put there", key))
		}
		u.Spool.step("live part sent")
		f.hash.Write(data)
		f.Parts, f.Size = f.Parts+1, end
		parts++
		g.sent.Add(int64(len(data)))
		if upTo.After(g.upTo) {
			g.upTo = upTo
		}
	}
	return parts, ctx.Err()
}

// sendStill brings the picture of the alarm, which says more than a first second of video.
func (u *Uploader) sendStill(ctx context.Context, e *Entry, in models.Incident) error {
	if e.live.still {
		return nil
	}
	data, err := os.ReadFile(e.Path(StillFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	key := objectKey(in, LiveFolder+"/"+StillFile)
	o := describe(models.RolePart, key, data)
	o.Type = "image/jpeg"
	if err := u.Bucket.Put(ctx, key, bytes.NewReader(data), o); err != nil {
		return err
	}
	e.live.still = true
	return nil
}

// tellOffSite lets the record say how far its footage is off site.
func (u *Uploader) tellOffSite(ctx context.Context, e *Entry, g *growth) error {
	if time.Since(g.told) < tellEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	in, err := u.Index.Update(ctx, e.id, func(in *models.Incident) error {
		if in.Footage.State != models.FootageRecording || !g.upTo.After(in.Footage.OffSite) {
			return errUnchanged
		}
		in.Footage.OffSite = g.upTo.UTC()
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged), errors.Is(err, fs.ErrNotExist): // the recording makes the record
		return nil
	case err != nil:
		// The footage is where it belongs; that the record cannot say so is no reason to stop.
		u.log().Warn("record does not say how far its footage is off site", "incident", e.id, "error", err)
		return nil
	}
	g.told = time.Now()
	if u.Progress != nil {
		u.Progress(in)
	}
	return nil
}

// clearLive takes the parts away once the finished clip is in the bucket. What cannot be
// taken away costs space and harms nobody: retention removes it with the rest.
func (u *Uploader) clearLive(ctx context.Context, e *Entry) {
	g := &e.live
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = true
	if g.fresh && len(g.files) == 0 && !g.still {
		return
	}
	var keys []string
	err := u.Bucket.List(ctx, objectKey(e.Incident(), LiveFolder+"/"), func(key string, _ int64) error {
		keys = append(keys, key)
		return nil
	})
	if err == nil {
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(sendersPerEntry)
		for _, key := range keys {
			work.Go(func() error {
				err := u.Bucket.Delete(ctx, key)
				u.Spool.step("live part removed")
				return err
			})
		}
		err = work.Wait()
	}
	if err != nil {
		u.log().Warn("parts of the growing clip stay in the bucket beside the finished one", "incident", e.id, "error", err)
	}
}

// putJSON stores a small document.
func putJSON(ctx context.Context, b Bucket, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(ctx, key, bytes.NewReader(data), describe("", key, data))
}

// ReadLive reads the description of footage whose incident was still going on.
func ReadLive(data []byte) (Live, error) {
	var l Live
	if err := json.Unmarshal(data, &l); err != nil {
		return Live{}, fmt.Errorf("live.json: %w", err)
	}
	if l.Schema < 1 || l.Schema > liveSchema {
		return Live{}, fmt.Errorf("live.json: schema %d, this program knows 1 to %d", l.Schema, liveSchema)
	}
	if err := checkID(l.Incident.ID); err != nil {
		return Live{}, fmt.Errorf("live.json: %w", err)
	}
	for _, f := range l.Files {
		if !strings.HasSuffix(f.Folder, "/") || checkKey(strings.TrimSuffix(f.Folder, "/")) != nil || f.Parts < 0 || f.Size < 0 {
			return Live{}, fmt.Errorf("live.json: file %.80q is not described soundly", f.Name)
		}
	}
	return l, nil
}

// Join writes the parts of a file one after the other, and returns ErrContent when they
// are not what the description promises.
func (f LivePart) Join(ctx context.Context, b Bucket, w io.Writer) error {
	h, size := sha256.New(), int64(0)
	for n := 1; n <= f.Parts; n++ {
		r, err := b.Open(ctx, fmt.Sprintf("%s%06d.fmp4", f.Folder, n))
		if err != nil {
			return err
		}
		got, err := io.Copy(io.MultiWriter(w, h), contextReader{ctx, r})
		size += got
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return matches(models.Object{Size: f.Size, SHA256: f.SHA256}, size, h.Sum(nil))
}
