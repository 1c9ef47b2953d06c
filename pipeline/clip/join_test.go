package clip

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// segments writes units to files that begin at key units about every length, as a
// continuous recording does.
func segments(t testing.TB, units []models.AccessUnit, length time.Duration, o WriterOptions) (paths []string) {
	t.Helper()
	o.Uniform, o.Table = true, true
	dir := t.TempDir()
	var w *Writer
	var begin models.Instant
	finish := func() {
		if w == nil {
			return
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	next := func(au models.AccessUnit) {
		finish()
		path := filepath.Join(dir, time.Duration(len(paths)).String()+".fmp4")
		var err error
		if w, err = Create(path, o); err != nil {
			t.Fatal(err)
		}
		paths, begin = append(paths, path), au.At
	}
	for _, au := range units {
		if w == nil || au.Key && au.At.Since(begin) >= length {
			next(au)
		}
		err := w.Write(au)
		if errors.Is(err, ErrNewFile) {
			next(au)
			err = w.Write(au)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	finish()
	return paths
}

func pieces(paths []string, from, to time.Time) []Piece {
	var all []Piece
	for _, p := range paths {
		all = append(all, Piece{Path: p, From: from, To: to})
	}
	return all
}

// joined writes a joined clip to a file.
func joined(t testing.TB, all []Piece, o JoinOptions) (path string, info Info) {
	t.Helper()
	j, err := Join(all, o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	path = filepath.Join(t.TempDir(), "joined.mp4")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := io.Copy(f, j)
	if err != nil || n != j.Size() || n != j.Info().Bytes {
		t.Fatalf("copied %d bytes of %d (%d): %v", n, j.Size(), j.Info().Bytes, err)
	}
	return path, j.Info()
}

func TestJoinHoldsTheCamerasBits(t *testing.T) {
	for _, name := range []string{"h264", "h264-bframes", "h265", "h265-bframes"} {
		t.Run(name, func(t *testing.T) {
			units := stream(t, name)
			paths := segments(t, units, 2*time.Second, WriterOptions{Meta: Meta{Run: "a"}})
			if len(paths) < 3 {
				t.Fatalf("%d segments", len(paths))
			}
			path, info := joined(t, pieces(paths, epoch, epoch.Add(time.Hour)), JoinOptions{Meta: Meta{Title: "gate"}})
			samePictures(t, path, units)
			if got := decode(t, path); got != len(units) || info.Frames != len(units) {
				t.Errorf("decoded %d, info %d, want %d", got, info.Frames, len(units))
			}
			if !info.From.Equal(epoch) || len(info.Gaps) > 0 || info.Clock != models.ClockCamera {
				t.Errorf("info: %+v", info)
			}
			stat, err := Stat(path)
			if err != nil || stat.Frames != len(units) || stat.Meta.Title != "gate" {
				t.Errorf("stat: %+v, %v", stat, err)
			}
		})
	}
}

// TestJoinIsWhatFaststartMakes compares the timeline of pieces with that of one clip.
func TestJoinIsWhatFaststartMakes(t *testing.T) {
	for _, name := range []string{"h264", "h264-bframes"} {
		units := stream(t, name)
		_, whole, _ := write(t, units, WriterOptions{})
		path, _ := joined(t, pieces(segments(t, units, 2*time.Second, WriterOptions{Meta: Meta{Run: "a"}}), epoch, epoch.Add(time.Hour)), JoinOptions{})
		got, want := probe(t, path), probe(t, whole)
		if len(got.Packets) != len(want.Packets) {
			t.Fatalf("%s: %d packets, want %d", name, len(got.Packets), len(want.Packets))
		}
		for i := range want.Packets {
			if got.Packets[i].PTS != want.Packets[i].PTS || got.Packets[i].Hash != want.Packets[i].Hash {
				t.Fatalf("%s: packet %d is %+v, want %+v", name, i, got.Packets[i], want.Packets[i])
			}
		}
	}
}

func TestJoinStretch(t *testing.T) {
	units := stream(t, "h264") // a key frame each second, 15 frames a second
	paths := segments(t, units, 2*time.Second, WriterOptions{Meta: Meta{Run: "a"}})
	at := func(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }
	for _, tt := range []struct {
		name     string
		from, to float64
		begin    float64 // of the first picture
		frames   int
	}{
		{"on a key frame", 1, 2, 1, 15},
		{"between key frames: from the one before", 1.5, 2, 1, 15},
		{"over a cut", 1.5, 4.2, 1, 48},
		{"just before a cut: the picture that is still shown", 1.99, 2.5, 1, 23},
		{"from before the beginning", -10, 0.5, 0, 8},
		{"to after the end", 5.5, 100, 5, 15},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, info := joined(t, pieces(paths, at(tt.from), at(tt.to)), JoinOptions{})
			if got := info.From.Sub(epoch).Seconds(); got < tt.begin-0.001 || got > tt.begin+0.001 {
				t.Errorf("begins at %.3f s, want %.3f", got, tt.begin)
			}
			if got := decode(t, path); got != tt.frames || info.Frames != tt.frames {
				t.Errorf("%d frames decoded, %d said, want %d", got, info.Frames, tt.frames)
			}
		})
	}
	if _, err := Join(pieces(paths, at(20), at(30)), JoinOptions{}); !errors.Is(err, ErrNothing) {
		t.Errorf("after the end: %v", err)
	}
}

// TestJoinKeepsHoles leaves the middle out: on one media axis, and over a restart, where
// only the arrival tells how long it was.
func TestJoinKeepsHoles(t *testing.T) {
	units := stream(t, "h264")
	for _, tt := range []struct {
		name string
		move func(au *models.AccessUnit) // of the units after the hole
		run  string
	}{
		{"one axis", func(*models.AccessUnit) {}, "a"},
		{"restart: media time begins anew", func(au *models.AccessUnit) { au.At.Media -= 4 * time.Second }, "b"},
		{"timestamps jumped an hour ahead", func(au *models.AccessUnit) { au.At.Media += time.Hour }, "a"},
		{"our clock was set back an hour", func(au *models.AccessUnit) {
			au.Arrival = au.Arrival.Add(-time.Hour)
			au.At.Wall = au.At.Wall.Add(-time.Hour)
		}, "a"},
		{"our clock was set ahead an hour", func(au *models.AccessUnit) { au.Arrival = au.Arrival.Add(time.Hour) }, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := append([]models.AccessUnit(nil), units[:30]...)
			after := append([]models.AccessUnit(nil), units[60:]...)
			for i := range after {
				tt.move(&after[i])
			}
			paths := append(segments(t, before, time.Hour, WriterOptions{Meta: Meta{Run: "a"}}),
				segments(t, after, time.Hour, WriterOptions{Meta: Meta{Run: tt.run}})...)
			gap := models.Gap{From: before[29].At.Wall, To: units[60].At.Wall, Cause: models.CauseRestart}
			path, info := joined(t, pieces(paths, epoch.Add(-2*time.Hour), epoch.Add(time.Hour)), JoinOptions{Gaps: []models.Gap{gap}})
			p := probe(t, path)
			if len(p.Packets) != 60 {
				t.Fatalf("%d packets", len(p.Packets))
			}
			hole := float64(p.Packets[30].PTS-p.Packets[29].PTS) / timescale
			if want := units[60].At.Since(units[29].At).Seconds(); hole < want-0.01 || hole > want+0.01 {
				t.Errorf("a hole of %.3f s, want %.3f", hole, want)
			}
			if len(info.Gaps) != 1 || info.Gaps[0].Cause != models.CauseRestart {
				t.Errorf("gaps: %+v", info.Gaps)
			}
		})
	}
}

func TestJoinWithSeveralSampleEntries(t *testing.T) {
	small, large := stream(t, "h264"), shift(stream(t, "h264-large"), 6*time.Second)
	units := append(append([]models.AccessUnit(nil), small...), large...)
	paths := segments(t, units, time.Hour, WriterOptions{Meta: Meta{Run: "a"}})
	if len(paths) != 2 {
		t.Fatalf("%d files: new parameter sets begin a new one", len(paths))
	}
	path, info := joined(t, pieces(paths, epoch, epoch.Add(time.Hour)), JoinOptions{})
	if got := decode(t, path); got != len(units) || info.Frames != len(units) {
		t.Errorf("decoded %d, want %d", got, len(units))
	}
	other := segments(t, shift(stream(t, "h265"), 12*time.Second), time.Hour, WriterOptions{Meta: Meta{Run: "a"}})
	if _, err := Join(pieces(append(paths, other...), epoch, epoch.Add(time.Hour)), JoinOptions{}); !errors.Is(err, ErrMixed) {
		t.Errorf("two codecs: %v", err)
	}
}

func TestJoinSeeks(t *testing.T) {
	units := stream(t, "h264")
	all := pieces(segments(t, units, 2*time.Second, WriterOptions{}), epoch.Add(1500*time.Millisecond), epoch.Add(4500*time.Millisecond))
	path, _ := joined(t, all, JoinOptions{})
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	j, err := Join(all, JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := iotest.TestReader(j, want); err != nil {
		t.Error(err)
	}
	if _, err := j.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek before the beginning")
	}
}

// TestJoinFindsDamage flips one bit of a picture: reading says where, and with that
// fragment skipped the rest plays, with a gap.
func TestJoinFindsDamage(t *testing.T) {
	units := stream(t, "h264")
	paths := segments(t, units, 2*time.Second, WriterOptions{Meta: Meta{Run: "a"}})
	b, err := os.ReadFile(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.LastIndex(b, []byte("mdat"))+100] ^= 1
	if err := os.WriteFile(paths[1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	all := pieces(paths, epoch, epoch.Add(time.Hour))
	j, err := Join(all, JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var damaged *DamagedError
	if _, err := io.Copy(io.Discard, j); !errors.As(err, &damaged) || damaged.Path != paths[1] {
		t.Fatalf("read: %v", err)
	}
	path, info := joined(t, all, JoinOptions{Skip: []Damage{damaged.Damage}})
	if info.Frames != len(units)-15 || len(info.Gaps) != 1 || info.Gaps[0].Cause != models.CauseDisk || info.Gaps[0].Lost != 15 {
		t.Errorf("without it: %+v", info)
	}
	if got := decode(t, path); got != info.Frames {
		t.Errorf("decoded %d, want %d", got, info.Frames)
	}
}

func TestTee(t *testing.T) {
	h := sha256.New()
	paths := segments(t, stream(t, "h264"), time.Hour, WriterOptions{Tee: h})
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(h.Sum(nil)), sha256.Sum256(b); got != hex.EncodeToString(want[:]) {
		t.Errorf("the bytes of the file hash to %x, those that passed by to %s", want, got)
	}
}

func TestSeal(t *testing.T) {
	units := stream(t, "h264-bframes")
	path := segments(t, units, time.Hour, WriterOptions{Meta: Meta{Run: "a"}})[0]
	finished, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Seal(path)
	if err != nil || want.Frames != len(units) || want.Bytes != int64(len(finished)) {
		t.Fatalf("sealed before: %+v, %v", want, err)
	}
	again, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(again, finished) {
		t.Errorf("sealing a sealed clip changed it (%v)", err)
	}
	for _, tt := range []struct {
		name   string
		keep   int
		frames int // at least
	}{
		{"table cut", len(finished) - 1, len(units)},
		{"no table", bytes.Index(finished, []byte(uuidTable)) - 8, len(units)},
		{"in the last fragment", bytes.LastIndex(finished, []byte("mdat")) + 10, len(units) - 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cut.fmp4")
			if err := os.WriteFile(path, finished[:tt.keep], 0o600); err != nil {
				t.Fatal(err)
			}
			info, err := Seal(path)
			if err != nil || info.Frames < tt.frames || info.Meta.Run != "a" {
				t.Fatalf("%+v, %v", info, err)
			}
			if twice, err := Seal(path); err != nil || twice.Frames != info.Frames || twice.Bytes != info.Bytes {
				t.Errorf("again: %+v, %v", twice, err)
			}
			out, j := joined(t, pieces([]string{path}, epoch, epoch.Add(time.Hour)), JoinOptions{})
			if got := decode(t, out); got != info.Frames || j.Frames != info.Frames {
				t.Errorf("decoded %d of %d", got, info.Frames)
			}
		})
	}
}

func FuzzFileTable(f *testing.F) {
	paths := segments(f, stream(f, "h264-tiny"), 2*time.Second, WriterOptions{Meta: Meta{Run: "a"}})
	for _, p := range paths[:2] {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[bytes.Index(b, []byte(uuidTable))-8:], int64(len(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		if size < int64(len(b)) {
			return
		}
		table, err := parseFileTable(b, size)
		if err != nil {
			return
		}
		for _, fr := range table.frags {
			if fr.off < 0 || fr.off+fr.size > size-int64(len(b)) || len(fr.samples) != len(fr.times) || len(fr.samples) == 0 {
				t.Fatalf("fragment %+v of a file of %d bytes", fr, size)
			}
		}
	})
}
