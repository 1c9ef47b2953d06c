package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// Policy bounds a camera's continuous footage. What Protect covers counts in neither.
type Policy struct {
	Keep time.Duration // older footage goes; 0: age is no reason
	Size int64         // bytes; beyond it the oldest goes; 0: size is no reason
}

// Custodian keeps the custody log. An entry is durable when Record returns.
type Custodian interface {
	Record(ctx context.Context, c models.Custody) error
}

const (
	// policyEvery is how often age and size are looked at: each pass with something to
	// delete is an entry of the custody log, so not each minute.
	policyEvery = 10 * time.Minute
	// roomEvery is how often the space on the disk is looked at. 64 cameras of 8 Mbit/s
	// fill 2 GB meanwhile; Allow wakes the look earlier.
	roomEvery = 30 * time.Second
	// objectsEach bounds the objects of one entry of the custody log.
	objectsEach = 60
)

// Guarded is footage that must not be deleted.
type Guarded struct {
	Camera models.CameraID
	models.Span
}

func (g Guarded) covers(s models.Segment) bool {
	return g.Camera == s.Camera && s.To.After(g.From) && s.From.Before(g.To)
}

// SetPolicy says how much of a camera's footage to keep, from now on.
func (a *Archive) SetPolicy(cam models.CameraID, p Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policies[cam] = p
}

func (a *Archive) policy(cam models.CameraID) Policy {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, ok := a.policies[cam]; ok {
		return p
	}
	return a.o.Default
}

// SetDefault says how much to keep of cameras that have no policy of their own.
func (a *Archive) SetDefault(p Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.o.Default = p
}

// Protect keeps the footage of a span from being deleted, for as long as the key stands: it
// is being read, say. Protecting the same key again replaces the span. It is not remembered
// over a restart; what must be is for Options.Guard.
func (a *Archive) Protect(key string, cam models.CameraID, span models.Span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guarded[key] = Guarded{cam, span}
}

// Unprotect takes a key away.
func (a *Archive) Unprotect(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.guarded, key)
}

// free says whether nobody protects a segment, and nobody writes it.
func (a *Archive) free(s models.Segment) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.growing[s.Camera][s.Name] {
		return false
	}
	for _, g := range a.guarded {
		if g.covers(s) {
			return false
		}
	}
	return !slices.ContainsFunc(a.asked, func(g Guarded) bool { return g.covers(s) })
}

// ask learns what incidents need, before a pass.
func (a *Archive) ask(ctx context.Context) error {
	if a.o.Guard == nil {
		return nil
	}
	asked, err := a.o.Guard(ctx)
	if err != nil {
		return fmt.Errorf("learn which footage incidents need: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = asked
	return nil
}

// Run deletes what the policies and the space on the disk demand, until ctx ends.
func (a *Archive) Run(ctx context.Context) error {
	policies, room := time.NewTicker(policyEvery), time.NewTicker(roomEvery)
	defer policies.Stop()
	defer room.Stop()
	a.report("apply retention", a.Retain(ctx, a.o.Now()))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-policies.C:
			a.report("apply retention", a.Retain(ctx, a.o.Now()))
		case <-room.C:
			a.report("make room", a.MakeRoom(ctx))
		case <-a.wake:
			a.report("make room", a.MakeRoom(ctx))
		}
	}
}

func (a *Archive) report(step string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error(step, "err", err)
	}
}

// Retain deletes what the cameras' policies no longer keep.
func (a *Archive) Retain(ctx context.Context, now time.Time) error {
	if err := a.ask(ctx); err != nil {
		return err
	}
	var errs []error
	for _, cam := range a.Cameras() {
		if err := a.retain(ctx, cam, now); err != nil {
			errs = append(errs, fmt.Errorf("camera %s: %w", cam, err))
		}
	}
	return errors.Join(errs...)
}

func (a *Archive) retain(ctx context.Context, cam models.CameraID, now time.Time) error {
	p := a.policy(cam)
	days, err := a.dayNames(cam)
	if err != nil {
		return err
	}
	var all []models.Segment
	var size int64
	for _, date := range days {
		segments, err := a.readDay(cam, date)
		if err != nil {
			return err
		}
		if len(segments) == 0 && p.Keep > 0 && now.Add(-p.Keep-longest).UTC().Format(time.DateOnly) > date {
			// Motion was looked at and nothing recorded, or what was there was set aside.
			if err := a.removeEmptyDay(cam, filepath.Join(a.dir, string(cam), date)); err != nil {
				return fmt.Errorf("delete day: %w", err)
			}
		}
		for _, s := range segments {
			if a.free(s) {
				all = append(all, s)
				size += s.Size
			}
		}
	}
	var old, large []models.Segment
	for _, s := range all {
		switch {
		case p.Keep > 0 && now.Sub(s.To) > p.Keep:
			old = append(old, s)
			size -= s.Size
		case p.Size > 0 && size > p.Size:
			large = append(large, s)
			size -= s.Size
		}
	}
	return errors.Join(
		a.delete(ctx, cam, old, fmt.Sprintf("older than %s", p.Keep)),
		a.delete(ctx, cam, large, fmt.Sprintf("beyond %d bytes for this camera", p.Size)))
}

// MakeRoom deletes the oldest footage of all cameras while less than the reserve is free.
// When nothing is left that may be deleted, new footage is refused and this is no error.
func (a *Archive) MakeRoom(ctx context.Context) error {
	if a.o.Reserve < 0 {
		return nil
	}
	free, err := durable.FreeBytes(a.dir)
	if err != nil {
		return err
	}
	if free >= a.o.Reserve {
		return nil
	}
	if err := a.ask(ctx); err != nil {
		return err
	}
	need := a.o.Reserve - free + a.o.Reserve/8 // not each look anew
	dates := map[string][]models.CameraID{}
	for _, cam := range a.Cameras() {
		days, err := a.dayNames(cam)
		if err != nil {
			return err
		}
		for _, d := range days {
			dates[d] = append(dates[d], cam)
		}
	}
	var errs []error
	for _, date := range sortedKeys(dates) {
		if need <= 0 || ctx.Err() != nil {
			break
		}
		all, err := a.freeOf(date, dates[date])
		if err != nil {
			return err
		}
		going := map[models.CameraID][]models.Segment{}
		for _, s := range all {
			if need <= 0 {
				break
			}
			going[s.Camera] = append(going[s.Camera], s)
			need -= s.Size
		}
		for _, cam := range sortedKeys(going) {
			errs = append(errs, a.delete(ctx, cam, going[cam], "the disk has to keep room for evidence and records"))
		}
	}
	return errors.Join(errs...)
}

// freeOf are the segments of a day that may be deleted, of several cameras, oldest first.
func (a *Archive) freeOf(date string, cams []models.CameraID) ([]models.Segment, error) {
	var all []models.Segment
	for _, cam := range cams {
		segments, err := a.readDay(cam, date)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			if a.free(s) {
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b models.Segment) int { return a.To.Compare(b.To) })
	return all, nil
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// delete removes segments of one camera, oldest first. The custody log hears of them
// before: after a crash it names footage that is deleted a moment later, but footage never
// goes without a trace.
func (a *Archive) delete(ctx context.Context, cam models.CameraID, all []models.Segment, why string) error {
	for batch := range slices.Chunk(all, objectsEach) {
		err := a.tell(ctx, cam, batch, why)
		if err == nil {
			err = a.markDeleted(cam, batch)
		}
		switch {
		case errors.Is(err, syscall.ENOSPC):
			// A full disk takes no record, and deleting is what mends it.
			a.log.Error("record deletion; deleting all the same", "camera", cam, "err", err)
		case err != nil:
			return fmt.Errorf("record deletion: %w", err)
		}
		days := map[string]bool{}
		for _, s := range batch {
			path := a.Path(s)
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("delete segment: %w", err)
			}
			days[filepath.Dir(path)] = true
		}
		for dir := range days {
			if err := a.removeEmptyDay(cam, dir); err != nil {
				return fmt.Errorf("delete day: %w", err)
			}
		}
		a.log.Info("continuous footage deleted", "camera", cam, "segments", len(batch), "from", batch[0].From,
			"to", batch[len(batch)-1].To, "why", why)
	}
	return nil
}

func (a *Archive) tell(ctx context.Context, cam models.CameraID, batch []models.Segment, why string) error {
	if a.o.Custody == nil {
		return nil
	}
	c := models.Custody{At: time.Now(), Who: "vedette", Act: models.ActDeleted, Camera: cam,
		Note: fmt.Sprintf("continuous footage from %s to %s: %s", batch[0].From.UTC().Format(time.RFC3339),
			batch[len(batch)-1].To.UTC().Format(time.RFC3339), why)}
	for _, s := range batch {
		c.Objects = append(c.Objects, models.Object{Role: models.RoleClip, Key: string(cam) + "/" + s.Name + extension,
			Type: "video/mp4", Size: s.Size, SHA256: s.SHA256})
	}
	return a.o.Custody.Record(ctx, c)
}

// removeEmptyDay removes the folder of a day without footage, with what was kept about it.
// What was set aside there goes too: its time is over.
func (a *Archive) removeEmptyDay(cam models.CameraID, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), extension) {
			return nil
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	date := filepath.Base(dir)
	for name := range a.growing[cam] {
		if dayOf(name) == date {
			return nil // its file is about to be made
		}
	}
	if g := a.grids[cam]; g != nil && g.date == date {
		_ = g.file.Close() // nothing is buffered
		delete(a.grids, cam)
	}
	delete(a.days, dir)
	return os.RemoveAll(dir)
}

// deletedFile says up to when retention has deleted a camera's footage.
const deletedFile = "deleted"

type deletedRecord struct {
	Until time.Time `json:"until"`
}

func (a *Archive) deletedUntil(cam models.CameraID) (time.Time, error) {
	data, err := os.ReadFile(filepath.Join(a.dir, string(cam), deletedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read archive: %w", err)
	}
	var d deletedRecord
	if err := json.Unmarshal(data, &d); err != nil {
		a.log.Warn("read what retention has deleted", "camera", cam, "err", err)
	}
	return d.Until, nil
}

func (a *Archive) markDeleted(cam models.CameraID, batch []models.Segment) error {
	until, err := a.deletedUntil(cam)
	if err != nil {
		return err
	}
	before := until
	for _, s := range batch {
		if s.To.After(until) {
			until = s.To
		}
	}
	if until.Equal(before) {
		return nil
	}
	data, err := json.Marshal(deletedRecord{until})
	if err != nil {
		return err
	}
	path := filepath.Join(a.dir, string(cam), deletedFile)
	return durable.ReplaceFile(path, data)
}
