package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/models"
)

// lockingS3 makes a fresh bucket that has Object Lock.
func lockingS3(t *testing.T, server *miniotest.Server, mode LockMode) *s3 {
	t.Helper()
	o := S3Options{Endpoint: server.Endpoint, AccessKey: server.AccessKey, SecretKey: server.SecretKey, PathStyle: true,
		Region: "us-east-1", Bucket: fmt.Sprintf("locked-%d", rand.Int64()), Prefix: "site", Lock: mode}
	b, err := OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	x := b.(*s3)
	t.Cleanup(x.transport.CloseIdleConnections)
	if err := x.core.MakeBucket(t.Context(), o.Bucket, minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	return x
}

// versions are all versions of a key, delete markers too.
func versions(t *testing.T, s *s3, key string) []minio.ObjectInfo {
	t.Helper()
	var all []minio.ObjectInfo
	for info := range s.core.Client.ListObjectsIter(t.Context(), s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + key, WithVersions: true}) {
		if info.Err != nil {
			t.Fatal(info.Err)
		}
		all = append(all, info)
	}
	return all
}

// Evidence that retention keeps cannot be deleted, whoever asks: not by us, and not past us
// with the account's own keys. What is not evidence can.
func TestObjectLockRefusesTheDelete(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	for _, mode := range []LockMode{LockAuto, LockGovernance, LockCompliance} {
		for _, size := range []int{1000, partSize + 1000} {
			t.Run(fmt.Sprintf("%s %d bytes", mode, size), func(t *testing.T) {
				b := lockingS3(t, server, mode)
				if err := b.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				if left := versions(t, b, "check/"); len(left) != 0 {
					t.Errorf("the check left %d versions", len(left))
				}
				index, clip := mustSQLite(t), randomBytes(size)
				k := &Keeper{Index: index, Bucket: b, Policy: Policy{Default: 30 * day}}
				s := mustSpool(t, t.TempDir(), SpoolOptions{})
				u := &Uploader{Spool: s, Bucket: b, Index: index, Expires: k.Expires}
				start(t, u)
				finish(t, s, recent(1), clip)
				drain(t, u)
				in := wantStored(t, index, b, recent(1).ID, clip)
				key := in.Footage.Objects[0].Key
				until, _, err := b.Locked(t.Context(), key)
				if want := in.End.Add(30 * day); err != nil || until.Sub(want).Abs() > time.Second {
					t.Errorf("locked until %v, want %v, %v", until, want, err)
				}
				for _, o := range in.Footage.Objects {
					if err := b.Delete(t.Context(), o.Key); !errors.Is(err, ErrLocked) {
						t.Errorf("delete %s: got %v", o.Key, err)
					}
				}
				// Past us, with the account's keys: a delete without a version hides the object,
				// one with its version is refused.
				held := versions(t, b, key)
				if len(held) != 1 {
					t.Fatalf("%d versions", len(held))
				}
				err = b.core.RemoveObject(t.Context(), b.bucket, b.prefix+key, minio.RemoveObjectOptions{VersionID: held[0].VersionID})
				if err == nil {
					t.Fatal("the service deleted a locked version")
				}
				t.Logf("refused: %v", err)
				err = b.core.RemoveObject(t.Context(), b.bucket, b.prefix+key, minio.RemoveObjectOptions{VersionID: held[0].VersionID, GovernanceBypass: true})
				if mode == LockCompliance && err == nil {
					t.Error("compliance was lifted by a bypass")
				}
				if mode == LockCompliance {
					wantStored(t, index, b, in.ID, clip)
				}
				// A time that is over in our eyes is not over in the bucket's: nothing is begun.
				k.Policy.Default = time.Minute
				if err := k.Round(t.Context()); err != nil {
					t.Error(err)
				}
				if st := k.Status(); mode == LockCompliance && (st.Locked != 1 || st.Deleted != 0) {
					t.Errorf("status %+v", st)
				}
			})
		}
	}
}

// When the lock is over retention deletes, and no version stays behind.
func TestRetentionDeletesAfterTheLock(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	b, key := lockingS3(t, server, LockCompliance), newSigner(t)
	// Long enough for a busy machine to store it before its lock is over.
	const left = 15 * time.Second
	k := &Keeper{Index: mustSQLite(t), Bucket: b, Signer: key, Policy: Policy{Default: time.Hour + left}}
	s := mustSpool(t, t.TempDir(), SpoolOptions{Signer: key})
	u := &Uploader{Spool: s, Bucket: b, Index: k.Index, Expires: k.Expires}
	in := recent(1) // ended an hour ago
	start(t, u)
	finish(t, s, in, randomBytes(1000))
	drain(t, u)
	stored, err := k.Index.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		if err := k.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		return k.Status().Deleted == 1
	})
	if time.Since(in.End) < time.Hour+left {
		t.Error("deleted before its time")
	}
	got, err := k.Index.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantDeleted(t, b, key, got, stored.Footage.Objects)
	for _, o := range stored.Footage.Objects {
		if left := versions(t, b, o.Key); len(left) != 0 {
			t.Errorf("%s: %d versions stay", o.Key, len(left))
		}
	}
}

func TestLegalHoldInTheBucket(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	b := lockingS3(t, server, LockGovernance)
	k := &Keeper{Index: mustSQLite(t), Bucket: b, Policy: Policy{Default: time.Minute}}
	in := keep(t, 1, k)[0] // stored without a lock
	if _, err := k.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, o := range in.Footage.Objects {
		if _, held, err := b.Locked(t.Context(), o.Key); err != nil || !held {
			t.Errorf("%s: held %v, %v", o.Key, held, err)
		}
		if err := b.Delete(t.Context(), o.Key); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "legal hold") {
			t.Errorf("delete %s: %v", o.Key, err)
		}
	}
	if err := k.Round(t.Context()); err != nil || k.Status().Deleted != 0 {
		t.Fatalf("%v, %+v", err, k.Status())
	}
	namedIsThere(t, b, in)
	// Another start does not know what has been locked, and looks.
	again := &Keeper{Index: k.Index, Bucket: b, Policy: k.Policy}
	if err := b.SetHold(t.Context(), in.Footage.Objects[0].Key, false); err != nil {
		t.Fatal(err)
	}
	if err := again.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, held, _ := b.Locked(t.Context(), in.Footage.Objects[0].Key); !held {
		t.Error("the round did not set the hold again")
	}
	if _, err := again.Release(t.Context(), in.ID, "ada", "closed", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := again.Round(t.Context()); err != nil || again.Status().Deleted != 1 {
		t.Errorf("after the release: %v, %+v", err, again.Status())
	}
}

// A hold must not wait for a bucket that is away, and a release must not leave one behind.
func TestHoldWhileTheBucketIsAway(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	b := lockingS3(t, server, LockGovernance)
	k := &Keeper{Index: mustSQLite(t), Bucket: b, Policy: Policy{Default: time.Minute}}
	in := keep(t, 1, k)[0]
	server.Stop()
	held, err := k.Hold(t.Context(), in.ID, models.Hold{By: "ada", Why: "case 17", At: time.Now()})
	if err != nil || held.Hold == nil {
		t.Fatalf("hold: %+v, %v", held.Hold, err)
	}
	if _, err := k.Release(t.Context(), in.ID, "ada", "closed", time.Now()); err == nil {
		t.Error("released, though the bucket still holds")
	}
	if got, _ := k.Index.Get(t.Context(), in.ID); got.Hold == nil {
		t.Error("the hold is gone")
	}
	server.Restart()
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, on, err := b.Locked(t.Context(), in.Footage.Objects[0].Key); err != nil || !on {
		t.Errorf("after its return: held %v, %v", on, err)
	}
}

func TestLockModes(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	plain := mustS3(t, server, S3Options{}).(*s3)
	open := func(mode LockMode) *s3 {
		b, err := OpenS3(S3Options{Endpoint: server.Endpoint, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
			PathStyle: true, Region: "us-east-1", Bucket: plain.bucket, Lock: mode})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.(*s3).transport.CloseIdleConnections)
		return b.(*s3)
	}
	for _, mode := range []LockMode{LockGovernance, LockCompliance} {
		err := open(mode).Check(t.Context())
		if !errors.Is(err, ErrNoLock) || !strings.Contains(err.Error(), "mc mb --with-lock ALIAS/"+plain.bucket) {
			t.Errorf("%s on a bucket without: %v", mode, err)
		}
	}
	for _, mode := range []LockMode{LockAuto, LockOff} {
		b := open(mode)
		if on, err := b.Locks(t.Context()); on || err != nil {
			t.Errorf("%s on a bucket without: %v, %v", mode, on, err)
		}
		// A lock that nobody asked for is not set.
		data := []byte("x")
		if err := b.PutLocked(t.Context(), "x", bytes.NewReader(data), object(data), time.Time{}); err != nil {
			t.Error(err)
		}
	}
	if on, err := lockingS3(t, server, LockOff).Locks(t.Context()); on || err != nil {
		t.Errorf("off on a bucket with: %v, %v", on, err)
	}
	if _, err := OpenS3(S3Options{Endpoint: "host", Bucket: "b", Lock: "strict"}); err == nil || !strings.Contains(err.Error(), "strict") {
		t.Errorf("unknown mode: %v", err)
	}
	// A service that knows no locks, or an account that may not look.
	for name, s := range map[string]*minioAnswer{
		"not implemented": {http.StatusNotImplemented, "NotImplemented"},
		"access denied":   {http.StatusForbidden, "AccessDenied"},
	} {
		server := answer(s.status, s.code, "no")
		defer server.Close()
		for mode, fails := range map[LockMode]bool{LockAuto: false, LockGovernance: true} {
			b, err := OpenS3(S3Options{Endpoint: host(server), Bucket: "evidence", Region: "r", PathStyle: true, Lock: mode})
			if err != nil {
				t.Fatal(err)
			}
			on, err := b.(*s3).Locks(t.Context())
			if on || (err != nil) != fails || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, %s: %v, %v", name, mode, on, err)
			}
			b.(*s3).transport.CloseIdleConnections()
		}
	}
}

type minioAnswer struct {
	status int
	code   string
}
