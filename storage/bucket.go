package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ErrContent says that what was read is not what its description promises: the size or
// the SHA-256 differs. Trying again with the same source cannot help.
var ErrContent = errors.New("content does not match its size and SHA-256")

// Bucket holds evidence objects under slash-separated keys. Keys are valid by
// [fs.ValidPath]: no leading slash, no "..". It is safe for concurrent use.
type Bucket interface {
	// Put stores body under key. When it returns nil the object is durable and has the
	// Size and SHA256 that o gives; otherwise nothing new is to be seen under the key.
	// Only Size, SHA256 and Type of o count. Writing the same content again is fine.
	// It returns ErrContent when body is not what o says.
	Put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error

	// Open reads an object. The error is fs.ErrNotExist when there is none.
	// ctx bounds the reading too, not only the opening.
	Open(ctx context.Context, key string) (Reader, error)

	// Stat says what is durably stored, and since when. Size and SHA256 are what the store
	// vouches for: a folder reads the file again, S3 answers from the checksums that it
	// checked when it took the object. The error is fs.ErrNotExist when there is none.
	Stat(ctx context.Context, key string) (models.Object, time.Time, error)

	// List calls fn for each key that begins with prefix, in no promised order, until
	// fn returns an error, which List returns.
	List(ctx context.Context, prefix string, fn func(key string, size int64) error) error

	// Delete removes an object. Removing what is not there is no error.
	Delete(ctx context.Context, key string) error

	// Check writes, reads and deletes a small object and explains what does not work.
	Check(ctx context.Context) error
}

// Reader reads one piece of evidence. It is not safe for concurrent use.
type Reader interface {
	io.ReadSeekCloser
	Size() int64
	ModTime() time.Time
}

// reserved is the first element of keys that belong to the bucket itself.
const reserved = ".vedette"

func checkKey(key string) error {
	if !fs.ValidPath(key) || key == "." || len(key) > 900 {
		return fmt.Errorf("key %.80q: %w", key, fs.ErrInvalid)
	}
	if first, _, _ := strings.Cut(key, "/"); first == reserved {
		return fmt.Errorf("key %.80q: %s is reserved: %w", key, reserved, fs.ErrInvalid)
	}
	for _, r := range key {
		if r < ' ' || r == '\\' || r == 0x7f {
			return fmt.Errorf("key %.80q: %w", key, fs.ErrInvalid)
		}
	}
	return nil
}

// probe is the common part of Check: a small object makes the round trip.
func probe(ctx context.Context, b Bucket) error {
	data := []byte("vedette checks that it can write, read and delete here " + rand.Text() + "\n")
	sum := sha256.Sum256(data)
	key := "check/" + rand.Text() + ".txt"
	o := models.Object{Type: "text/plain", Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	if err := b.Put(ctx, key, bytes.NewReader(data), o); err != nil {
		return err
	}
	read := func() error {
		r, err := b.Open(ctx, key)
		if err != nil {
			return err
		}
		defer r.Close()
		got, err := io.ReadAll(io.LimitReader(r, o.Size+1))
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		if !bytes.Equal(got, data) {
			return fmt.Errorf("read %s: got other bytes than were written", key)
		}
		return nil
	}
	return errors.Join(read(), b.Delete(ctx, key))
}

// copyVerified copies body to w and returns ErrContent unless it is what o says.
func copyVerified(ctx context.Context, w io.Writer, body io.Reader, o models.Object) error {
	h := sha256.New()
	// One byte more than promised is enough to see that there is more.
	n, err := io.Copy(io.MultiWriter(w, h), contextReader{ctx, io.LimitReader(body, o.Size+1)})
	if err != nil {
		return err
	}
	return matches(o, n, h.Sum(nil))
}

func matches(o models.Object, size int64, sum []byte) error {
	if size != o.Size {
		if size > o.Size {
			return fmt.Errorf("%w: more than the %d bytes promised", ErrContent, o.Size)
		}
		return fmt.Errorf("%w: %d bytes, promised %d", ErrContent, size, o.Size)
	}
	if got := hex.EncodeToString(sum); got != o.SHA256 {
		return fmt.Errorf("%w: SHA-256 %s, promised %.64s", ErrContent, got, o.SHA256)
	}
	return nil
}

// contextReader ends a long copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
