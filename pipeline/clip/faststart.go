package clip

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/vedette-cctv/vedette/durable"
)

// Faststart turns the fragmented clip src into the ordinary MP4 dst: index first, so that
// it plays and seeks while it is still being fetched; an edit list, so that it begins at
// zero; the wall time of its start as creation time, to the nanosecond in its metadata,
// and that of each picture in a table at the end. The pictures are copied as they are.
//
// It reads src in pieces and keeps some tens of bytes a picture in memory. dst appears
// whole or not at all: it is written beside dst with the suffix .part, synced and renamed.
// An existing dst is replaced, so the step can be repeated after a crash. src is not
// changed; an unfinished src need not be recovered first.
func Faststart(src, dst string) (Info, error) {
	in, err := os.Open(src)
	if err != nil {
		return Info{}, fmt.Errorf("finish clip: %w", err)
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return Info{}, fmt.Errorf("finish clip: %w", err)
	}
	// The pictures are verified while they are copied. Only when one fragment turns out
	// damaged do all have to be read beforehand, to leave it out of the tables.
	info, err := faststart(in, st.Size(), dst, false)
	if errors.Is(err, errDamaged) {
		info, err = faststart(in, st.Size(), dst, true)
	}
	if err != nil {
		return Info{}, fmt.Errorf("finish clip %s: %w", src, err)
	}
	return info, nil
}

func faststart(in *os.File, size int64, dst string, verify bool) (Info, error) {
	var t tables
	var frags []fragment
	head, info, _, err := scan(in, size, verify, func(f fragment) {
		t.add(f)
		f.samples, f.times = nil, nil // kept in the tables and in src
		frags = append(frags, f)
	})
	if err != nil {
		return Info{}, err
	}
	t.close()
	part := dst + ".part"
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Info{}, err
	}
	info.Bytes, err = writeFinished(out, in, head, info, &t, frags)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, dst)
	}
	if err != nil {
		_ = os.Remove(part) // a later attempt overwrites what cannot be removed
		return Info{}, err
	}
	return info, durable.SyncDir(filepath.Dir(dst))
}

func writeFinished(out io.Writer, in io.ReaderAt, head fileHead, info Info, t *tables, frags []fragment) (int64, error) {
	n, err := writePictures(out, in, head, info, t, frags)
	if err != nil {
		return 0, err
	}
	m, err := writeTimes(out, in, frags, len(t.samples))
	return n + m, err
}

// writePictures writes the head of a finished clip and its picture data.
func writePictures(out io.Writer, in io.ReaderAt, head fileHead, info Info, t *tables, frags []fragment) (int64, error) {
	m := movie{codec: info.Codec, width: info.Width, height: info.Height, entry: head.entry, info: info, tables: t}
	b, err := finishedHead(m, t)
	if err != nil {
		return 0, err
	}
	if _, err := out.Write(b); err != nil {
		return 0, err
	}
	buf := make([]byte, copyBuffer)
	for _, f := range frags {
		if err := f.check(in, out, buf); err != nil {
			return 0, err
		}
	}
	return int64(len(b)) + t.data, nil
}

// finishedHead is all of a finished clip that comes before its picture data.
func finishedHead(m movie, t *tables) ([]byte, error) {
	dataHeader := int64(8)
	if t.data > math.MaxUint32-8 {
		dataHeader = 16
	}
	var w boxes
	// The size of the head does not depend on the offsets in it.
	for _, known := range [2]bool{false, true} {
		offset := int64(0)
		if known {
			offset = int64(len(w.b)) + dataHeader
		}
		w = boxes{b: w.b[:0]}
		w.fileType()
		w.moov(m, offset)
		if err := w.header(header{Version: version, Info: m.info, Finished: true}); err != nil {
			return nil, err
		}
	}
	if dataHeader == 8 {
		w.u32(uint32(t.data + dataHeader))
		w.text("mdat")
	} else {
		w.u32(1)
		w.text("mdat")
		w.u64(uint64(t.data + dataHeader))
	}
	return w.b, nil
}

// writeTimes ends the file with the time of each picture, in decoding order.
func writeTimes(out io.Writer, in io.ReaderAt, frags []fragment, frames int) (int64, error) {
	size := 24 + int64(frames)*frameTimeSize
	if size > math.MaxUint32 {
		return 0, fmt.Errorf("%d pictures are too many for one clip", frames)
	}
	var w boxes
	w.u32(uint32(size))
	w.text("uuid" + uuidTimes)
	bw := bufio.NewWriterSize(out, copyBuffer)
	if _, err := bw.Write(w.b); err != nil {
		return 0, err
	}
	for _, f := range frags {
		again, err := readFragment(in, f.off, f.off+f.size)
		if err != nil {
			return 0, err
		}
		for _, ft := range again.times {
			if _, err := bw.Write(ft.append(w.b[:0])); err != nil {
				return 0, err
			}
		}
	}
	return size, bw.Flush()
}
