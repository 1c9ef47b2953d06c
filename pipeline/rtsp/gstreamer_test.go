package rtsp_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// TestSourceReadsGStreamer reads from a server that we did not write, by TCP and UDP.
func TestSourceReadsGStreamer(t *testing.T) {
	const n = 45
	for _, tt := range []struct {
		name string
		path func(*testing.T) string
		opt  camtest.GStreamerOptions
		src  func(*rtsp.Source)
	}{
		{name: "drawn", path: func(t *testing.T) string { return camtest.Clip{Seconds: 6, BFrames: 2}.Path(t) }},
		{name: "drawn, H.265", path: func(t *testing.T) string { return camtest.Clip{Codec: models.H265, Seconds: 6, BFrames: 2}.Path(t) },
			opt: camtest.GStreamerOptions{Codec: models.H265}},
		{name: "drawn, digest authentication", path: func(t *testing.T) string { return camtest.Clip{Seconds: 6}.Path(t) },
			opt: camtest.GStreamerOptions{User: "viewer", Pass: "p@ss/w:rd"}},
		{name: "PETS", path: func(t *testing.T) string { return footage.Path(t, "pets/pets_s2l1.mp4") }},
		{name: "PETS by UDP", path: func(t *testing.T) string { return footage.Path(t, "pets/pets_s2l1.mp4") },
			src: func(s *rtsp.Source) { s.Transport = rtsp.UDP }},
		{name: "one by one, with B-frames", path: func(t *testing.T) string { return footage.Path(t, "clips/one_by_one_person.mp4") },
			opt: camtest.GStreamerOptions{ParamsInterval: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tt.path(t)
			m, err := camtest.LoadMP4(path)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(camtest.GStreamer(t, path, tt.opt))
			if err != nil {
				t.Fatal(err)
			}
			if tt.opt.User != "" {
				u.User = url.UserPassword(tt.opt.User, tt.opt.Pass)
			}
			src := &rtsp.Source{URL: u.String()}
			if tt.src != nil {
				tt.src(src)
			}
			v := watch(t, src, nil)
			units := v.count(t, n)
			lost := src.Transport == rtsp.UDP && src.Stats().Lost > 0
			at := 0
			for i, au := range units {
				if au.Loss != nil && !lost {
					t.Errorf("unit %d: loss %+v", i, au.Loss)
				}
				for lost && at < len(m.Units)-1 && !endsWith(au.NALUs, m.Units[at].NALUs) {
					at++
				}
				want := m.Units[at]
				if !endsWith(au.NALUs, want.NALUs) || au.Key != want.Key {
					t.Fatalf("unit %d: not the file's (key %v, want %v)", i, au.Key, want.Key)
				}
				media := time.Duration(want.PTS-m.Units[0].PTS) * time.Second / camtest.ClockRate
				if d := au.At.Media - media; !lost && d.Abs() > time.Millisecond {
					t.Errorf("unit %d: media time %v, want %v", i, au.At.Media, media)
				}
				at++
			}
			_, states := v.until(t, "a state", func(_ []models.AccessUnit, s []rtsp.State) bool { return len(s) > 0 })
			last := states[len(states)-1]
			if last.Codec != m.Codec || last.Width != m.Width || last.Height != m.Height {
				t.Errorf("state %+v, want %s %dx%d", last, m.Codec, m.Width, m.Height)
			}
			// GStreamer reports its clock after a few seconds.
			v.until(t, "the camera's clock", func(units []models.AccessUnit, _ []rtsp.State) bool {
				return units[len(units)-1].Clock == models.ClockCamera
			})
			// Generous: the server and we share a busy machine, and pictures wait.
			if st := src.Stats(); !st.OffsetKnown || st.Offset.Abs() > 10*time.Second {
				t.Errorf("a clock of this machine is %v off", st.Offset)
			}
		})
	}
}

// endsWith says whether a unit is that of the file, parameter sets before it aside.
func endsWith(got, want [][]byte) bool {
	return len(got) >= len(want) && sameNALUs(got[len(got)-len(want):], want)
}
