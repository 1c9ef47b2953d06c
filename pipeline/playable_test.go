package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	films "github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

// masterClip writes a clip as the recorder does, with 7 s lost after the first loop of the
// footage, and returns the incident that names it.
func masterClip(t *testing.T, media *camtest.Media, loops int) (path string, in models.Incident) {
	t.Helper()
	dir := t.TempDir()
	growing := filepath.Join(dir, "clip.fmp4")
	w, err := clip.Create(growing, clip.WriterOptions{Meta: clip.Meta{Title: "North gate"}})
	if err != nil {
		t.Fatal(err)
	}
	lost := time.Duration(0)
	for loop := range loops {
		for i, u := range media.Units {
			at := instant(float64(u.PTS+int64(loop)*media.Ticks) / camtest.ClockRate)
			au := models.AccessUnit{Camera: "gate", Codec: media.Codec, Session: 1, Clock: models.ClockCamera, Key: u.Key, NALUs: u.NALUs}
			if u.Key {
				au.NALUs = append(slices.Clone(media.Params), u.NALUs...)
			}
			if loop == 1 && i == 0 {
				lost = 7 * time.Second
				au.Loss = &models.Gap{From: at.Wall, To: at.Wall.Add(lost), Cause: models.CausePacketLoss, Lost: 40}
			}
			au.At = at.Add(lost)
			au.Arrival = au.At.Wall
			if err := w.Write(au); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "clip.mp4")
	info, err := clip.Faststart(growing, path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return path, models.Incident{ID: "20260102T030415.000Z-gate", Camera: "gate", Footage: models.Footage{
		State: models.FootageStored, Codec: media.Codec, From: info.From, To: info.To, Frames: info.Frames, Gaps: info.Gaps,
		Objects: []models.Object{{Role: models.RoleClip, Key: "incidents/1/clip.mp4", Type: "video/mp4", Size: int64(len(data)),
			SHA256: hex.EncodeToString(sum[:])}},
	}}
}

// playable serves one file as the clip of every incident.
func playable(t *testing.T, path string) (p *Playable, opened *atomic.Int64) {
	t.Helper()
	if _, err := decode.NewEncoder(decode.EncoderOptions{}); errors.Is(err, decode.ErrNoEncoder) {
		t.Skip(err)
	}
	opened = &atomic.Int64{}
	return &Playable{Dir: filepath.Join(t.TempDir(), "playable"), Open: func(_ context.Context, in models.Incident) (io.ReadSeekCloser, models.Object, error) {
		opened.Add(1)
		f, err := os.Open(path)
		if err != nil {
			return nil, models.Object{}, err
		}
		return f, in.Footage.Objects[0], nil
	}}, opened
}

// times are the moments of a clip in presentation order.
func times(t *testing.T, path string) []models.Instant {
	t.Helper()
	var all []models.Instant
	if err := clip.Moments(path, func(m clip.Moment) { all = append(all, models.Instant{Media: m.Media, Wall: m.Wall}) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b models.Instant) int { return int(a.Media - b.Media) })
	return all
}

// The copy of an H.265 clip has the same pictures at the same times, the same gap, says
// that it is a copy in words and in its description, and leaves the master as it was.
func TestPlayableCopyOfH265(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{Codec: models.H265, BFrames: 2}.Load(t), 2)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, opened := playable(t, path)
	if !p.Needed(in) {
		t.Error("H.265 needs no copy?")
	}
	got, o, err := p.Copy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the master was changed: %v", err)
	}
	data, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != o.SHA256 || int64(len(data)) != o.Size || o.Role != models.RoleCopy {
		t.Errorf("the copy is not what it is said to be: %+v", o)
	}
	info, err := clip.Stat(got)
	if err != nil {
		t.Fatal(err)
	}
	want := "Copy, not the original, master SHA-256 " + in.Footage.Objects[0].SHA256 + ": North gate"
	if info.Codec != models.H264 || info.Frames != in.Footage.Frames || info.Meta.Title != want || info.Clock != models.ClockCamera || info.Meta.Camera != "gate" {
		t.Errorf("got %+v", info)
	}
	if len(info.Gaps) != 1 || info.Gaps[0].Cause != models.CausePacketLoss || info.Gaps[0].Lost != 40 || info.Gaps[0].To.Sub(info.Gaps[0].From) != 7*time.Second {
		t.Errorf("the copy has gaps %v, the master %v", info.Gaps, in.Footage.Gaps)
	}
	theirs, ours := times(t, path), times(t, got)
	if len(theirs) != len(ours) {
		t.Fatalf("%d pictures of %d", len(ours), len(theirs))
	}
	for i := range theirs {
		if theirs[i].Media != ours[i].Media || !theirs[i].Wall.Equal(ours[i].Wall) {
			t.Fatalf("picture %d at %v, in the master %v", i, ours[i], theirs[i])
		}
	}
	checkMarked(t, got)

	if again, o2, err := p.Copy(t.Context(), in); err != nil || again != got || o2 != o {
		t.Errorf("asked again: %s, %+v, %v", again, o2, err)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("the master was read %d times", n)
	}
	if left, _ := filepath.Glob(filepath.Join(p.Dir, "*")); len(left) != 2 {
		t.Errorf("left in the folder: %v", left)
	}
}

// checkMarked looks for the dark strip with bright words in the last picture.
func checkMarked(t *testing.T, path string) {
	t.Helper()
	film, err := decode.OpenFile(path, decode.Options{TargetSide: -1, LoopFilter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer film.Close()
	var last models.Frame
	for {
		f, err := film.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = f
	}
	p, dark, bright := last.Picture, 0, 0
	for y := p.Rect.Dy() - 10; y < p.Rect.Dy(); y++ {
		for x := p.Rect.Dx() - 100; x < p.Rect.Dx(); x++ {
			switch v := p.Y[y*p.YStride+x]; {
			case v < 75:
				dark++
			case v > 170:
				bright++
			}
		}
	}
	if dark < 300 || bright < 50 {
		t.Errorf("no mark at the edge: %d dark and %d bright pixels", dark, bright)
	}
}

// All who want the same copy wait for one; one who leaves does not end it for the others,
// and when all have left it is given up and leaves nothing behind.
func TestPlayableIsMadeOnce(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{Codec: models.H265}.Load(t), 3)
	p, opened := playable(t, path)
	begun := make(chan struct{})
	var once sync.Once
	p.OnProgress = func(models.IncidentID, int, int) { once.Do(func() { close(begun) }) }
	leaving, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := p.Copy(leaving, in); !errors.Is(err, context.Canceled) {
			t.Errorf("one who left got %v", err)
		}
	})
	<-begun
	for range 4 {
		wg.Go(func() {
			if _, _, err := p.Copy(t.Context(), in); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < 5; { // until all of them wait
		p.mu.Lock()
		waiting = 0
		for _, m := range p.making {
			waiting = m.waiting
		}
		done := len(p.making) == 0
		p.mu.Unlock()
		if done {
			break
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the four never asked")
		}
	}
	leave()
	wg.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("the master was read %d times", n)
	}

	other, otherIn := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 6}.Load(t), 4)
	q, _ := playable(t, other)
	gone, leave := context.WithCancel(t.Context())
	q.OnProgress = func(models.IncidentID, int, int) { leave() }
	if _, _, err := q.Copy(gone, otherIn); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was given up", err)
	}
	for deadline := time.After(5 * time.Minute); ; {
		left, _ := filepath.Glob(filepath.Join(q.Dir, "*"))
		if len(left) == 0 {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("given up, but left behind: %v", left)
		}
	}
}

// Somebody who asks again and again instead of waiting gets the copy that the first call
// began, and is told how far it is.
func TestPlayableLingers(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 6}.Load(t), 4)
	p, opened := playable(t, path)
	p.Linger = time.Minute
	if done, total := p.Progress(in); done != 0 || total != 0 {
		t.Errorf("before anybody asked %d of %d are made", done, total)
	}
	first, leave := context.WithCancel(t.Context())
	told := false
	p.OnProgress = func(models.IncidentID, int, int) {
		if !told {
			told = true
			if done, total := p.Progress(in); done < 1 || total < done {
				t.Errorf("%d of %d are made", done, total)
			}
			leave()
		}
	}
	if _, _, err := p.Copy(first, in); !errors.Is(err, context.Canceled) {
		t.Errorf("one who left got %v", err)
	}
	if _, _, err := p.Copy(t.Context(), in); err != nil {
		t.Error(err)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("the master was read %d times", n)
	}
	// Nobody comes back: it is given up.
	other, otherIn := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 6}.Load(t), 5)
	q, _ := playable(t, other)
	q.Linger = time.Millisecond
	gone, leave := context.WithCancel(t.Context())
	q.OnProgress = func(models.IncidentID, int, int) { leave() }
	if _, _, err := q.Copy(gone, otherIn); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was given up", err)
	}
	for deadline := time.After(5 * time.Minute); ; {
		if left, _ := filepath.Glob(filepath.Join(q.Dir, "*")); len(left) == 0 {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("nobody came back, but it was not given up")
		}
	}
}

// The oldest copies make room for new ones, and one that was damaged is made again.
func TestPlayableLimit(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 2}.Load(t), 1)
	p, opened := playable(t, path)
	first, o, err := p.Copy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(first, o.Size/2); err != nil {
		t.Fatal(err)
	}
	if _, again, err := p.Copy(t.Context(), in); err != nil || again.Size < o.Size/2 || opened.Load() != 2 {
		t.Errorf("a damaged copy: %+v, %v, master read %d times", again, err, opened.Load())
	}
	p.Limit = o.Size + 100
	other, otherIn := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 2}.Load(t), 2)
	p.Open = func(context.Context, models.Incident) (io.ReadSeekCloser, models.Object, error) {
		f, err := os.Open(other)
		return f, otherIn.Footage.Objects[0], err
	}
	second, _, err := p.Copy(t.Context(), otherIn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest copy is still there: %v", err)
	}
	if _, err := os.Stat(second); err != nil {
		t.Error(err)
	}
}

// Of a file that is not the evidence no copy is made.
func TestPlayableRefusesAnAlteredMaster(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{Codec: models.H265, Seconds: 2}.Load(t), 1)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := playable(t, path)
	if _, _, err := p.Copy(t.Context(), in); err == nil {
		t.Error("a copy was made of an altered master")
	}
	if left, _ := filepath.Glob(filepath.Join(p.Dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Browsers play the usual profiles of H.264 and refuse the others.
func TestPlayableNeeded(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not present: make setup installs it")
	}
	for _, c := range []struct {
		profile, pixels string
		want            bool
	}{{"baseline", "yuv420p", false}, {"main", "yuv420p", false}, {"high", "yuv420p", false},
		{"high10", "yuv420p10le", true}, {"high422", "yuv422p", true}} {
		t.Run(c.profile, func(t *testing.T) {
			src := filepath.Join(t.TempDir(), "src.mp4")
			out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=1",
				"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-profile:v", c.profile, "-pix_fmt", c.pixels, src).CombinedOutput()
			if err != nil {
				t.Skipf("this ffmpeg makes no %s: %v %s", c.profile, err, out)
			}
			media, err := camtest.LoadMP4(src)
			if err != nil {
				t.Fatal(err)
			}
			path, in := masterClip(t, media, 1)
			p, opened := playable(t, path)
			for range 2 {
				if got := p.Needed(in); got != c.want {
					t.Errorf("needed: %v, want %v", got, c.want)
				}
			}
			if n := opened.Load(); n != 1 {
				t.Errorf("looked %d times", n)
			}
			if !c.want {
				return
			}
			if _, _, err := p.Copy(t.Context(), in); err != nil {
				t.Errorf("copy of %s: %v", c.profile, err)
			}
		})
	}
	recording := models.Incident{Footage: models.Footage{State: models.FootageRecording, Codec: models.H264}}
	p, _ := playable(t, "")
	if p.Needed(recording) {
		t.Error("a clip that is still being written needs a copy?")
	}
}

// Chromium, which has no H.265, plays the copy to its end.
func TestChromiumPlaysTheCopy(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("chromium is not present: %v", err)
	}
	path, in := masterClip(t, camtest.Clip{Codec: models.H265, BFrames: 2}.Load(t), 1)
	p, _ := playable(t, path)
	copied, _, err := p.Copy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	saw := make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clip.mp4", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, copied) })
	mux.HandleFunc("POST /saw", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case saw <- string(b):
		default: // it has said so already
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><video muted src="/clip.mp4"></video><script>
const v = document.querySelector('video')
const say = () => fetch('/saw', {method: 'POST', body: (v.error ? v.error.message : '') + Math.round(v.currentTime) + ' s ' + v.videoWidth + 'x' + v.videoHeight})
v.onended = v.onerror = say
v.playbackRate = 4
v.play().catch(say)
</script>`)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--autoplay-policy=no-user-gesture-required", "--user-data-dir="+filepath.Join(t.TempDir(), "chromium"),
		"--remote-debugging-port=0", srv.URL) // the port keeps it from leaving at once
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with all its helpers
		_ = cmd.Wait()
	}()
	select {
	case got := <-saw:
		if got != "4 s 320x240" {
			t.Errorf("Chromium saw %q", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("Chromium has not played the copy in a minute")
	}
}

// A copy of real footage keeps every picture. The footage has B-frames.
func TestPlayableCopyOfRealFootage(t *testing.T) {
	media, err := camtest.LoadMP4(films.Path(t, "clips/mall_corridor.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	path, in := masterClip(t, media, 1)
	p, _ := playable(t, path)
	got, _, err := p.Copy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if theirs, ours := times(t, path), times(t, got); len(theirs) != len(ours) {
		t.Errorf("%d pictures of %d", len(ours), len(theirs))
	}
}
