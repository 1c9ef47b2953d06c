package clip

import (
	"fmt"
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
	info, end, size, err := describe(f, true)
	if err != nil {
		return Info{}, fmt.Errorf("recover clip %s: %w", path, err)
	}
	if end < size {
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
	info, _, size, err := describe(f, false)
	if err != nil {
		return Info{}, fmt.Errorf("read clip %s: %w", path, err)
	}
	info.Bytes = size
	return info, nil
}

func describe(f *os.File, verify bool) (info Info, end, size int64, err error) {
	st, err := f.Stat()
	if err != nil {
		return info, 0, 0, err
	}
	size = st.Size()
	if size == 0 {
		return info, 0, 0, ErrNothing
	}
	if head, err := readHead(f, size); err == nil && head.Finished {
		if err := wholeTail(f, head.size, size); err != nil {
			return info, 0, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return head.Info, size, size, nil
	}
	_, info, end, err = scan(f, size, verify, func(fragment) {})
	return info, end, size, err
}

// wholeTail checks that the boxes after the head fill the file.
func wholeTail(f *os.File, off, size int64) error {
	for off < size {
		h, err := readBoxHead(f, off, size)
		if err != nil {
			return err
		}
		off += h.size
	}
	return nil
}
