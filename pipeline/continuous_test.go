package pipeline

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

// unitsOf returns footage from second from to second to, looping the clip.
func unitsOf(media *camtest.Media, from, to float64) (units []models.AccessUnit) {
	for loop := int64(0); ; loop++ {
		for _, u := range media.Units {
			s := float64(u.PTS+loop*media.Ticks) / camtest.ClockRate
			if s >= to {
				return units
			}
			if s < from {
				continue
			}
			at, nalus := instant(s), u.NALUs
			if u.Key { // as a Source delivers it
				nalus = append(slices.Clone(media.Params), nalus...)
			}
			units = append(units, models.AccessUnit{Camera: "gate", Codec: media.Codec, Session: 1, At: at,
				Clock: models.ClockCamera, Arrival: at.Wall, Key: u.Key, NALUs: nalus})
		}
	}
}

func openArchive(t testing.TB, dir string, o archive.Options) *archive.Archive {
	t.Helper()
	o.Describe, o.Reserve = DescribeSegment, -1
	a, err := archive.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func newContinuous(a *archive.Archive, axis string) *Continuous {
	return &Continuous{Camera: "gate", Name: "Gate", Axis: axis, Archive: a,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), OnDisk: func(error) {}}
}

func whole(from, to float64) models.Span {
	return models.Span{From: instant(from).Wall, To: instant(to).Wall}
}

// recallTo writes a recall to a file.
func recallTo(t testing.TB, a *archive.Archive, span models.Span) (string, models.Recalled) {
	t.Helper()
	r := &Recall{Archive: a}
	clip, rec, err := r.Open(t.Context(), "gate", span)
	if err != nil {
		t.Fatal(err)
	}
	defer clip.Close()
	path := filepath.Join(t.TempDir(), "recall.mp4")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := io.Copy(f, clip); err != nil || n != rec.Size || n != clip.Size() {
		t.Fatalf("copied %d of %d bytes: %v", n, rec.Size, err)
	}
	return path, rec
}

// framesIn decodes every frame with FFmpeg, which must find no error.
func framesIn(t testing.TB, path string) int {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not present")
	}
	var stderr strings.Builder
	cmd := exec.Command(ffmpeg, "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framehash", "-")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("ffmpeg finds errors: %v\n%s", err, stderr.String())
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// TestContinuous records through the ring, as the stream does, and recalls over the cuts.
func TestContinuous(t *testing.T) {
	media := camtest.Clip{}.Load(t) // a key frame each second, 10 frames a second
	a := openArchive(t, t.TempDir(), archive.Options{})
	ring := &clip.Buffer{Window: time.Hour}
	c := newContinuous(a, "a")
	cursor := ring.Cursor(0)
	done := make(chan struct{})
	go func() { defer close(done); c.Run(cursor) }()
	fill(t, ring, media, 0, 150)
	ring.Close()
	<-done

	segments, err := a.Segments("gate", whole(0, 200))
	if err != nil || len(segments) != 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, s := range segments {
		b, err := os.ReadFile(a.Path(s))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if s.Open || s.SHA256 != hex.EncodeToString(sum[:]) || s.Size != int64(len(b)) || len(s.Gaps) > 0 || s.Width != 320 || s.Codec != models.H264 {
			t.Errorf("on record: %+v", s)
		}
	}
	have, gaps, err := a.Coverage("gate", whole(0, 150))
	if err != nil || len(have) != 1 || len(gaps) > 0 {
		t.Errorf("have %v, gaps %v, %v", have, gaps, err)
	}
	path, rec := recallTo(t, a, whole(30.55, 130))
	if got := framesIn(t, path); got != 1000 || rec.Frames != 1000 || len(rec.Gaps) > 0 {
		t.Errorf("%d frames decoded, %d said, want those from the key frame at 30 s to 130 s; gaps %v", got, rec.Frames, rec.Gaps)
	}
	if from := rec.Got.From.Sub(epoch).Seconds(); from != 30 {
		t.Errorf("begins at %g s", from)
	}
}

// TestWhatIsMissingIsNamed breaks the stream and the program in the ways of the field.
func TestWhatIsMissingIsNamed(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	moved := func(units []models.AccessUnit, change func(*models.AccessUnit)) []models.AccessUnit {
		for i := range units {
			change(&units[i])
		}
		return units
	}
	for _, tt := range []struct {
		name   string
		runs   [][]models.AccessUnit
		frames int
		gaps   string // cause from-to, in seconds
	}{
		{"restart", [][]models.AccessUnit{unitsOf(media, 0, 20), unitsOf(media, 25, 40)}, 350, "restart 20.0-25.0"},
		{"restart in the middle of a GOP: from the next key frame",
			[][]models.AccessUnit{unitsOf(media, 0, 20), unitsOf(media, 25.5, 40)}, 340, "restart 20.0-26.0"},
		{"a camera that restarts every 5 s", [][]models.AccessUnit{slices.Concat(
			moved(unitsOf(media, 0, 5), func(au *models.AccessUnit) { au.Session = 1 }),
			moved(unitsOf(media, 7, 12), func(au *models.AccessUnit) { au.Session = 2 }),
			moved(unitsOf(media, 14, 40), func(au *models.AccessUnit) { au.Session = 3 }))}, 360, "camera_lost 5.0-7.0, camera_lost 12.0-14.0"},
		{"away while a segment would have ended", [][]models.AccessUnit{slices.Concat(unitsOf(media, 0, 30),
			moved(unitsOf(media, 35, 40), func(au *models.AccessUnit) { au.Session = 2 }))}, 350, "camera_lost 30.0-35.0"},
		{"packets lost", [][]models.AccessUnit{func() []models.AccessUnit {
			units := unitsOf(media, 0, 40)
			units = slices.Delete(units, 105, 108)
			units[105].Loss = &models.Gap{From: units[104].At.Wall, To: units[105].At.Wall, Cause: models.CausePacketLoss, Lost: 3}
			return units
		}()}, 397, "packet_loss 10.4-10.8"},
		{"the wall clock is set back an hour in the middle of a GOP", [][]models.AccessUnit{slices.Concat(unitsOf(media, 0, 20.5),
			moved(unitsOf(media, 20.5, 40), func(au *models.AccessUnit) { au.At.Wall = au.At.Wall.Add(-time.Hour) }))}, 210, "not_recorded 20.9-40.0"},
		{"our clock set back an hour", [][]models.AccessUnit{slices.Concat(unitsOf(media, 0, 20),
			moved(unitsOf(media, 20, 40), func(au *models.AccessUnit) { au.Arrival = au.Arrival.Add(-time.Hour) }))}, 400, ""},
		{"no key frame to begin with", [][]models.AccessUnit{unitsOf(media, 0.5, 40)}, 390, "stream 0.5-1.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := openArchive(t, t.TempDir(), archive.Options{})
			for i, units := range tt.runs {
				newContinuous(a, strconv.Itoa(i)).Record(slices.Values(units))
			}
			path, rec := recallTo(t, a, whole(0, 40))
			if got := framesIn(t, path); got != tt.frames || rec.Frames != tt.frames {
				t.Errorf("%d frames decoded, %d said, want %d", got, rec.Frames, tt.frames)
			}
			var gaps []string
			for _, g := range rec.Gaps {
				gaps = append(gaps, fmt.Sprintf("%s %.1f-%.1f", g.Cause, g.From.Sub(epoch).Seconds(), g.To.Sub(epoch).Seconds()))
			}
			if got := strings.Join(gaps, ", "); got != tt.gaps {
				t.Errorf("gaps %q, want %q", got, tt.gaps)
			}
		})
	}
}

// TestTimestampsJump begins a new segment, so that a recall does not make an hour of it.
func TestTimestampsJump(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		a := openArchive(t, t.TempDir(), archive.Options{})
		units := unitsOf(media, 0, 20)
		for _, au := range unitsOf(media, 20, 40) {
			au.At.Media += jump
			units = append(units, au)
		}
		newContinuous(a, "a").Record(slices.Values(units))
		path, rec := recallTo(t, a, whole(0, 40))
		info, err := clip.Stat(path)
		if got := framesIn(t, path); err != nil || got != 400 || rec.Frames != 400 || info.To.Sub(info.From) != 40*time.Second {
			t.Errorf("%v: %d frames, %+v, %v", jump, got, info, err)
		}
		out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path).Output()
		if d := strings.TrimSpace(string(out)); err != nil || d != "40.000000" {
			t.Errorf("%v: lasts %s s, %v", jump, d, err)
		}
	}
}

// TestStreamChanges changes the resolution, which goes into one clip, then the codec, which
// does not.
func TestStreamChanges(t *testing.T) {
	small, large := camtest.Clip{}.Load(t), camtest.Clip{Width: 640, Height: 480}.Load(t)
	other := camtest.Clip{Codec: models.H265}.Load(t)
	a := openArchive(t, t.TempDir(), archive.Options{})
	newContinuous(a, "a").Record(slices.Values(slices.Concat(unitsOf(small, 0, 10), unitsOf(large, 10, 20), unitsOf(other, 20, 30))))
	path, rec := recallTo(t, a, whole(0, 30))
	if got := framesIn(t, path); got != 200 || rec.Frames != 200 {
		t.Errorf("%d frames decoded, %d said, want both resolutions", got, rec.Frames)
	}
	if len(rec.Gaps) != 1 || rec.Gaps[0].Cause != models.CauseStream || !rec.Gaps[0].From.Equal(instant(20).Wall) {
		t.Errorf("gaps %+v", rec.Gaps)
	}
	r := &Recall{Archive: a}
	spans, err := r.Spans("gate", whole(0, 30))
	if want := []models.Span{whole(0, 20), whole(20, 30)}; err != nil || !slices.Equal(spans, want) {
		t.Errorf("spans %v, want %v (%v)", spans, want, err)
	}
	if path, rec := recallTo(t, a, whole(20, 30)); framesIn(t, path) != 100 || rec.Codec != models.H265 || len(rec.Gaps) > 0 {
		t.Errorf("the rest: %+v", rec)
	}
}

func TestRecallRefuses(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	a := openArchive(t, t.TempDir(), archive.Options{})
	newContinuous(a, "a").Record(slices.Values(unitsOf(media, 0, 10)))
	for _, tt := range []struct {
		name string
		cam  models.CameraID
		span models.Span
		want error
	}{
		{"no footage", "gate", whole(100, 110), ErrNoFootage},
		{"no such camera", "yard", whole(0, 10), ErrNoFootage},
		{"a camera from elsewhere", "../gate", whole(0, 10), fs.ErrNotExist},
		{"backwards", "gate", whole(10, 0), ErrBadSpan},
		{"too long", "gate", whole(0, 13*3600), ErrBadSpan},
	} {
		r := &Recall{Archive: a}
		if _, _, err := r.Open(t.Context(), tt.cam, tt.span); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestRecallOfWhatIsBeingWritten reads up to the last fragment, from another process's view.
func TestRecallOfWhatIsBeingWritten(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	dir := t.TempDir()
	c := newContinuous(openArchive(t, dir, archive.Options{}), "a")
	for _, au := range unitsOf(media, 0, 75) {
		c.write(au)
	}
	defer c.closeSegment()
	reader := openArchive(t, dir, archive.Options{ReadOnly: true})
	path, rec := recallTo(t, reader, whole(50, 80))
	if got := framesIn(t, path); got != rec.Frames || got < 230 {
		t.Errorf("%d frames decoded, %d said", got, rec.Frames)
	}
	if len(rec.Gaps) != 1 || rec.Gaps[0].From.Before(instant(73).Wall) || rec.Gaps[0].Cause != models.CauseNotRecorded {
		t.Errorf("gaps %+v", rec.Gaps)
	}
}

// TestDiskRefuses puts a file where the day's folder belongs: what comes meanwhile is a
// gap, people are told, and recording goes on by itself.
func TestDiskRefuses(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	dir := t.TempDir()
	a := openArchive(t, dir, archive.Options{})
	c := newContinuous(a, "a")
	var told []bool
	c.OnDisk = func(err error) { told = append(told, err != nil) }
	c.resume()
	block := filepath.Join(dir, "gate")
	if err := os.WriteFile(block, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, au := range unitsOf(media, 0, 40) {
		if au.At.Media == 12*time.Second {
			if err := os.Remove(block); err != nil {
				t.Fatal(err)
			}
		}
		c.write(au)
	}
	c.closeSegment()
	path, rec := recallTo(t, a, whole(0, 40))
	if got := framesIn(t, path); got != rec.Frames || got != 250 { // asked again every 5 s
		t.Errorf("%d frames", got)
	}
	if len(rec.Gaps) != 1 || rec.Gaps[0].Cause != models.CauseDisk || rec.Gaps[0].Lost != 150 || !rec.Gaps[0].To.Equal(instant(15).Wall) {
		t.Errorf("gaps %+v", rec.Gaps)
	}
	if !slices.Equal(told, []bool{true, true, true, false}) {
		t.Errorf("told %v", told)
	}
}

// TestDamageOnDisk flips a bit of a segment: the first recall ends with an error, the next
// leaves that second out and says so.
func TestDamageOnDisk(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	a := openArchive(t, t.TempDir(), archive.Options{})
	newContinuous(a, "a").Record(slices.Values(unitsOf(media, 0, 20)))
	segments, err := a.Segments("gate", whole(0, 20))
	if err != nil || len(segments) != 1 {
		t.Fatal(len(segments), err)
	}
	path := a.Path(segments[0])
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Recall{Archive: a}
	first, _, err := r.Open(t.Context(), "gate", whole(0, 20))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	var damaged *clip.DamagedError
	if _, err := io.Copy(io.Discard, first); !errors.As(err, &damaged) {
		t.Fatalf("read: %v", err)
	}
	second, rec, err := r.Open(t.Context(), "gate", whole(0, 20))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := io.Copy(io.Discard, second); err != nil || rec.Frames != 190 || len(rec.Gaps) != 1 || rec.Gaps[0].Cause != models.CauseDisk {
		t.Errorf("without it: %v, %+v", err, rec)
	}
}

// childArchive names the folder that a child process of TestKilledRecording records into.
const childArchive = "VEDETTE_TEST_ARCHIVE"

// TestRecordingChild is the process that TestKilledRecording kills. It tells each unit's media time
// as soon as the recorder has taken it.
func TestRecordingChild(t *testing.T) {
	dir := os.Getenv(childArchive)
	if dir == "" {
		t.Skip("only TestKilledRecording starts it")
	}
	a := openArchive(t, dir, archive.Options{})
	c := newContinuous(a, os.Getenv("VEDETTE_TEST_AXIS"))
	from, err := strconv.ParseFloat(os.Getenv("VEDETTE_TEST_FROM"), 64)
	if err != nil {
		t.Fatal(err)
	}
	units := unitsOf(camtest.Clip{BFrames: 2}.Load(t), from, from+1800)
	c.resume()
	for _, au := range units {
		c.write(au)
		if err := binary.Write(os.Stderr, binary.BigEndian, int64(au.At.Media)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilled kills a recording process at random instants and goes on. No more than the
// fragment that was being gathered may be missing, it is named, and the rest plays.
// With VEDETTE_SOAK set it does so a thousand times.
func TestKilledRecording(t *testing.T) {
	kills := 5
	if os.Getenv("VEDETTE_SOAK") != "" {
		kills = 1000
	}
	camtest.Clip{BFrames: 2}.Load(t)
	dir := t.TempDir()
	at, frames, worst := 0.0, 0, time.Duration(0)
	for i := range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRecordingChild$")
		cmd.Env = append(os.Environ(), childArchive+"="+dir, fmt.Sprintf("VEDETTE_TEST_FROM=%g", at), "VEDETTE_TEST_AXIS="+strconv.Itoa(i))
		pipe, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(pipe)
		var newest int64
		for range 20 + rand.IntN(900) { // up to a minute and a half of footage
			if err := binary.Read(in, binary.BigEndian, &newest); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for binary.Read(in, binary.BigEndian, &newest) == nil { // what it had taken meanwhile
		}
		_ = cmd.Wait() // killed

		reader := openArchive(t, dir, archive.Options{})
		c := newContinuous(reader, "reader")
		c.resume()
		if left, err := reader.Unfinished("gate"); err != nil || len(left) > 0 {
			t.Fatalf("kill %d left %v, %v", i, left, err)
		}
		seg, ok, err := reader.Newest("gate")
		if err != nil || !ok {
			t.Fatalf("kill %d: nothing is there, %v", i, err)
		}
		missing := instant(0).Add(time.Duration(newest)).Wall.Sub(seg.To)
		worst = max(worst, missing)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		at = float64(int(newest/1e9)) + 3
	}
	if worst > 1500*time.Millisecond {
		t.Errorf("%v of footage missing at the worst kill", worst)
	}
	t.Logf("%d kills, at most %v missing", kills, worst)

	a := openArchive(t, dir, archive.Options{ReadOnly: true})
	segments, err := a.Segments("gate", whole(0, at))
	if err != nil {
		t.Fatal(err)
	}
	restarts := 0
	for _, s := range segments {
		frames += s.Frames
		for _, g := range s.Gaps {
			if g.Cause == models.CauseRestart {
				restarts++
			}
		}
	}
	if restarts != kills-1 {
		t.Errorf("%d gaps of %d restarts are named", restarts, kills-1)
	}
	end := min(at, 3600)
	path, rec := recallTo(t, a, whole(0, end))
	if got := framesIn(t, path); got != rec.Frames || end == at && rec.Frames != frames {
		t.Errorf("%d frames decoded, %d said, %d on record", got, rec.Frames, frames)
	}
}

// BenchmarkRecall opens ten minutes among half an hour and reads the first byte.
func BenchmarkRecall(b *testing.B) {
	a := openArchive(b, b.TempDir(), archive.Options{})
	newContinuous(a, "a").Record(slices.Values(unitsOf(camtest.Clip{FPS: 15}.Load(b), 0, 1800)))
	r := &Recall{Archive: a}
	b.ReportAllocs()
	for b.Loop() {
		from := rand.Float64() * 1200
		video, _, err := r.Open(b.Context(), "gate", whole(from, from+600))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := video.Read(make([]byte, 1)); err != nil {
			b.Fatal(err)
		}
		if err := video.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
