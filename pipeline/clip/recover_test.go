package clip

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// child runs in another process, which a test kills or starves.
func child(name string, args []string) int {
	switch name {
	case "child-writer": // file, limit of its size in bytes or 0
		return childWriter(args[0], args[1])
	}
	os.Stderr.WriteString("unknown child " + name + "\n")
	return 2
}

// childWriter writes a clip of units read from standard input, as spilled chunks of one
// unit each, and reports each unit that Write took.
func childWriter(path, limit string) int {
	if n, _ := strconv.ParseUint(limit, 10, 64); n > 0 {
		signal.Ignore(syscall.SIGXFSZ) // so that a write beyond the limit gives EFBIG
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return childFailed("limit", err)
		}
	}
	w, err := Create(path, WriterOptions{})
	if err != nil {
		return childFailed("create", err)
	}
	in := bufio.NewReader(os.Stdin)
	for {
		size, err := in.ReadString(' ')
		if err == io.EOF {
			break
		}
		n, _ := strconv.Atoi(strings.TrimSpace(size))
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return childFailed("read", err)
		}
		units, err := decodeChunk(b)
		if err != nil {
			return childFailed("decode", err)
		}
		if err := w.Write(units[0]); err != nil {
			childFailed("write", err)
			break
		}
		os.Stdout.WriteString(strconv.FormatInt(int64(units[0].At.Media), 10) + "\n")
	}
	info, err := w.Finish()
	os.Stdout.WriteString("finished " + strconv.Itoa(info.Frames) + " " + strconv.Itoa(len(info.Gaps)) + "\n")
	if err != nil {
		return childFailed("finish", err)
	}
	return 0
}

func childFailed(step string, err error) int {
	os.Stderr.WriteString(step + ": " + err.Error() + "\n")
	return 1
}

// feed encodes units for a child.
func feed(t testing.TB, units []models.AccessUnit) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, au := range units {
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		if _, err := encodeChunk(w, []models.AccessUnit{au}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		all.WriteString(strconv.Itoa(b.Len()) + " ")
		all.Write(b.Bytes())
	}
	return all.Bytes()
}

// repeat plays a stream several times over, one after the other.
func repeat(units []models.AccessUnit, times int) []models.AccessUnit {
	length := lastMedia(units) - units[0].At.Media + time.Second/15
	var all []models.AccessUnit
	for i := range times {
		all = append(all, shift(units, time.Duration(i)*length)...)
	}
	return all
}

// A recorder that is killed at any instant leaves a clip that plays, decodes, and misses
// no more than one fragment of what it was given.
func TestKilledWriter(t *testing.T) {
	units := repeat(stream(t, "h264-bframes"), 20)
	in := feed(t, units)
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	worst := time.Duration(0)
	for round := range rounds {
		dir := t.TempDir()
		path := filepath.Join(dir, "clip.fmp4")
		cmd := exec.Command(os.Args[0], "child-writer", path, "0")
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Kill it while it is somewhere after the nth unit; what it does meanwhile is chance.
		n := rand.IntN(len(units))
		last, count := time.Duration(0), 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "finished") {
				break
			}
			v, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			last = max(last, time.Duration(v))
			if count++; count == n+1 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed, or done before it could be
		info, err := Recover(path)
		if errors.Is(err, ErrNothing) && last-offset < 2*time.Second {
			continue
		}
		if err != nil {
			t.Fatalf("round %d, killed after unit %d: %v", round, n, err)
		}
		missing := last - info.LastMedia
		worst = max(worst, missing)
		// One fragment, and the pictures of this stream that wait for reordered ones.
		if missing > time.Second+300*time.Millisecond {
			t.Errorf("round %d, killed after unit %d: %v are missing", round, n, missing)
		}
		finished := filepath.Join(dir, "clip.mp4")
		if _, err := Faststart(path, finished); err != nil {
			t.Fatal(err)
		}
		for i, au := range demux(t, finished) {
			if sampleHash(au) != sampleHash(units[i]) {
				t.Fatalf("round %d: picture %d differs", round, i)
			}
		}
		if round%5 == 0 {
			samePictures(t, path, units[:info.Frames])
			samePictures(t, finished, units[:info.Frames])
		}
	}
	t.Logf("at most %v missing in %d kills", worst, rounds)
}

// A file size limit fails like a full disk: what is in the file stays, and the clip says
// what is missing.
func TestFullDisk(t *testing.T) {
	units := repeat(stream(t, "h264"), 4)
	path := filepath.Join(t.TempDir(), "clip.fmp4")
	cmd := exec.Command(os.Args[0], "child-writer", path, "300000")
	cmd.Stdin = bytes.NewReader(feed(t, units))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err == nil {
		t.Fatal("the limit did not hold")
	}
	if want := "write clip: write " + path + ": file too large"; !strings.Contains(stderr.String(), want) {
		t.Errorf("the child says %q, want %q", stderr.String(), want)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Recover(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Size() != info.Bytes {
		t.Errorf("Finish left %d bytes, of which %d are whole fragments", st.Size(), info.Bytes)
	}
	if info.Frames == 0 || info.Frames >= len(units) {
		t.Errorf("%d frames of %d", info.Frames, len(units))
	}
	if want := "finished " + strconv.Itoa(info.Frames) + " 1\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the child ends with %q, want %q: frames, and one gap", out.String()[max(0, out.Len()-40):], want)
	}
	samePictures(t, path, units[:info.Frames])
}

// fullDisk mounts a file system of the given size, or skips.
func fullDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system of a given size: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestWriterOnFullFileSystem(t *testing.T) {
	dir := fullDisk(t, "300k")
	units := repeat(stream(t, "h264"), 4)
	path := filepath.Join(dir, "clip.fmp4")
	w, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, au := range units {
		if err = w.Write(au); err != nil {
			break
		}
		taken++
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d units: %v", taken, err)
	}
	if again := w.Write(units[taken]); again != err {
		t.Errorf("the next Write says %v", again)
	}
	info, err := w.Finish()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Finish says %v", err)
	}
	gap := info.Gaps[len(info.Gaps)-1]
	if gap.Cause != models.CauseDisk || !gap.From.Equal(units[info.Frames].At.Wall) || gap.Lost != taken+1-info.Frames {
		t.Errorf("gap %+v after %d of %d units", gap, info.Frames, taken)
	}
	got, err := Recover(path)
	if err != nil || got.Frames != info.Frames {
		t.Errorf("%d frames recovered of %d, %v", got.Frames, info.Frames, err)
	}
	samePictures(t, path, units[:info.Frames])

	finished := filepath.Join(dir, "clip.mp4")
	if _, err := Faststart(path, finished); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Faststart says %v", err)
	}
	if left, _ := filepath.Glob(finished + "*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestSpillOnFullFileSystem(t *testing.T) {
	dir := fullDisk(t, "2m")
	units := made(1000, 10, 10_000)
	b := &Buffer{Window: time.Hour, Memory: 1 << 20, Disk: 64 << 20, SpillDir: dir}
	defer b.Close()
	for _, au := range units {
		b.Push(au)
		waitFor(t, b, func() bool { return !b.memoryShort() || b.spill.failing })
	}
	s := b.Stats()
	if s.SpillErrors == 0 || s.DiskBytes < 1<<20 || s.DiskBytes > 2<<20 || s.MemoryBytes > 1<<20 {
		t.Errorf("%+v", s)
	}
	cur := b.Cursor(0)
	defer cur.Close()
	got := drain(cur)
	lost := 0
	for _, au := range got {
		if au.Loss != nil {
			if au.Loss.Cause != models.CauseDisk {
				t.Errorf("gap %+v", au.Loss)
			}
			lost += au.Loss.Lost
		}
	}
	if len(got)+lost != len(units) {
		t.Errorf("%d units read and %d named as lost, of %d", len(got), lost, len(units))
	}
}

// memoryDir is a folder in memory where there is one, for tests that sync often.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vedette-clip-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Cut anywhere in its last two fragments, a clip recovers to a whole number of fragments.
func TestTruncatedAnywhere(t *testing.T) {
	units := stream(t, "h264-tiny")
	growing, _, full := write(t, units, WriterOptions{Part: 200 * time.Millisecond})
	b, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	var ends []int64
	counts := map[int64]int{}
	frames := 0
	if _, _, _, err := scan(bytes.NewReader(b), int64(len(b)), true, func(f fragment) {
		frames += f.Frames
		ends = append(ends, f.off+f.size)
		counts[f.off+f.size] = frames
	}); err != nil {
		t.Fatal(err)
	}
	if frames != full.Frames || ends[len(ends)-1] != int64(len(b)) {
		t.Fatalf("%d frames in %d bytes", frames, ends[len(ends)-1])
	}
	from := ends[len(ends)-3]
	path := filepath.Join(memoryDir(t), "cut.fmp4")
	decoded := map[int64]bool{}
	for cut := from; cut <= int64(len(b)); cut++ {
		if err := os.WriteFile(path, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := Recover(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		i, _ := slices.BinarySearch(ends, cut+1)
		if want := ends[i-1]; info.Bytes != want || info.Frames != counts[want] {
			t.Fatalf("cut at %d: %d frames in %d bytes, want %d in %d", cut, info.Frames, info.Bytes, counts[want], want)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, b[:info.Bytes]) {
			t.Fatalf("cut at %d: the rest has changed", cut)
		}
		if !decoded[info.Bytes] {
			decoded[info.Bytes] = true
			samePictures(t, path, units[:info.Frames])
		}
	}
	if len(decoded) != 3 {
		t.Errorf("%d different clips, want 3", len(decoded))
	}
	// Before the first fragment is whole there is nothing to recover.
	for cut := range ends[0] {
		if err := os.WriteFile(path, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Recover(path); !errors.Is(err, ErrNothing) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if st, err := os.Stat(path); err != nil || st.Size() != cut {
			t.Fatalf("cut at %d: the file was changed", cut)
		}
	}
}

// A power cut may leave pages of zeros before others that were written, and a disk may
// rot. What is whole is kept, and what is not is named.
func TestDamagedFragment(t *testing.T) {
	units := stream(t, "h264")
	growing, _, _ := write(t, units, WriterOptions{})
	b, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	var frags []fragment
	if _, _, _, err := scan(bytes.NewReader(b), int64(len(b)), true, func(f fragment) { frags = append(frags, f) }); err != nil {
		t.Fatal(err)
	}
	hurt := frags[2]
	first, after := hurt.Frames*2, hurt.Frames*3
	for name, damage := range map[string]func(b []byte){
		"a bit of a picture": func(b []byte) { b[hurt.data+hurt.dataSize/2] ^= 1 },
		"a bit of a time":    func(b []byte) { b[hurt.off+200] ^= 1 },
		"zeros":              func(b []byte) { clear(b[hurt.off : hurt.off+hurt.size]) },
		"zeros in the head":  func(b []byte) { clear(b[hurt.off:hurt.data]) },
		"a wrong size":       func(b []byte) { b[hurt.off+1] = 0xff },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "clip.fmp4")
			bad := bytes.Clone(b)
			damage(bad)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			finished := filepath.Join(dir, "clip.mp4")
			fast, err := Faststart(path, finished)
			if err != nil {
				t.Fatal(err)
			}
			info, err := Recover(path)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, bad) {
				t.Errorf("the file was changed, though whole fragments follow the damage; %v", err)
			}
			if info.Frames != 75 || fast.Frames != 75 || len(info.Gaps) != 1 || len(fast.Gaps) != 1 {
				t.Fatalf("%d and %d frames of 75, gaps %+v and %+v", info.Frames, fast.Frames, info.Gaps, fast.Gaps)
			}
			g := info.Gaps[0]
			if g.Cause != models.CauseDisk || g.From.Sub(units[first].At.Wall).Abs() > time.Millisecond || !g.To.Equal(units[after].At.Wall) {
				t.Errorf("gap %+v, want from %v to %v", g, units[first].At.Wall, units[after].At.Wall)
			}
			samePictures(t, finished, append(slices.Clone(units[:first]), units[after:]...))
		})
	}
}

func TestNotAClip(t *testing.T) {
	growing, _, _ := write(t, stream(t, "h264"), WriterOptions{})
	whole, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	head, err := readHead(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	damagedHead := bytes.Clone(whole)
	damagedHead[head.size/2] ^= 1
	mp4, err := os.ReadFile(filepath.Join(sources(), "h264.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":             {nil, ErrNothing},
		"zeros":             {make([]byte, 10_000), ErrNothing},
		"text":              {[]byte(strings.Repeat("not a clip ", 1000)), ErrCorrupt},
		"somebody else's":   {mp4, ErrCorrupt},
		"head only":         {whole[:head.size], ErrNothing},
		"damaged head":      {damagedHead, ErrCorrupt},
		"without its head":  {whole[head.size:], ErrCorrupt},
		"zeros and no head": {append(make([]byte, head.size), whole[head.size:]...), ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "clip.fmp4")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Recover(path); !errors.Is(err, c.want) {
				t.Errorf("Recover: %v, want %v", err, c.want)
			}
			if _, err := Stat(path); !errors.Is(err, c.want) {
				t.Errorf("Stat: %v, want %v", err, c.want)
			}
			if _, err := Faststart(path, path+".mp4"); !errors.Is(err, c.want) {
				t.Errorf("Faststart: %v, want %v", err, c.want)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, c.data) {
				t.Errorf("the file was changed; %v", err)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "none")
	for name, err := range map[string]error{
		"Recover":   second(Recover(missing)),
		"Stat":      second(Stat(missing)),
		"Faststart": second(Faststart(missing, missing+".mp4")),
	} {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of no file: %v", name, err)
		}
	}
}

func second(_ Info, err error) error { return err }

// A finished clip that was cut short, as by a bad download, is not taken for whole.
func TestTruncatedFinishedClip(t *testing.T) {
	_, finished, _ := write(t, stream(t, "h264"), WriterOptions{})
	st, err := os.Stat(finished)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(finished, st.Size()-1); err != nil {
		t.Fatal(err)
	}
	if _, err := Stat(finished); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Stat: %v", err)
	}
	if _, err := Recover(finished); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Recover: %v", err)
	}
}
