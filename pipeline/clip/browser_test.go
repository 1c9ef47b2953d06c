package clip

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// page plays a clip to its end and then tells the test what it saw.
const page = `<!doctype html><title>clip</title><video muted src="/clip.mp4"></video><script>
const v = document.querySelector('video')
const say = () => fetch('/saw', {method: 'POST', body: JSON.stringify({
  error: v.error ? v.error.message : '', duration: v.duration, time: v.currentTime,
  width: v.videoWidth, height: v.videoHeight})})
v.onended = v.onerror = say
v.playbackRate = 4
v.play().catch(say)
</script>`

type seen struct {
	Error         string  `json:"error"`
	Duration      float64 `json:"duration"`
	Time          float64 `json:"time"`
	Width, Height int
}

// Chromium plays the clips to their end, also one whose resolution changes.
func TestChromiumPlays(t *testing.T) {
	tool(t, "chromium")
	changing := append(stream(t, "h264"), shift(stream(t, "h264-large"), 6*time.Second)...)
	growing, plain, _ := write(t, stream(t, "h264"), WriterOptions{})
	_, reordered, _ := write(t, stream(t, "h264-bframes"), WriterOptions{})
	_, changed, _ := write(t, changing, WriterOptions{})
	for _, c := range []struct {
		name, path string
		want       seen
	}{
		{"finished", plain, seen{Duration: 6, Time: 6, Width: 320, Height: 240}},
		{"finished, with B-frames", reordered, seen{Duration: 6, Time: 6, Width: 320, Height: 240}},
		{"growing", growing, seen{Duration: 6, Time: 6, Width: 320, Height: 240}},
		{"resolution changes", changed, seen{Duration: 12, Time: 12, Width: 640, Height: 480}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := play(t, c.path)
			got.Duration = math.Round(got.Duration*100) / 100
			got.Time = math.Round(got.Time*100) / 100
			if got != c.want {
				t.Errorf("Chromium saw %+v, want %+v", got, c.want)
			}
		})
	}
}

// play lets Chromium play a clip.
func play(t *testing.T, path string) seen {
	t.Helper()
	saw := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clip.mp4", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeFile(w, r, path)
	})
	mux.HandleFunc("POST /saw", func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		select {
		case saw <- b:
		default: // it has said so already
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--autoplay-policy=no-user-gesture-required", "--user-data-dir="+filepath.Join(sources(), "chromium"),
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
	case b := <-saw:
		var s seen
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		return s
	case <-time.After(time.Minute):
		t.Fatal("Chromium has not played the clip in a minute")
		return seen{}
	}
}
