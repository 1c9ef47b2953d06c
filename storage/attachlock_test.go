package storage

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/models"
)

// lockSite is a bucket that locks, with everything that puts evidence into it.
type lockSite struct {
	bucket   *s3
	keeper   *Keeper
	files    *attachSite
	exhibits *exhibitSite
}

func newLockSite(t *testing.T, mode LockMode, keep time.Duration) *lockSite {
	t.Helper()
	s := &lockSite{bucket: lockingS3(t, miniotest.Start(t), mode)}
	s.keeper = &Keeper{Index: mustSQLite(t), Bucket: s.bucket, Signer: newSigner(t), Policy: Policy{Default: keep}}
	touched := func(in models.Incident) { s.keeper.Touched(in.ID) }
	s.files = &attachSite{dir: t.TempDir(), index: s.keeper.Index, bucket: s.bucket, ledger: &ledger{}}
	s.files.open(t, func(o *AttachmentOptions) { o.Expires, o.Changed = s.keeper.Expires, touched })
	s.exhibits = &exhibitSite{dir: t.TempDir(), index: s.keeper.Index, bucket: s.bucket,
		shelf: &shelf{footage: map[models.CameraID][]byte{"yard": randomBytes(50_000)}, protected: map[string]models.Span{}}}
	s.exhibits.open(t, func(o *ExhibitOptions) { o.Expires, o.Changed = s.keeper.Expires, touched })
	return s
}

// fill gives an incident a file and a stretch of linked footage, and returns its record and
// the two objects.
func (s *lockSite) fill(t *testing.T, id models.IncidentID, name string, size int) (models.Incident, []models.Object) {
	t.Helper()
	if err := attach(t.Context(), s.files.Attachments, s.keeper.Index, id, name, randomBytes(size)); err != nil {
		t.Fatal(err)
	}
	s.files.run(t)
	s.exhibits.Linked(link(t, s.keeper.Index, id, past(name, "yard")))
	s.exhibits.run(t, s.exhibits.idle)
	in, err := s.keeper.Index.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	a, x := in.Investigation.Attachments[findAttachment(in, name)], in.Investigation.Exhibits[findExhibit(in, name)]
	if a.Key == "" || x.Object.Key == "" {
		t.Fatalf("not stored: %+v, %+v", a, x)
	}
	return in, []models.Object{attachmentObject(in, a), x.Object}
}

// refuses looks whether an object can be deleted, by us and past us.
func (s *lockSite) refuses(t *testing.T, key string) {
	t.Helper()
	if err := s.bucket.Delete(t.Context(), key); !errors.Is(err, ErrLocked) {
		t.Errorf("delete %s: got %v", key, err)
	}
	all := versions(t, s.bucket, key)
	if len(all) != 1 {
		t.Fatalf("%s: %d versions", key, len(all))
	}
	if s.bucket.core.RemoveObject(t.Context(), s.bucket.bucket, s.bucket.prefix+key, minio.RemoveObjectOptions{VersionID: all[0].VersionID}) == nil {
		t.Errorf("the service deleted %s", key)
	}
}

// What people add to an incident is locked as its clip is: for as long as retention keeps
// it, whether it travels whole or in parts.
func TestObjectLockOnAttachments(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1000, partSize + 1000} {
		s := newLockSite(t, LockCompliance, 30*day)
		in := keep(t, 1, s.keeper)[0]
		in, added := s.fill(t, in.ID, "first", size)
		for _, o := range added {
			until, held, err := s.bucket.Locked(t.Context(), o.Key)
			if want := in.End.Add(30 * day); err != nil || until.Sub(want).Abs() > time.Second || held {
				t.Errorf("%s is locked until %v, want %v; held %v, %v", o.Role, until, want, held, err)
			}
			s.refuses(t, o.Key)
		}
		// What our policy lets go the bucket still keeps: nothing of it is begun.
		s.keeper.Policy.Default = time.Minute
		for _, o := range in.Footage.Objects { // stored without a lock, unlike what was added
			if until, _, err := s.bucket.Locked(t.Context(), o.Key); err != nil || !until.IsZero() {
				t.Fatalf("%s: %v, %v", o.Key, until, err)
			}
		}
		if err := s.keeper.Round(t.Context()); err != nil || s.keeper.Status().Deleted != 0 || s.keeper.Status().Locked != 1 {
			t.Errorf("%v, %+v", err, s.keeper.Status())
		}
		namedIsThere(t, s.bucket, in)
	}
}

// A hold is on what was added before it and on what is added while it is in force, and a
// release lets all of it go.
func TestLegalHoldOnAttachments(t *testing.T) {
	t.Parallel()
	s := newLockSite(t, LockGovernance, time.Minute) // all is due, but for the hold
	in := keep(t, 1, s.keeper)[0]
	_, before := s.fill(t, in.ID, "before", 1000)
	if _, err := s.keeper.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	in, during := s.fill(t, in.ID, "during", partSize+1000)
	all := slices.Concat(before, during)
	held := func(want bool) {
		t.Helper()
		for _, o := range all {
			if until, held, err := s.bucket.Locked(t.Context(), o.Key); err != nil || held != want || !until.IsZero() {
				t.Errorf("%s: held %v, until %v, %v", o.Key, held, until, err)
			}
		}
	}
	held(true)
	for _, o := range all {
		s.refuses(t, o.Key)
		if err := s.bucket.Delete(t.Context(), o.Key); err == nil || !strings.Contains(err.Error(), "legal hold") {
			t.Errorf("%s: %v", o.Key, err)
		}
	}
	if err := s.keeper.Round(t.Context()); err != nil || s.keeper.Status().Deleted != 0 {
		t.Errorf("%v, %+v", err, s.keeper.Status())
	}
	namedIsThere(t, s.bucket, in)
	// Somebody lifts one past us. A start that knows nothing of it sets it again.
	if err := s.bucket.SetHold(t.Context(), during[0].Key, false); err != nil {
		t.Fatal(err)
	}
	again := &Keeper{Index: s.keeper.Index, Bucket: s.bucket, Signer: s.keeper.Signer, Policy: s.keeper.Policy}
	if err := again.Round(t.Context()); err != nil {
		t.Error(err)
	}
	held(true)
	if _, err := again.Release(t.Context(), in.ID, "ada", "closed", time.Now()); err != nil {
		t.Fatal(err)
	}
	held(false)
	if err := again.Round(t.Context()); err != nil || again.Status().Deleted != 1 {
		t.Errorf("after the release: %v, %+v", err, again.Status())
	}
	for _, o := range slices.Concat(all, in.Footage.Objects) {
		if left := versions(t, s.bucket, o.Key); len(left) != 0 {
			t.Errorf("%s: %d versions stay", o.Key, len(left))
		}
	}
}
