package rtsp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// patience bounds what a test may take on a busy machine; nothing waits for it to pass.
const patience = 5 * time.Minute

var errEnough = errors.New("enough")

// TestMain fails when a Source or a camera leaves a goroutine behind.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline, tick := time.After(10*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for code == 0 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("gortsplib")) && !bytes.Contains(stacks, []byte("pipeline/rtsp.(")) {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			fmt.Printf("goroutines left behind:\n%s", stacks)
			code = 1
		}
	}
	os.Exit(code)
}

// viewer runs a Source and keeps what it reports.
type viewer struct {
	src    *rtsp.Source
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	change chan struct{} // closed at each news
	units  []models.AccessUnit
	states []rtsp.State
	log    bytes.Buffer
}

// watch starts src; the test's end stops it. stop, when not nil, ends the run by an error
// of emit.
func watch(t *testing.T, src *rtsp.Source, stop func(models.AccessUnit) error) *viewer {
	t.Helper()
	v := &viewer{src: src, ended: make(chan error, 1), change: make(chan struct{})}
	src.Camera = "gate"
	src.OnState = func(s rtsp.State) { v.news(func() { v.states = append(v.states, s) }) }
	src.Log = slog.New(slog.NewTextHandler(v, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	go func() {
		v.ended <- src.Run(ctx, func(au models.AccessUnit) error {
			v.news(func() { v.units = append(v.units, au) })
			if stop != nil {
				return stop(au)
			}
			return nil
		})
		close(v.ended)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-v.ended:
		case <-time.After(patience):
			t.Error("Run did not return after its context ended")
		}
		if t.Failed() {
			v.mu.Lock()
			defer v.mu.Unlock()
			t.Logf("log:\n%s", v.log.String())
			for _, s := range v.states {
				t.Logf("state: %+v", s)
			}
		}
	})
	return v
}

// Write takes the log.
func (v *viewer) Write(b []byte) (int, error) {
	v.news(func() { v.log.Write(b) })
	return len(b), nil
}

func (v *viewer) news(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	close(v.change)
	v.change = make(chan struct{})
}

// until waits for what has happened so far to satisfy ok.
func (v *viewer) until(t *testing.T, what string, ok func(units []models.AccessUnit, states []rtsp.State) bool) ([]models.AccessUnit, []rtsp.State) {
	t.Helper()
	deadline := time.After(patience)
	for {
		v.mu.Lock()
		units, states, change := v.units[:len(v.units):len(v.units)], v.states[:len(v.states):len(v.states)], v.change
		v.mu.Unlock()
		if ok(units, states) {
			return units, states
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("still not: %s; %d units, stats %+v", what, len(units), v.src.Stats())
		}
	}
}

// count waits for n units.
func (v *viewer) count(t *testing.T, n int) []models.AccessUnit {
	t.Helper()
	units, _ := v.until(t, "enough units", func(units []models.AccessUnit, _ []rtsp.State) bool { return len(units) >= n })
	return units[:n]
}

// fails waits for a state whose error contains text.
func (v *viewer) fails(t *testing.T, text string) rtsp.State {
	t.Helper()
	_, states := v.until(t, "an error with "+text, func(_ []models.AccessUnit, states []rtsp.State) bool {
		last := states[max(0, len(states)-1):]
		return len(last) > 0 && last[0].Err != nil && strings.Contains(last[0].Err.Error(), text)
	})
	return states[len(states)-1]
}

func start(t *testing.T, cam *camtest.Camera) *camtest.Camera {
	t.Helper()
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	return cam
}

// sameNALUs says whether the stream brought the file's own NAL units.
func sameNALUs(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// withoutMarker loops, because only the next picture ends the last one.
func withoutMarker(cam *camtest.Camera, _ *rtsp.Source) { cam.NoMarker, cam.Loop = true, true }

func TestSourceDeliversTheFileBitForBit(t *testing.T) {
	for _, tt := range []struct {
		name string
		clip camtest.Clip
		set  func(*camtest.Camera, *rtsp.Source)
	}{
		{name: "H.264"},
		{name: "H.264 with B-frames", clip: camtest.Clip{BFrames: 2}},
		{name: "H.264 with slices and no marker", clip: camtest.Clip{Slices: 4}, set: withoutMarker},
		{name: "H.265", clip: camtest.Clip{Codec: models.H265}},
		{name: "H.265 with B-frames and no marker", clip: camtest.Clip{Codec: models.H265, BFrames: 2}, set: withoutMarker},
		{name: "timestamps that wrap around", set: func(cam *camtest.Camera, _ *rtsp.Source) { cam.FirstTimestamp = 1<<32 - camtest.ClockRate }},
		{name: "UDP", set: func(cam *camtest.Camera, src *rtsp.Source) { cam.UDP, src.Transport = true, rtsp.UDP }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := tt.clip.Load(t)
			cam, src := &camtest.Camera{Media: m, Speed: 4}, &rtsp.Source{}
			if tt.set != nil {
				tt.set(cam, src)
			}
			start(t, cam)
			src.URL = cam.URL()
			units := watch(t, src, nil).count(t, len(m.Units))
			for i, au := range units {
				want := m.Units[i]
				got := au.NALUs
				if au.Key != want.Key {
					t.Fatalf("unit %d: key %v, want %v", i, au.Key, want.Key)
				}
				if au.Key { // the file keeps the parameter sets in its header
					got = got[len(got)-len(want.NALUs):]
				}
				if !sameNALUs(got, want.NALUs) {
					t.Fatalf("unit %d: other NAL units than the file's", i)
				}
				media := time.Duration(want.PTS-m.Units[0].PTS) * time.Second / camtest.ClockRate
				if d := au.At.Media - media; d.Abs() > time.Microsecond {
					t.Fatalf("unit %d: media time %v, want %v", i, au.At.Media, media)
				}
				if au.Camera != "gate" || au.Codec != m.Codec || au.Session != 1 || au.Loss != nil {
					t.Fatalf("unit %d: %v %v session %d loss %v", i, au.Camera, au.Codec, au.Session, au.Loss)
				}
			}
			if !cam.Loop {
				<-cam.Done()
			}
			if st := src.Stats(); st.Lost != 0 || st.Discarded != 0 || st.Malformed != 0 || st.Sessions != 1 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestSourceSeesNoSeamInALoop(t *testing.T) {
	m := camtest.Clip{FPS: 7, Seconds: 1, GOP: 7, BFrames: 2}.Load(t)
	cam := start(t, &camtest.Camera{Media: m, Loop: true, Speed: 4})
	units := watch(t, &rtsp.Source{URL: cam.URL()}, nil).count(t, 5*len(m.Units))
	var shown []time.Duration
	for _, au := range units {
		if au.Loss != nil {
			t.Errorf("loss %+v", au.Loss)
		}
		shown = append(shown, au.At.Media)
	}
	slices.Sort(shown)
	for i := 1; i < len(shown); i++ {
		if d := shown[i] - shown[i-1] - time.Second/7; d.Abs() > 50*time.Microsecond {
			t.Errorf("picture %d is shown %v after the one before", i, shown[i]-shown[i-1])
		}
	}
}

func TestSourceEndsWithTheErrorOfEmit(t *testing.T) {
	cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Speed: 4})
	v := watch(t, &rtsp.Source{URL: cam.URL()}, func(models.AccessUnit) error { return errEnough })
	if err := <-v.ended; !errors.Is(err, errEnough) {
		t.Errorf("Run returned %v, want the error of emit", err)
	}
	if n := len(v.units); n != 1 {
		t.Errorf("%d units after emit refused the first", n)
	}
}

func TestSourceEndsWithItsContext(t *testing.T) {
	cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true})
	v := watch(t, &rtsp.Source{URL: cam.URL()}, nil)
	v.count(t, 2)
	v.cancel()
	if err := <-v.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
}

func TestSourceAuthenticates(t *testing.T) {
	// No colon, which gortsplib's server does not understand in basic authentication.
	const user, pass = "viewer", "p@ss/w rd%20#1"
	for _, tt := range []struct {
		name string
		auth camtest.Auth
	}{{"basic", camtest.AuthBasic}, {"digest", camtest.AuthDigest}, {"either", camtest.AuthEither}} {
		t.Run(tt.name, func(t *testing.T) {
			cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Speed: 4, User: user, Pass: pass, Auth: tt.auth})
			v := watch(t, &rtsp.Source{URL: cam.URLWithCredentials()}, nil)
			v.count(t, 3)
		})
		t.Run(tt.name+", wrong password", func(t *testing.T) {
			cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), User: user, Pass: "another", Auth: tt.auth})
			u, _ := url.Parse(cam.URL())
			u.User = url.UserPassword(user, pass)
			v := watch(t, &rtsp.Source{URL: u.String()}, nil)
			st := v.fails(t, "refused the user name or password (401)")
			if st.Connection != models.Disconnected {
				t.Errorf("state %+v", st)
			}
			for _, secret := range []string{pass, "p@ss", url.QueryEscape(pass), url.PathEscape(pass), "w rd", "w%20rd"} {
				if v.mu.Lock(); strings.Contains(v.log.String(), secret) || strings.Contains(st.Err.Error(), secret) {
					t.Errorf("the password shows: %s", v.log.String())
				}
				v.mu.Unlock()
			}
		})
	}
}
