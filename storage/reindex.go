package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/models"
)

// Reindex makes records from what lies in the bucket: for the day when the index is lost.
// It adds what the index does not have and lets what is there alone.
type Reindex struct {
	Bucket Bucket
	Index  Index
	// Spool, when set, has incidents of its own, which the next start brings to the index.
	Spool *Spool
	// Verify checks a signature; nil: signatures are not checked.
	Verify func(data []byte, sig models.Signature) error
	DryRun bool // nothing is written
	// Thorough reads every object again and compares its SHA-256, not its size alone.
	Thorough bool
	Progress func(done int)                        // incidents looked at; nil: nobody is told
	Problem  func(id models.IncidentID, err error) // what was wrong with one; nil: it is logged
	Log      *slog.Logger                          // default: nothing is logged
}

// Reindexed counts the incidents that were found.
type Reindexed struct {
	Found    int `json:"found"`    // incidents in the bucket
	Made     int `json:"made"`     // records that the index did not have
	Mended   int `json:"mended"`   // records that did not know that their evidence is stored
	Deleted  int `json:"deleted"`  // of Made, whose evidence retention had deleted
	Cut      int `json:"cut"`      // of Made, whose recorder was lost while they went on
	Poorer   int `json:"poorer"`   // of Made, from the manifest alone: what people did is lost
	Unsigned int `json:"unsigned"` // evidence without a signature
	Forged   int `json:"forged"`   // evidence whose signature does not fit: no record is made
	Damaged  int `json:"damaged"`  // evidence of which something is missing or altered
	Unread   int `json:"unread"`   // what could not be read or understood
	GoingOn  int `json:"going_on"` // incidents that another vedette records, or this one's spool has
}

const (
	// reindexWorkers is how many incidents are read at a time: an S3 service takes
	// milliseconds for each of their objects.
	reindexWorkers = 8
	// goingOn is how old the description of a growing clip must be before its recorder
	// counts as lost; a living one writes it every two seconds.
	goingOn = 10 * time.Minute
)

// errForged says that a signature does not fit.
var errForged = errors.New("the signature does not fit")

// Run looks through the whole bucket. One incident that cannot be read is counted and
// passed by; the error is one of the bucket or the index.
//
// Incidents whose copy says their number keep it. Those without one, which are of an older
// vedette or have lost their copy, come after all these and are numbered in about the order
// of their alarms. Memory grows with their number, by the name of a folder each.
func (r *Reindex) Run(ctx context.Context) (Reindexed, error) {
	var (
		mu   sync.Mutex
		sum  Reindexed
		work errgroup.Group
		late []func() error
	)
	work.SetLimit(reindexWorkers)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	take := func(folder string, wait bool, do func(context.Context, string) (Reindexed, error)) error {
		look := func() error {
			one, err := do(ctx, folder)
			id := models.IncidentID(path.Base(folder))
			var lost indexError
			switch {
			case errors.As(err, &lost):
				cancel(err)
				return err
			case errors.Is(err, errForged):
				one = Reindexed{Found: 1, Forged: 1}
			case err != nil && !errors.Is(err, ErrContent):
				one = Reindexed{Found: 1, Unread: 1}
			}
			if err != nil && ctx.Err() == nil {
				r.problem(id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(one)
			if r.Progress != nil {
				r.Progress(sum.Found)
			}
			return nil
		}
		work.Go(func() error {
			if wait {
				if in, ok := r.record(ctx, folder, models.IncidentID(path.Base(folder))); !ok || in.Number == 0 {
					mu.Lock()
					defer mu.Unlock()
					late = append(late, look)
					return nil
				}
			}
			return look()
		})
		return ctx.Err()
	}
	// alone are the folders of which so far only one half was seen: the copy of the record
	// (true), or what tells of footage (false). Buckets list a folder in one go, so they
	// are few.
	alone := map[string]bool{}
	seen := func(folder string, record bool) {
		if other, ok := alone[folder]; ok && other != record {
			delete(alone, folder)
			return
		}
		alone[folder] = record
	}
	listed := r.Bucket.List(ctx, "incidents/", func(key string, _ int64) error {
		folder, name := path.Split(key)
		folder = strings.TrimSuffix(folder, "/")
		switch {
		case name == RecordObject:
			seen(folder, true)
		case name == ManifestFile, name == DeletionFile:
			seen(folder, false)
		case strings.HasSuffix(key, "/"+LiveFile):
			seen(strings.TrimSuffix(key, "/"+LiveFile), false)
		}
		switch {
		case name == ManifestFile:
			return take(folder, true, r.stored)
		case name == DeletionFile:
			return take(folder, true, r.deleted)
		case strings.HasSuffix(key, "/"+LiveFile):
			return take(strings.TrimSuffix(key, "/"+LiveFile), false, r.cut)
		}
		return nil
	})
	if listed == nil {
		for folder, record := range alone {
			if listed = ctx.Err(); listed == nil && record {
				listed = take(folder, true, r.reported)
			}
		}
	}
	err := work.Wait()
	if err == nil {
		err = listed
	}
	if err == nil {
		for _, look := range late {
			work.Go(look)
		}
		err = work.Wait()
	}
	return sum, err
}

// indexError is trouble with the index itself: there is no use in going on.
type indexError struct{ error }

func (e indexError) Unwrap() error { return e.error }

func (s *Reindexed) add(o Reindexed) {
	s.Found += o.Found
	s.Made += o.Made
	s.Mended += o.Mended
	s.Deleted += o.Deleted
	s.Cut += o.Cut
	s.Poorer += o.Poorer
	s.Unsigned += o.Unsigned
	s.Forged += o.Forged
	s.Damaged += o.Damaged
	s.Unread += o.Unread
	s.GoingOn += o.GoingOn
}

func (r *Reindex) problem(id models.IncidentID, err error) {
	if r.Problem != nil {
		r.Problem(id, err)
		return
	}
	if r.Log != nil {
		r.Log.Warn("reindex", "incident", id, "error", err)
	}
}

// has says whether a folder of an incident has a file.
func (r *Reindex) has(ctx context.Context, folder, name string) (bool, error) {
	f, err := r.Bucket.Open(ctx, folder+"/"+name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// stored takes an incident whose evidence is complete.
func (r *Reindex) stored(ctx context.Context, folder string) (sum Reindexed, err error) {
	sum.Found = 1
	data, err := readObject(ctx, r.Bucket, folder+"/"+ManifestFile)
	if err != nil {
		return sum, err
	}
	m, err := ReadManifest(data)
	if err != nil {
		return sum, err
	}
	if err := r.belongs(m.Incident, m.Alarm, folder, m.Objects); err != nil {
		return sum, err
	}
	seals := []models.Object{describe(models.RoleManifest, folder+"/"+ManifestFile, data)}
	switch signature, err := readObject(ctx, r.Bucket, folder+"/"+SignatureFile); {
	case errors.Is(err, fs.ErrNotExist):
		sum.Unsigned++
	case err != nil:
		return sum, err
	default:
		if err := r.check(data, signature); err != nil {
			return sum, err
		}
		seals = append(seals, describe(models.RoleSignature, folder+"/"+SignatureFile, signature))
	}
	there, damage := r.objects(ctx, m.Objects)
	if damage != nil {
		sum.Damaged++
		// A deletion that was cut short takes objects away one by one.
		if begun, err := r.has(ctx, folder, DeletionFile); err != nil || begun {
			return Reindexed{Found: 1, GoingOn: 1}, err
		}
	}
	in, whole := r.record(ctx, folder, m.Incident)
	if !whole {
		in = fromManifest(m)
	}
	in.Footage.State = models.FootageStored
	if !slices.ContainsFunc(m.Objects, func(o models.Object) bool { return o.Role == models.RoleClip }) {
		in.Footage.State = models.FootageNone
	}
	in.Footage.Objects, in.Footage.UploadNote = slices.Concat(there, seals), ""
	if damage != nil {
		in.Footage.UploadNote = "found by reindex: " + damage.Error()
	}
	made, err := r.put(ctx, in, &sum)
	if made && !whole {
		sum.Poorer++
	}
	if err == nil && damage != nil {
		err = fmt.Errorf("%w: %w", ErrContent, damage)
	}
	return sum, err
}

// deleted takes an incident whose evidence retention has deleted.
func (r *Reindex) deleted(ctx context.Context, folder string) (sum Reindexed, err error) {
	switch both, err := r.has(ctx, folder, ManifestFile); {
	case err != nil:
		return sum, err
	case both: // not finished: counted with the manifest
		return Reindexed{}, nil
	}
	sum.Found = 1
	data, err := readObject(ctx, r.Bucket, folder+"/"+DeletionFile)
	if err != nil {
		return sum, err
	}
	d, signed, sig, err := ReadDeletion(data)
	if err != nil {
		return sum, err
	}
	if err := r.belongs(d.Incident, d.Alarm, folder, d.Objects); err != nil {
		return sum, err
	}
	switch {
	case sig == nil:
		sum.Unsigned++
	case r.Verify != nil:
		if err := r.Verify(signed, *sig); err != nil {
			return sum, fmt.Errorf("%w: %w", errForged, err)
		}
	}
	in, whole := r.record(ctx, folder, d.Incident)
	if !whole {
		in = models.Incident{ID: d.Incident, Camera: d.Camera, Zone: d.Zone, Kind: d.Kind, Severity: d.Severity,
			State: models.StateNew, Start: d.Start, Alarm: d.Alarm, End: d.End, Opened: d.Alarm}
	}
	in.Footage.State = models.FootageDeleted
	in.Footage.Objects = []models.Object{describe(models.RoleDeletion, folder+"/"+DeletionFile, data)}
	made, err := r.put(ctx, in, &sum)
	if made {
		sum.Deleted++
		if !whole {
			sum.Poorer++
		}
	}
	return sum, err
}

// reported takes an incident that has no footage of its own, such as one that was opened
// by hand: the copy of its record is all there is. One whose footage is to come is left to
// what tells of that.
func (r *Reindex) reported(ctx context.Context, folder string) (sum Reindexed, err error) {
	in, ok := r.record(ctx, folder, models.IncidentID(path.Base(folder)))
	switch {
	case !ok:
		return Reindexed{Found: 1, Unread: 1}, fmt.Errorf("%s: %w: it cannot be read, and there is no manifest", RecordObject, ErrContent)
	case in.Footage.State != models.FootageNone:
		return Reindexed{}, nil
	}
	sum.Found = 1
	if err := r.belongs(in.ID, in.Alarm, folder, in.Footage.Objects); err != nil {
		return sum, err
	}
	_, err = r.put(ctx, in, &sum)
	return sum, err
}

// cut takes an incident of which there are only the parts of a growing clip: its recorder
// was lost. The parts are joined, so that they are evidence like any other, but for the
// signature.
func (r *Reindex) cut(ctx context.Context, folder string) (sum Reindexed, err error) {
	switch done, err := r.has(ctx, folder, ManifestFile); {
	case err != nil:
		return sum, err
	case done: // the parts are left over: counted with the manifest
		return Reindexed{}, nil
	}
	sum.Found = 1
	data, err := readObject(ctx, r.Bucket, folder+"/"+LiveFile)
	if err != nil {
		return sum, err
	}
	l, err := ReadLive(data)
	if err != nil {
		return sum, err
	}
	in := l.Incident
	if err := r.belongs(in.ID, in.Alarm, folder, nil); err != nil {
		return sum, err
	}
	if r.Spool != nil {
		if _, here := r.Spool.Entry(in.ID); here {
			return Reindexed{Found: 1, GoingOn: 1}, nil
		}
	}
	if time.Since(l.At) < goingOn {
		return Reindexed{Found: 1, GoingOn: 1}, nil
	}
	in.Footage.State, in.Footage.Objects = models.FootageStored, nil
	in.Footage.OffSite, in.Footage.To = time.Time{}, l.UpTo
	in.Footage.UploadNote = "the recorder was lost while the incident went on; the footage is what had been brought off site by then"
	if in.End.IsZero() {
		in.End = l.UpTo
	}
	asked := in.Footage.AskedTo
	if asked.IsZero() {
		asked = l.At
		in.Footage.AskedTo = asked
	}
	in.Footage.Gaps = append(in.Footage.Gaps, models.Gap{From: l.UpTo, To: asked, Cause: models.CauseRestart, Note: "the recorder was lost"})
	in.Log = append(in.Log, models.Action{At: time.Now().UTC(), Who: by, What: "found in the bucket", Note: in.Footage.UploadNote})
	for _, f := range l.Files {
		o, err := r.join(ctx, folder, f)
		if err != nil {
			return sum, err
		}
		in.Footage.Objects = append(in.Footage.Objects, o)
	}
	sum.Unsigned++
	made, err := r.put(ctx, in, &sum)
	if made {
		sum.Cut++
	}
	return sum, err
}

// join makes one object of the parts of a file.
func (r *Reindex) join(ctx context.Context, folder string, f LivePart) (models.Object, error) {
	o := models.Object{Role: models.RoleClip, Key: folder + "/" + f.Name, Type: "video/mp4", Size: f.Size, SHA256: f.SHA256}
	if checkFileName(f.Name) != nil || f.Folder != folder+"/"+LiveFolder+"/" && !strings.HasPrefix(f.Folder, folder+"/"+LiveFolder+"/") {
		return o, fmt.Errorf("%s: file %.80q is not described soundly", LiveFile, f.Name)
	}
	tmp, err := os.CreateTemp("", "vedette-join-*")
	if err != nil {
		return o, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := f.Join(ctx, r.Bucket, tmp); err != nil || r.DryRun {
		return o, err
	}
	return o, r.Bucket.Put(ctx, o.Key, tmp, o)
}

// belongs wants everything to lie in the folder that its incident has: a description must
// not be able to name the evidence of another one.
func (r *Reindex) belongs(id models.IncidentID, alarm time.Time, folder string, objects []models.Object) error {
	if err := checkID(id); err != nil {
		return err
	}
	if want := strings.TrimSuffix(objectKey(models.Incident{ID: id, Alarm: alarm}, ""), "/"); want != folder {
		return fmt.Errorf("incident %.80q does not belong in folder %.200q", id, folder)
	}
	for _, o := range objects {
		if path.Dir(o.Key) != folder {
			return fmt.Errorf("object %.200q does not belong in folder %.200q", o.Key, folder)
		}
	}
	return nil
}

func (r *Reindex) check(data, signature []byte) error {
	var sig models.Signature
	if err := json.Unmarshal(signature, &sig); err != nil {
		return fmt.Errorf("%w: %w", errForged, err)
	}
	if sig.Purpose != models.PurposeManifest {
		return fmt.Errorf("%w: it is for %.40q", errForged, sig.Purpose)
	}
	if r.Verify == nil {
		return nil
	}
	if err := r.Verify(data, sig); err != nil {
		return fmt.Errorf("%w: %w", errForged, err)
	}
	return nil
}

// objects returns those that are in the bucket as the manifest says, and what is wrong
// with the others.
func (r *Reindex) objects(ctx context.Context, want []models.Object) (there []models.Object, damage error) {
	for _, o := range want {
		if err := r.intact(ctx, o); err != nil {
			damage = errors.Join(damage, err)
			continue
		}
		there = append(there, o)
	}
	return there, damage
}

func (r *Reindex) intact(ctx context.Context, o models.Object) error {
	f, err := r.Bucket.Open(ctx, o.Key)
	if err != nil {
		return err
	}
	defer f.Close()
	if r.Thorough {
		if err := copyVerified(ctx, io.Discard, f, o); err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
	}
	if f.Size() != o.Size {
		return fmt.Errorf("%s: %w: %d bytes, promised %d", o.Key, ErrContent, f.Size(), o.Size)
	}
	return nil
}

// record reads the copy of the record; false when there is none that can be used.
func (r *Reindex) record(ctx context.Context, folder string, id models.IncidentID) (models.Incident, bool) {
	data, err := readObject(ctx, r.Bucket, folder+"/"+RecordObject)
	var in models.Incident
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	return in, err == nil && in.ID == id
}

// fromManifest makes what can be made of a record without its copy.
func fromManifest(m Manifest) models.Incident {
	f := m.Footage
	return models.Incident{
		ID: m.Incident, Camera: m.Camera, Zone: m.Zone, Kind: m.Kind, Severity: m.Severity, State: models.StateNew,
		Start: m.Start, Alarm: m.Alarm, End: m.End, Opened: m.Opened, Config: m.Config, Version: m.Version,
		Footage: models.Footage{
			AskedFrom: f.AskedFrom, AskedTo: f.AskedTo, From: f.From, To: f.To, Clock: f.Clock,
			ClockOffset: time.Duration(f.ClockOffset), ClockDrift: float64(f.ClockDrift) / 1000,
			Codec: f.Codec, Width: f.Width, Height: f.Height, Frames: f.Frames, Expected: f.Expected, Gaps: f.Gaps,
		},
		Log: []models.Action{{At: time.Now().UTC(), Who: by, What: "record made anew", Note: "from the manifest in the bucket; what people did is lost"}},
	}
}

// put adds the record unless the index has it, and mends one that has not heard that its
// evidence is stored.
func (r *Reindex) put(ctx context.Context, in models.Incident, sum *Reindexed) (made bool, err error) {
	had, err := r.Index.Get(ctx, in.ID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		sum.Made++
		if r.DryRun {
			return true, nil
		}
		if _, err := r.Index.Create(ctx, in); err != nil {
			return false, indexError{err}
		}
		return true, nil
	case err != nil:
		return false, indexError{err}
	case had.Footage.State != models.FootageRecording && had.Footage.State != models.FootagePending:
		return false, nil
	}
	if r.Spool != nil {
		if _, here := r.Spool.Entry(in.ID); here {
			sum.GoingOn++
			return false, nil
		}
	}
	sum.Mended++
	if r.DryRun {
		return false, nil
	}
	_, err = r.Index.Update(ctx, in.ID, func(had *models.Incident) error {
		had.Footage = in.Footage
		if had.End.IsZero() {
			had.End = in.End
		}
		had.Log = append(had.Log, models.Action{At: time.Now().UTC(), Who: by, What: "footage found in the bucket"})
		return nil
	})
	if err != nil {
		return false, indexError{err}
	}
	return false, nil
}
