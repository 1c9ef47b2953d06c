package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// disk is a Bucket in a folder. Each key is a file. An object appears under its key
// only when its bytes are synced: it is written below .vedette first, then renamed.
type disk struct {
	root string
	tmp  string
}

// abandoned is the age at which a part file belongs to no living writer.
const abandoned = 24 * time.Hour

// OpenDisk opens the bucket in a folder and makes the folder if it is missing. Files are
// readable by their owner alone: footage shows people.
func OpenDisk(path string) (Bucket, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("disk bucket: %w", err)
	}
	d := &disk{root: root, tmp: filepath.Join(root, reserved)}
	if err := durable.MkdirSync(d.tmp); err != nil {
		return nil, fmt.Errorf("disk bucket: %w", durable.Hint(err))
	}
	if err := d.sweep(); err != nil {
		return nil, fmt.Errorf("disk bucket: %w", durable.Hint(err))
	}
	return d, nil
}

// sweep removes what killed writers left. Another process may be writing to the same
// folder, so young part files stay.
func (d *disk) sweep() error {
	entries, err := os.ReadDir(d.tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < abandoned {
			continue
		}
		if err := durable.RemoveIfThere(filepath.Join(d.tmp, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) file(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

func (d *disk) Put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error {
	if err := d.put(ctx, key, body, o); err != nil {
		return fmt.Errorf("disk: put %s: %w", key, durable.Hint(err))
	}
	return nil
}

func (d *disk) put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := d.room(o.Size); err != nil {
		return err
	}
	f, err := os.CreateTemp(d.tmp, "put-*")
	if err != nil {
		return err
	}
	err = copyVerified(ctx, f, body, o)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.place(f.Name(), d.file(key))
	}
	if err != nil {
		return errors.Join(err, durable.RemoveIfThere(f.Name()))
	}
	return nil
}

const (
	// smallObject is the most that a picture, a manifest or a record has.
	smallObject = 1 << 20
	// smallReserve is what clips leave free for these, or a twentieth of a small disk: on a
	// disk that is full to the last byte retention could not even write what it deletes.
	smallReserve = 64 << 20
)

// room refuses a clip that would take the space that is left for small objects.
func (d *disk) room(size int64) error {
	if size <= smallObject {
		return nil
	}
	free, total, err := durable.DiskBytes(d.tmp)
	if err != nil {
		return err
	}
	if free-size < min(smallReserve, total/20) {
		return fmt.Errorf("%s free, %s wanted, and the last %s are for records: %w",
			humanBytes(free), humanBytes(size), humanBytes(min(smallReserve, total/20)), syscall.ENOSPC)
	}
	return nil
}

// place renames a synced part file to its final name.
func (d *disk) place(part, final string) error {
	dir := filepath.Dir(final)
	for try := 0; ; try++ {
		if err := durable.MkdirSync(dir); err != nil {
			return err
		}
		err := os.Rename(part, final)
		if err == nil {
			return d.syncUp(dir)
		}
		// Delete may take an emptied folder away between the two calls.
		if !errors.Is(err, fs.ErrNotExist) || try == 10 {
			return err
		}
	}
}

// syncUp makes a name durable, with the folders above it: one of them may have been made
// by a process that was killed before it could sync it.
func (d *disk) syncUp(dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		if err := durable.SyncDir(dir); err != nil || dir == d.root {
			return err
		}
	}
}

func (d *disk) Open(_ context.Context, key string) (Reader, error) {
	f, err := d.open(key)
	if err != nil {
		return nil, fmt.Errorf("disk: open %s: %w", key, err)
	}
	return f, nil
}

func (d *disk) open(key string) (*fileReader, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	f, err := openFile(d.file(key))
	if errors.Is(err, syscall.ENOTDIR) { // a key below another key
		return nil, fs.ErrNotExist
	}
	return f, err
}

func (d *disk) Stat(ctx context.Context, key string) (models.Object, time.Time, error) {
	o, at, err := d.stat(ctx, key)
	if err != nil {
		return models.Object{}, time.Time{}, fmt.Errorf("disk: stat %s: %w", key, durable.Hint(err))
	}
	return o, at, nil
}

func (d *disk) stat(ctx context.Context, key string) (models.Object, time.Time, error) {
	f, err := d.open(key)
	if err != nil {
		return models.Object{}, time.Time{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	if err == nil {
		// Put may have been killed between its rename and its sync; what we report is durable.
		err = errors.Join(f.f.Sync(), d.syncUp(filepath.Dir(d.file(key))))
	}
	if err != nil {
		return models.Object{}, time.Time{}, err
	}
	return models.Object{
		Key:    key,
		Type:   mime.TypeByExtension(path.Ext(key)),
		Size:   n,
		SHA256: hex.EncodeToString(h.Sum(nil)),
	}, f.ModTime(), nil
}

func (d *disk) List(ctx context.Context, prefix string, fn func(string, int64) error) error {
	dir, _ := path.Split(prefix)
	if dir = strings.TrimSuffix(dir, "/"); dir == "" {
		dir = "."
	}
	if !fs.ValidPath(dir) {
		return fmt.Errorf("disk: list %q: %w", prefix, fs.ErrInvalid)
	}
	// The error of fn goes back as it is, so that the caller may end the walk with its own.
	var fromFn error
	err := fs.WalkDir(os.DirFS(d.root), dir, func(key string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return nil // deleted since its folder was read, or nothing with this prefix
		case err != nil:
			return err
		case e.IsDir():
			if key == reserved || (key != dir && !strings.HasPrefix(key, prefix)) {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular() || !strings.HasPrefix(key, prefix):
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		fromFn = fn(key, info.Size())
		return fromFn
	})
	if fromFn != nil {
		return fromFn
	}
	if err != nil {
		return fmt.Errorf("disk: list %q: %w", prefix, err)
	}
	return nil
}

func (d *disk) Delete(ctx context.Context, key string) error {
	if err := d.delete(ctx, key); err != nil {
		return fmt.Errorf("disk: delete %s: %w", key, durable.Hint(err))
	}
	return nil
}

func (d *disk) delete(ctx context.Context, key string) error {
	if err := errors.Join(ctx.Err(), checkKey(key)); err != nil {
		return err
	}
	name := d.file(key)
	switch err := os.Remove(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	dir := filepath.Dir(name)
	err := durable.SyncDir(dir)
	// Whoever deletes the last object of a folder beside us takes the folder away.
	for ; errors.Is(err, fs.ErrNotExist) && dir != d.root; err = durable.SyncDir(dir) {
		dir = filepath.Dir(dir)
	}
	if err != nil {
		return err
	}
	// An emptied day would otherwise stay for ever; Remove refuses a folder in use.
	for ; dir != d.root && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
	}
	return nil
}

func (d *disk) Check(ctx context.Context) error {
	if err := probe(ctx, d); err != nil {
		return fmt.Errorf("bucket %s: %w", d.root, err)
	}
	return nil
}

// fileReader reads a file as long as it was when it was opened; a file that grows does
// not change size under an HTTP answer that has already named its length.
type fileReader struct {
	*io.SectionReader
	f  *os.File
	at time.Time
}

func openFile(name string) (*fileReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileReader{io.NewSectionReader(f, 0, info.Size()), f, info.ModTime()}, nil
}

func (r *fileReader) ModTime() time.Time { return r.at }
func (r *fileReader) Close() error       { return r.f.Close() }
