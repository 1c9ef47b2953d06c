package camtest

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestLoadMP4(t *testing.T) {
	for _, tt := range []struct {
		name string
		clip Clip
		keys int
	}{
		{name: "H.264", clip: Clip{}, keys: 4},
		{name: "H.264 with B-frames", clip: Clip{BFrames: 2, GOP: 20}, keys: 2},
		{name: "H.265", clip: Clip{Codec: models.H265}, keys: 4},
		{name: "odd rate", clip: Clip{FPS: 7, Seconds: 3}, keys: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.clip.Load(t)
			fps, seconds := 10, 4
			if tt.clip.FPS != 0 {
				fps, seconds = tt.clip.FPS, tt.clip.Seconds
			}
			if len(m.Units) != fps*seconds || m.Width != 320 || m.Height != 240 {
				t.Errorf("%d units of %dx%d, want %d of 320x240", len(m.Units), m.Width, m.Height, fps*seconds)
			}
			if d := m.Duration() - time.Duration(seconds)*time.Second; d.Abs() > time.Millisecond {
				t.Errorf("lasts %v, want %d s", m.Duration(), seconds)
			}
			keys, shifted, seen := 0, 0, map[int64]bool{}
			for i, u := range m.Units {
				if u.Key {
					keys++
				}
				if u.PTS-u.DTS != m.Units[0].PTS-m.Units[0].DTS {
					shifted++
				}
				if seen[u.PTS] {
					t.Errorf("unit %d: presentation time %d twice", i, u.PTS)
				}
				seen[u.PTS] = true
				if want := int64(i) * ClockRate / int64(fps); u.DTS-want < -1 || u.DTS-want > 1 {
					t.Errorf("unit %d: decoding time %d, want %d", i, u.DTS, want)
				}
			}
			if keys != tt.keys {
				t.Errorf("%d key units, want %d", keys, tt.keys)
			}
			if (shifted > 0) != (tt.clip.BFrames > 0) {
				t.Errorf("%d units out of order with %d B-frames", shifted, tt.clip.BFrames)
			}
		})
	}
}

func TestLoadMP4Refuses(t *testing.T) {
	whole, err := os.ReadFile(Clip{}.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sound := filepath.Join(dir, "sound.mp4")
	if out, err := exec.Command("ffmpeg", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", sound).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	fragments := filepath.Join(dir, "fragments.mp4")
	if out, err := exec.Command("ffmpeg", "-i", Clip{}.Path(t), "-c", "copy", "-movflags", "frag_keyframe+empty_moov", fragments).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, tt := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.mp4"), "no such file"},
		{"empty", file("empty.mp4", nil), "no moov box"},
		{"text", file("text.mp4", []byte("this is not a film at all")), "ends too early"},
		{"cut short", file("cut.mp4", whole[:len(whole)/2]), "ends too early"},
		{"sound only", sound, "no H.264 or H.265 track"},
		{"fragmented", fragments, "fragmented MP4 is not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := LoadMP4(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func FuzzParseMP4(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMP4(data)
		if err != nil {
			return
		}
		if len(m.Units) == 0 || m.Ticks <= 0 {
			t.Fatalf("accepted a media with %d units of %d ticks", len(m.Units), m.Ticks)
		}
		for _, u := range m.Units {
			if len(u.NALUs) == 0 {
				t.Fatal("unit without NAL units")
			}
		}
	})
}

func TestGStreamerEndsWithItsTest(t *testing.T) {
	var address string
	t.Run("serves", func(t *testing.T) {
		u, err := url.Parse(GStreamer(t, Clip{}.Path(t), GStreamerOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		address = u.Host
	})
	if address == "" {
		t.Skip("GStreamer is not present")
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("still serves after its test")
	}
}

// TestGStreamerEndsWithItsStarter closes the pipe and nothing else, as the system does
// when the starting process is killed.
func TestGStreamerEndsWithItsStarter(t *testing.T) {
	cmd := exec.Command("/usr/bin/python3", "-c", gstreamerScript, Clip{}.Path(t), "h264", "0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no Python: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Minute):
		t.Error("still runs after its pipe closed")
		_ = cmd.Process.Kill()
		<-ended
	}
}

func TestCameraRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		cam  *Camera
		want string
	}{
		{"no media", &Camera{}, "camera without media"},
		{"an unknown codec", &Camera{Media: &Media{Codec: "mjpeg", Units: make([]Unit, 1)}}, "not supported"},
		{"an address that is not ours", &Camera{Media: Clip{}.Load(t), Addr: "192.0.2.1:0"}, "listen 192.0.2.1:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.cam.Start(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestCameraStopsWithoutViewers(t *testing.T) {
	cam := &Camera{Media: Clip{}.Load(t)}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	cam.Stop()
	cam.Stop()
	select {
	case <-cam.Done():
		t.Error("says that it played to the end")
	default:
	}
}
