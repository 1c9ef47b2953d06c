package clip

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Moment says when one picture of a clip was taken, by which clock, and over which
// connection it came.
type Moment struct {
	Media   time.Duration
	Wall    time.Time
	Arrival time.Time // zero when unknown
	Session int
	Clock   models.Clock
}

// Moments calls visit for each picture of a clip, growing or finished, in decoding order.
// It reads what the clip says about times only, not its pictures.
func Moments(path string, visit func(Moment)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read clip: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err == nil {
		err = moments(f, st.Size(), visit)
	}
	if err != nil {
		return fmt.Errorf("read times of clip %s: %w", path, err)
	}
	return nil
}

func moments(f *os.File, size int64, visit func(Moment)) error {
	if head, err := readHead(f, size); err == nil && head.Finished {
		return finishedMoments(f, head.size, size, visit)
	}
	_, _, _, err := scan(f, size, false, func(f fragment) {
		for _, t := range f.times {
			visit(t.moment())
		}
	})
	return err
}

// finishedMoments reads the table at the end of a finished clip, some rows at a time.
func finishedMoments(r io.ReaderAt, off, size int64, visit func(Moment)) error {
	const signature = "uuid" + uuidTimes
	for off < size {
		h, err := readBoxHead(r, off, size)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		p := make([]byte, len(signature))
		if n := h.header; h.typ != "uuid" || n != 8 || h.size < 4+int64(len(p)) {
			off += h.size
			continue
		}
		if _, err := r.ReadAt(p, off+4); err != nil {
			return err
		}
		if string(p) != signature {
			off += h.size
			continue
		}
		rows := io.NewSectionReader(r, off+4+int64(len(p)), h.size-4-int64(len(p)))
		if rows.Size()%frameTimeSize != 0 {
			return fmt.Errorf("%w: times of %d bytes", ErrCorrupt, rows.Size())
		}
		buf := make([]byte, 1024*frameTimeSize)
		for at := int64(0); at < rows.Size(); {
			n := min(int64(len(buf)), rows.Size()-at)
			if _, err := rows.ReadAt(buf[:n], at); err != nil {
				return err
			}
			for b := buf[:n]; len(b) > 0; b = b[frameTimeSize:] {
				visit(parseFrameTime(b).moment())
			}
			at += n
		}
		return nil
	}
	return fmt.Errorf("%w: no times in it", ErrCorrupt)
}

func (f frameTime) moment() Moment {
	return Moment{Media: f.media, Wall: fromUnixNano(f.wall), Arrival: fromUnixNano(f.arrival), Session: int(f.session), Clock: f.clock}
}
