package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/vedette-cctv/vedette/models"
)

// LockMode says how objects are locked against deletion in an S3 bucket.
type LockMode string

// The modes of Object Lock.
const (
	// LockAuto locks as governance does when the bucket has Object Lock enabled.
	LockAuto LockMode = "auto"
	LockOff  LockMode = "off"
	// LockGovernance lets accounts with s3:BypassGovernanceRetention lift a lock. vedette
	// never asks for that.
	LockGovernance LockMode = "governance"
	// LockCompliance lets nobody lift a lock, not the owner of the account either.
	LockCompliance LockMode = "compliance"
)

// lockState is what is known of the bucket's Object Lock.
type lockState struct {
	mode LockMode

	mu    sync.Mutex
	known bool
	on    bool
}

func (s *s3) Locks(ctx context.Context) (bool, error) {
	if s.lock.mode == LockOff {
		return false, nil
	}
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	if s.lock.known {
		return s.lock.on, nil
	}
	on, err := s.lockEnabled(ctx)
	if err != nil {
		return false, err
	}
	if !on && s.lock.mode != LockAuto {
		return false, fmt.Errorf("s3: bucket %s: %w, and the configuration asks for %s "+
			"(make one that has it: mc mb --with-lock ALIAS/%[1]s, or aws s3api create-bucket --bucket %[1]s --object-lock-enabled-for-bucket; "+
			"or set object_lock.mode to off)", s.bucket, ErrNoLock, s.lock.mode)
	}
	s.lock.known, s.lock.on = true, on
	return on, nil
}

func (s *s3) lockEnabled(ctx context.Context) (bool, error) {
	state, _, _, _, err := s.core.GetObjectLockConfig(ctx, s.bucket)
	var answer minio.ErrorResponse
	switch {
	case err == nil:
		return state == "Enabled", nil
	case !errors.As(err, &answer):
	case answer.Code == "ObjectLockConfigurationNotFoundError":
		return false, nil
	case s.lock.mode == LockAuto && (answer.StatusCode == http.StatusNotImplemented || answer.Code == minio.AccessDenied):
		// A service that knows no locks, or an account that may not look, asks for none.
		return false, nil
	case answer.Code == minio.AccessDenied:
		return false, fmt.Errorf("s3: bucket %s: %w (the access key may not look at Object Lock: it needs s3:GetBucketObjectLockConfiguration)", s.bucket, err)
	}
	return false, s.explain("object lock of", s.bucket, err)
}

func (s *s3) PutLocked(ctx context.Context, key string, body io.ReadSeeker, o models.Object, until time.Time) error {
	if err := s.put(ctx, key, body, o, until); err != nil {
		return s.explain("put", key, err)
	}
	return nil
}

// lockUntil puts a lock into the options of an upload.
func (s *s3) lockUntil(opts *minio.PutObjectOptions, until time.Time) {
	// The service refuses a date that is over when the request arrives.
	if time.Until(until) < time.Second {
		return
	}
	opts.Mode, opts.RetainUntilDate = s.retention(), until.UTC()
}

func (s *s3) retention() minio.RetentionMode {
	if s.lock.mode == LockCompliance {
		return minio.Compliance
	}
	return minio.Governance
}

func (s *s3) Locked(ctx context.Context, key string) (time.Time, bool, error) {
	if err := checkKey(key); err != nil {
		return time.Time{}, false, s.explain("lock of", key, err)
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return time.Time{}, false, s.explain("lock of", key, err)
	}
	until, _ := time.Parse(time.RFC3339Nano, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	return until, info.Metadata.Get("X-Amz-Object-Lock-Legal-Hold") == string(minio.LegalHoldEnabled), nil
}

func (s *s3) SetHold(ctx context.Context, key string, on bool) error {
	if err := checkKey(key); err != nil {
		return s.explain("hold", key, err)
	}
	status := minio.LegalHoldDisabled
	if on {
		status = minio.LegalHoldEnabled
	}
	err := s.core.PutObjectLegalHold(ctx, s.bucket, s.prefix+key, minio.PutObjectLegalHoldOptions{Status: &status})
	if err != nil {
		return s.explain("hold", key, err)
	}
	return nil
}

// deleteVersions removes every version of an object. Where objects are locked the bucket
// keeps versions, and a plain delete would only hide the newest.
func (s *s3) deleteVersions(ctx context.Context, key string) error {
	name := s.prefix + key
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range s.core.Client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: name, Recursive: true, WithVersions: true}) {
		if info.Err != nil {
			return info.Err
		}
		if info.Key != name {
			continue
		}
		if err := s.core.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{VersionID: info.VersionID}); err != nil {
			return s.refused(ctx, key, err)
		}
	}
	return ctx.Err()
}

// refused tells a lock from other reasons for which a delete can fail: services word
// them differently, so the object is asked.
func (s *s3) refused(ctx context.Context, key string, err error) error {
	until, held, bad := s.Locked(ctx, key)
	switch {
	case bad != nil:
		return err
	case held:
		return fmt.Errorf("%w: a legal hold is on it: %w", ErrLocked, err)
	case until.After(time.Now()):
		return fmt.Errorf("%w until %s: %w", ErrLocked, until.Format(time.RFC3339), err)
	}
	return err
}
