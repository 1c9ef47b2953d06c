package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ErrHold says that a hold cannot be set, or that there is none to release.
var ErrHold = errors.New("hold")

// Keeper decides how long evidence stays: it sets and releases holds, and deletes what
// retention lets go. It is safe for concurrent use.
type Keeper struct {
	Index   Index
	Bucket  Bucket
	Signer  Signer    // signs the records of deletions; nil: they are not signed
	Custody Custodian // nil: nobody is told
	Policy  Policy
	Log     *slog.Logger  // default: nothing is logged
	Every   time.Duration // between two rounds of Run; default 1 h
	// Age tells the time by which evidence grows old and holds end; nil: the machine's clock.
	Age *AgeClock
	// Changed is told of each record that Run has changed; nil: nobody is.
	Changed func(models.Incident)

	step func(string) // tests end the process between two steps

	mu     sync.Mutex
	status KeeperStatus
	locked map[models.IncidentID]bool // legal hold is known to be on every object
	kick   chan struct{}              // capacity 1: "look again" needs no counting
	// touched are records whose copy in the bucket is old. It is as long as people are busy
	// while the bucket is away.
	touched map[models.IncidentID]bool
	copying chan struct{} // capacity 1, as kick
}

// KeeperStatus says what the Keeper has done since its start.
type KeeperStatus struct {
	Deleted   uint64    `json:"deleted"` // incidents whose evidence retention let go
	Locked    int       `json:"locked"`  // due in the last round, but locked in the bucket
	LastRound time.Time `json:"last_round,omitzero"`
	LastError string    `json:"last_error,omitempty"` // of the last round; empty when it went well
}

// boundedPatience is for what a person waits for.
const boundedPatience = 10 * time.Second

// Expires says when retention may delete the evidence of an incident; false is never, by
// the policy, or while a hold without an end is in force, or as long as nobody knows when
// it was made.
func (k *Keeper) Expires(in models.Incident) (time.Time, bool) {
	keep, _ := k.Policy.Keep(in)
	if keep == 0 {
		return time.Time{}, false
	}
	at := in.End
	if at.IsZero() {
		at = in.Alarm
	}
	if k.Age != nil {
		var known bool
		if at, known = k.Age.Since(at); !known {
			return time.Time{}, false
		}
	}
	at = at.Add(keep)
	if h := in.Hold; h != nil {
		if h.Until.IsZero() {
			return time.Time{}, false
		}
		if h.Until.After(at) {
			at = h.Until
		}
	}
	return at, true
}

// now is the time by which evidence grows old.
func (k *Keeper) now() time.Time {
	if k.Age == nil {
		return time.Now()
	}
	return k.Age.Now()
}

// due says whether the evidence is to be deleted now.
func (k *Keeper) due(in models.Incident, now time.Time) bool {
	at, ends := k.Expires(in)
	deletable := (in.Footage.State == models.FootageStored || in.Footage.State == models.FootageNone) && len(keptObjects(in)) > 0
	return ends && deletable && !in.End.IsZero() && !now.Before(at)
}

// Hold sets a hold, in place of the one that may be there. It is in force when Hold
// returns; the lock of the objects in the bucket follows, by Run at the latest.
func (k *Keeper) Hold(ctx context.Context, id models.IncidentID, h models.Hold) (models.Incident, error) {
	h.Why = strings.TrimSpace(h.Why)
	switch {
	case h.Why == "" || h.By == "":
		return models.Incident{}, fmt.Errorf("%w: it needs a name and a reason", ErrHold)
	case !h.Until.IsZero() && !h.Until.After(h.At):
		return models.Incident{}, fmt.Errorf("%w: its end, %s, is over", ErrHold, h.Until.Format(time.RFC3339))
	}
	in, err := k.Index.Update(ctx, id, func(in *models.Incident) error {
		if in.Footage.State == models.FootageDeleted {
			return fmt.Errorf("%w: retention has deleted the evidence of incident %s", ErrHold, id)
		}
		in.Hold = &h
		note := h.Why
		if !h.Until.IsZero() {
			note += "; until " + h.Until.UTC().Format(time.RFC3339)
		}
		in.Log = append(in.Log, models.Action{At: h.At, Who: h.By, What: "held", Note: note})
		return nil
	})
	if err != nil {
		return models.Incident{}, err
	}
	k.settle(ctx, in, models.ActHeld, h.By, h.Why, h.At)
	return in, nil
}

// Release takes a hold away. From then on retention may delete the evidence. The locks in
// the bucket go first: a release that is cut short leaves a hold that is still in force.
func (k *Keeper) Release(ctx context.Context, id models.IncidentID, who, why string, at time.Time) (models.Incident, error) {
	in, err := k.Index.Get(ctx, id)
	if err != nil {
		return models.Incident{}, err
	}
	return k.release(ctx, in, who, why, at)
}

// release takes the hold away that in has, and no other.
func (k *Keeper) release(ctx context.Context, in models.Incident, who, why string, at time.Time) (models.Incident, error) {
	if in.Hold == nil {
		return models.Incident{}, fmt.Errorf("%w: there is none on incident %s", ErrHold, in.ID)
	}
	hold := *in.Hold
	in.Hold = nil
	if err := k.lockHeld(ctx, in); err != nil {
		return models.Incident{}, fmt.Errorf("release: %w", err)
	}
	released, err := k.Index.Update(ctx, in.ID, func(in *models.Incident) error {
		if in.Hold == nil || !sameHold(*in.Hold, hold) {
			return fmt.Errorf("%w: somebody else has changed that on incident %s meanwhile", ErrHold, in.ID)
		}
		in.Hold = nil
		in.Log = append(in.Log, models.Action{At: at, Who: who, What: "released", Note: why})
		return nil
	})
	if err != nil {
		k.unlearn(in.ID)
		return models.Incident{}, err
	}
	k.settle(ctx, released, models.ActReleased, who, why, at)
	return released, nil
}

func sameHold(a, b models.Hold) bool {
	return a.By == b.By && a.Why == b.Why && a.At.Equal(b.At) && a.Until.Equal(b.Until)
}

// unlearn makes the next round look at the objects of an incident again.
func (k *Keeper) unlearn(id models.IncidentID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.locked, id)
}

// settle follows a change of the hold: the custody log, the locks, the copy of the record.
// What fails here is done by Run.
func (k *Keeper) settle(ctx context.Context, in models.Incident, act models.Act, who, why string, at time.Time) {
	c := custodyOf(in, act)
	c.Who, c.Note, c.At, c.Objects = who, why, at.UTC(), keptObjects(in)
	tell(ctx, k.Custody, k.log(), c)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), boundedPatience)
	defer cancel()
	k.unlearn(in.ID)
	if err := k.mirror(ctx, in); err != nil {
		k.log().Warn("hold changed, but the bucket does not know it yet", "incident", in.ID, "error", err)
		k.Kick()
	}
}

// mirror brings the bucket in line with the record.
func (k *Keeper) mirror(ctx context.Context, in models.Incident) error {
	if err := k.lockHeld(ctx, in); err != nil {
		return err
	}
	return putRecord(ctx, k.Bucket, in)
}

// lockHeld brings the objects' legal hold in line with the incident's hold.
func (k *Keeper) lockHeld(ctx context.Context, in models.Incident) error {
	l, err := locker(ctx, k.Bucket)
	if l == nil || err != nil {
		return err
	}
	for _, o := range keptObjects(in) {
		if err := l.SetHold(ctx, o.Key, in.Hold != nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if in.Hold != nil && len(keptObjects(in)) > 0 {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.locked == nil {
			k.locked = map[models.IncidentID]bool{}
		}
		k.locked[in.ID] = true
	}
	return nil
}

// Run keeps the bucket in line with holds and policy until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	every := k.Every
	if every <= 0 {
		every = time.Hour
	}
	for failures := 0; ; {
		wait := every
		err := k.Round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			failures++
			wait = min(every, Backoff{Max: 10 * time.Minute}.delay(failures))
			k.log().Warn("retention not done, will be tried again", "error", err, "next", wait.Round(time.Second))
		} else {
			failures = 0
		}
		timer := time.NewTimer(wait)
		for again := false; !again; {
			select {
			case <-ctx.Done():
				timer.Stop()
				return k.copyTouched(context.WithoutCancel(ctx))
			case <-timer.C:
				again = true
			case <-k.signal(&k.kick):
				again = true
			case <-k.signal(&k.copying):
				if err := k.copyTouched(ctx); err != nil && ctx.Err() == nil {
					k.log().Warn("records not copied to the bucket; the next round does it", "error", err)
				}
			}
		}
		timer.Stop()
	}
}

// Touched says that a record has changed, so that Run brings its copy in the bucket up to
// date. It returns at once.
func (k *Keeper) Touched(id models.IncidentID) {
	k.mu.Lock()
	if k.touched == nil {
		k.touched = map[models.IncidentID]bool{}
	}
	k.touched[id] = true
	delete(k.locked, id) // it may name more objects now
	k.mu.Unlock()
	wake(k.signal(&k.copying))
}

// copyTouched copies the records that have changed. Those whose footage is still to come
// are copied with it.
func (k *Keeper) copyTouched(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, boundedPatience)
	defer cancel()
	k.mu.Lock()
	ids := slices.Collect(maps.Keys(k.touched))
	k.mu.Unlock()
	for _, id := range ids {
		// Before it is read: a change that comes while it is copied must not be forgotten.
		k.mu.Lock()
		delete(k.touched, id)
		k.mu.Unlock()
		in, err := k.Index.Get(ctx, id)
		if err == nil && (len(keptObjects(in)) > 0 || in.Footage.State == models.FootageNone) {
			err = putRecord(ctx, k.Bucket, in)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.mu.Lock()
			k.touched[id] = true
			k.mu.Unlock()
			return fmt.Errorf("copy record of %s: %w", id, err)
		}
	}
	return nil
}

// Kick makes Run begin a round now.
func (k *Keeper) Kick() { wake(k.signal(&k.kick)) }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// signal is one of the channels that wake Run.
func (k *Keeper) signal(c *chan struct{}) chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if *c == nil {
		*c = make(chan struct{}, 1)
	}
	return *c
}

// Status says what was done.
func (k *Keeper) Status() KeeperStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status
}

// Round does everything once: deletions that a crash cut short, holds, what is due. One
// incident that fails does not keep the others waiting.
func (k *Keeper) Round(ctx context.Context) error {
	errs := []error{k.copyTouched(ctx), k.resume(ctx), k.holds(ctx)}
	locked, err := k.expire(ctx)
	errs = append(errs, err)
	err = errors.Join(errs...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status.LastRound, k.status.LastError, k.status.Locked = time.Now(), "", locked
	if err != nil {
		k.status.LastError = err.Error()
	}
	return err
}

// holds ends the holds whose time is over and locks the objects of the others.
func (k *Keeper) holds(ctx context.Context) error {
	held := true
	var errs []error
	for in, err := range Walk(ctx, k.Index.List, Query{Held: &held, Brief: true}) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if in.Hold == nil {
			continue
		}
		id := in.ID
		k.mu.Lock()
		done := k.locked[id]
		k.mu.Unlock()
		switch now := k.now(); {
		case !in.Hold.Active(now):
			var over models.Incident
			if over, err = k.release(ctx, in, by, "the hold was until "+in.Hold.Until.UTC().Format(time.RFC3339), time.Now().UTC()); err == nil {
				k.changed(over)
			}
		case !done:
			// The list is brief; the copy is of the whole record.
			if in, err = k.Index.Get(ctx, in.ID); err == nil && in.Hold != nil {
				err = k.mirror(ctx, in)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("hold of %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// expire deletes what is due, and counts what the bucket still locks.
func (k *Keeper) expire(ctx context.Context) (locked int, err error) {
	shortest := k.Policy.shortest()
	if shortest == 0 {
		return 0, nil
	}
	q := Query{Footage: []models.FootageState{models.FootageStored, models.FootageNone}, To: k.now().Add(-shortest), Brief: true}
	var errs []error
	for in, err := range Walk(ctx, k.Index.List, q) {
		if err != nil {
			return locked, errors.Join(append(errs, err)...)
		}
		if !k.due(in, k.now()) {
			continue
		}
		switch err := k.delete(ctx, in); {
		case errors.Is(err, ErrLocked):
			locked++
		case err != nil:
			errs = append(errs, fmt.Errorf("delete evidence of %s: %w", in.ID, err))
		}
	}
	return locked, errors.Join(errs...)
}

// deletions is where a deletion lies until it is done, so that any start, of any machine
// that has the bucket, can go on with it.
const deletions = "deletions/"

func (k *Keeper) at(step string) {
	if k.step != nil {
		k.step(step)
	}
}

// delete lets the evidence of one incident go. The signed record of it comes first; the
// incident's record is the commit point; the objects go last.
func (k *Keeper) delete(ctx context.Context, in models.Incident) error {
	if err := k.unlocked(ctx, in); err != nil {
		return err
	}
	d := Deletion{
		Schema: deletionSchema, Incident: in.ID, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Severity: in.Severity,
		Start: in.Start.UTC(), Alarm: in.Alarm.UTC(), End: in.End.UTC(), Objects: keptObjects(in),
		Policy: k.Policy.reason(in), By: by, At: time.Now().UTC(),
	}
	data, err := encodeDeletion(d, k.Signer)
	if err != nil {
		return err
	}
	k.at("deletion decided")
	pending := deletions + string(in.ID) + ".json"
	if err := k.Bucket.Put(ctx, pending, bytes.NewReader(data), describe(models.RoleDeletion, pending, data)); err != nil {
		return err
	}
	k.at("deletion begun")
	return k.finish(ctx, d, data)
}

// unlocked is ErrLocked while the bucket would refuse to delete one of the objects: then
// nothing is begun.
func (k *Keeper) unlocked(ctx context.Context, in models.Incident) error {
	l, err := locker(ctx, k.Bucket)
	if l == nil || err != nil {
		return err
	}
	for _, o := range keptObjects(in) {
		until, held, err := l.Locked(ctx, o.Key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case held:
			return fmt.Errorf("%s: %w: a legal hold is on it", o.Key, ErrLocked)
		case until.After(time.Now()):
			return fmt.Errorf("%s: %w until %s", o.Key, ErrLocked, until.Format(time.RFC3339))
		}
	}
	return nil
}

// errKept says that the evidence is to stay after all.
var errKept = errors.New("kept")

// finish takes a deletion that was begun to its end. It may be repeated.
func (k *Keeper) finish(ctx context.Context, d Deletion, data []byte) error {
	record := models.Incident{ID: d.Incident, Alarm: d.Alarm} // what a key follows from
	self := describe(models.RoleDeletion, objectKey(record, DeletionFile), data)
	pending := deletions + string(d.Incident) + ".json"
	if err := k.Bucket.Put(ctx, self.Key, bytes.NewReader(data), self); err != nil {
		return err
	}
	k.at("deletion written")
	in, err := k.Index.Update(ctx, d.Incident, func(in *models.Incident) error {
		switch {
		case in.Footage.State == models.FootageDeleted:
			return errUnchanged
		case !k.due(*in, k.now()) || !slices.Equal(keptObjects(*in), d.Objects):
			return errKept // somebody has set a hold meanwhile
		}
		in.Footage.State, in.Footage.Objects = models.FootageDeleted, []models.Object{self}
		letGo(in)
		in.Log = append(in.Log, models.Action{At: d.At, Who: d.By, What: "evidence deleted", Note: d.Policy})
		return nil
	})
	switch {
	case errors.Is(err, errKept):
		return errors.Join(k.Bucket.Delete(ctx, self.Key), k.Bucket.Delete(ctx, pending))
	case errors.Is(err, errUnchanged):
		in, err = k.Index.Get(ctx, d.Incident)
	}
	if err != nil {
		return err
	}
	k.at("record says deleted")
	if k.Custody != nil {
		c := custodyOf(in, models.ActDeleted)
		c.Who, c.Note, c.At, c.Objects = d.By, d.Policy, d.At, d.Objects
		// Unlike elsewhere the log comes first: nothing is lost by waiting.
		if err := k.Custody.Record(ctx, c); err != nil {
			return fmt.Errorf("custody log: %w", err)
		}
	}
	k.at("custody told of the deletion")
	if err := k.clear(ctx, d, in); err != nil {
		return err
	}
	if err := putRecord(ctx, k.Bucket, in); err != nil {
		return err
	}
	k.at("record copied")
	if err := k.Bucket.Delete(ctx, pending); err != nil {
		return err
	}
	k.mu.Lock()
	k.status.Deleted++
	k.mu.Unlock()
	k.log().Info("evidence deleted by retention", "incident", in.ID, "camera", in.Camera, "policy", d.Policy, "objects", len(d.Objects))
	k.changed(in)
	return nil
}

// clear removes the objects, and what else of the incident may have been left beside them.
func (k *Keeper) clear(ctx context.Context, d Deletion, in models.Incident) error {
	gone := make([]string, 0, len(d.Objects))
	for _, o := range d.Objects {
		gone = append(gone, o.Key)
	}
	stays := []string{objectKey(in, DeletionFile), objectKey(in, RecordObject)}
	if err := k.Bucket.List(ctx, objectKey(in, ""), func(key string, _ int64) error {
		if !slices.Contains(stays, key) && !slices.Contains(gone, key) {
			gone = append(gone, key)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, key := range gone {
		if err := k.Bucket.Delete(ctx, key); err != nil {
			return err
		}
		k.at("deleted " + key)
	}
	return nil
}

// resume finishes the deletions that were cut short.
func (k *Keeper) resume(ctx context.Context) error {
	var keys []string
	if err := k.Bucket.List(ctx, deletions, func(key string, _ int64) error {
		keys = append(keys, key)
		return nil
	}); err != nil {
		return err
	}
	var errs []error
	for _, key := range keys {
		data, err := readObject(ctx, k.Bucket, key)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody else was faster
		}
		var d Deletion
		if err == nil {
			d, _, _, err = ReadDeletion(data)
		}
		if err == nil {
			err = k.finish(ctx, d, data)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("finish %s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

func (k *Keeper) changed(in models.Incident) {
	if k.Changed != nil {
		k.Changed(in)
	}
}

func (k *Keeper) log() *slog.Logger {
	if k.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Log
}

// putRecord keeps a copy of the record beside the evidence, from which the index can be
// made again. Unlike evidence it changes.
func putRecord(ctx context.Context, b Bucket, in models.Incident) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	key := objectKey(in, RecordObject)
	return b.Put(ctx, key, bytes.NewReader(data), describe("", key, data))
}

// readObject reads a small object whole.
func readObject(ctx context.Context, b Bucket, key string) ([]byte, error) {
	r, err := b.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > maxRecord {
		return nil, fmt.Errorf("%s: %w: %d bytes", key, ErrContent, r.Size())
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return data, nil
}
