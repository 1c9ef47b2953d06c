package clip

import (
	"fmt"
	"io"
	"os"
)

// Recover makes a clip usable that a crash left unfinished: it cuts the file back to its
// last whole fragment, syncs it, and describes what is there. Nothing is cut away that a
// whole fragment follows; damage in the middle becomes a gap, and Faststart leaves it out.
//
// A file without any whole fragment gives ErrNothing, one that is not ours or has a
// damaged head gives ErrCorrupt; both are left as they are. A clip that Faststart made
// needs no recovery: Recover describes it and leaves it as it is. Recover can be repeated.
func Recover(path string) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Info{}, fmt.Errorf("recover clip: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, fmt.Errorf("recover clip: %w", err)
	}
	info, end, err := describe(f, st.Size(), true)
	if err != nil {
		return Info{}, fmt.Errorf("recover clip %s: %w", path, err)
	}
	if end < st.Size() {
		if err := f.Truncate(end); err != nil {
			return Info{}, fmt.Errorf("recover clip: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return Info{}, fmt.Errorf("recover clip: %w", err)
	}
	info.Bytes = end
	return info, nil
}

// Stat describes a clip, growing or finished, without changing it. It reads the heads of
// the fragments only, not their pictures.
func Stat(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, fmt.Errorf("read clip: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, fmt.Errorf("read clip: %w", err)
	}
	info, err := StatAt(f, st.Size())
	if err != nil {
		return Info{}, fmt.Errorf("read clip %s: %w", path, err)
	}
	return info, nil
}

// StatAt describes a clip that lies somewhere else than in a file, such as in a package.
func StatAt(r io.ReaderAt, size int64) (Info, error) {
	info, _, err := describe(r, size, false)
	info.Bytes = size
	return info, err
}

func describe(r io.ReaderAt, size int64, verify bool) (info Info, end int64, err error) {
	if size == 0 {
		return info, 0, ErrNothing
	}
	if head, err := readHead(r, size); err == nil && head.Finished {
		if err := wholeTail(r, head.size, size); err != nil {
			return info, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return head.Info, size, nil
	}
	_, info, end, err = scan(r, size, verify, func(fragment) {})
	return info, end, err
}

// wholeTail checks that the boxes after the head fill the file.
func wholeTail(r io.ReaderAt, off, size int64) error {
	for off < size {
		h, err := readBoxHead(r, off, size)
		if err != nil {
			return err
		}
		off += h.size
	}
	return nil
}
