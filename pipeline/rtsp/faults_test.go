package rtsp_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// sessionsOf waits for units of a second session and returns the last unit of the first
// and the first of the second.
func (v *viewer) sessionsOf(t *testing.T) (last, first models.AccessUnit) {
	t.Helper()
	units, _ := v.until(t, "a second session", func(units []models.AccessUnit, _ []rtsp.State) bool {
		return len(units) > 0 && units[len(units)-1].Session == 2
	})
	for i, au := range units {
		if au.Session == 2 {
			return units[i-1], au
		}
	}
	panic("unreachable")
}

func checkReconnected(t *testing.T, last, first models.AccessUnit, note string) {
	t.Helper()
	if !first.Key {
		t.Error("the second session does not begin with a key unit")
	}
	if first.Loss == nil || first.Loss.Cause != models.CauseCameraLost {
		t.Fatalf("loss %+v, want the time without connection", first.Loss)
	}
	if !strings.Contains(first.Loss.Note, note) {
		t.Errorf("note %q, want %q in it", first.Loss.Note, note)
	}
	away := first.Arrival.Sub(last.Arrival)
	if d := first.At.Media - last.At.Media; (d - away).Abs() > 200*time.Millisecond {
		t.Errorf("media time went on by %v while %v passed", d, away)
	}
	if d := first.Loss.To.Sub(first.Loss.From); (d - away).Abs() > 200*time.Millisecond {
		t.Errorf("a gap of %v while %v passed", d, away)
	}
	if !first.Loss.To.Equal(first.At.Wall) {
		t.Errorf("the gap ends at %v, the unit is of %v", first.Loss.To, first.At.Wall)
	}
}

func TestSourceReconnects(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*camtest.Camera)
		note string
	}{
		{"after a reset", func(c *camtest.Camera) { c.ResetAfter = 7 }, "the camera reset the connection"},
		{"after a stall in the middle of a GOP", func(c *camtest.Camera) { c.StallAfter = 5 }, "no whole picture for 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cam := &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true}
			tt.set(cam)
			start(t, cam)
			v := watch(t, &rtsp.Source{URL: cam.URL(), Timeout: time.Second}, nil)
			last, first := v.sessionsOf(t)
			checkReconnected(t, last, first, tt.note)
			_, states := v.until(t, "connected again", func(_ []models.AccessUnit, s []rtsp.State) bool { return s[len(s)-1].Connection == models.Connected })
			var got []models.Connection
			for _, s := range states {
				got = append(got, s.Connection)
			}
			want := []models.Connection{models.Connecting, models.Connected, models.Disconnected, models.Connecting, models.Connected}
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("states %v, want %v", got, want)
			}
			if st := v.src.Stats(); st.Sessions != 2 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestSourceWaitsForTheCameraToComeBack(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	cam := &camtest.Camera{Media: media, Loop: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	stop := cam.Stop
	defer func() { stop() }()
	v := watch(t, &rtsp.Source{URL: cam.URL(), Timeout: 2 * time.Second}, nil)
	v.count(t, 3)
	address := strings.TrimSuffix(strings.TrimPrefix(cam.URL(), "rtsp://"), "/cam")
	cam.Stop()
	stop = func() {}
	v.fails(t, "connection refused")
	start(t, &camtest.Camera{Media: media, Loop: true, Addr: address})
	last, first := v.sessionsOf(t)
	checkReconnected(t, last, first, "connection refused")
}

func TestSourceSurvivesGarbageInTheConnection(t *testing.T) {
	cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true, Speed: 2, GarbageAfter: 12})
	v := watch(t, &rtsp.Source{URL: cam.URL(), Timeout: 2 * time.Second}, nil)
	units := v.count(t, 60)
	losses := 0
	for i, au := range units {
		if au.Loss != nil {
			losses++
		}
		if i > 0 && au.At.Media <= units[i-1].At.Media {
			t.Errorf("unit %d: media time %v after %v", i, au.At.Media, units[i-1].At.Media)
		}
	}
	if losses == 0 {
		t.Error("the noise cost pictures and nobody says so")
	}
}

func TestSourceNamesLostPackets(t *testing.T) {
	m := camtest.Clip{Width: 640, Height: 480}.Load(t)
	for _, transport := range []string{rtsp.TCP, rtsp.UDP} {
		t.Run(transport, func(t *testing.T) {
			dropped := 0
			cam := start(t, &camtest.Camera{Media: m, Speed: 4, Loop: true, UDP: transport == rtsp.UDP, Drop: func(seq int) bool {
				if seq%17 == 16 && seq < 200 {
					dropped++ // by the camera's one goroutine, read after Stop
					return true
				}
				return false
			}})
			v := watch(t, &rtsp.Source{URL: cam.URL(), Transport: transport}, nil)
			units := v.count(t, len(m.Units))
			lost, i := 0, 0
			for _, au := range units {
				if au.Loss != nil {
					if au.Loss.Cause != models.CausePacketLoss || au.Loss.Lost == 0 || au.Loss.To.Before(au.Loss.From) {
						t.Errorf("loss %+v", au.Loss)
					}
					lost += au.Loss.Lost
				}
				// What is delivered is whole: it equals a unit of the file, in order.
				got := au.NALUs
				for {
					want := m.Units[i%len(m.Units)].NALUs
					i++
					if len(got) >= len(want) && sameNALUs(got[len(got)-len(want):], want) {
						break
					}
					if i > 2*len(m.Units) {
						t.Fatal("a unit that the file does not have")
					}
				}
			}
			st := v.src.Stats()
			v.cancel()
			<-v.ended
			cam.Stop()
			if lost != dropped || st.Lost != uint64(dropped) || st.Discarded == 0 {
				t.Errorf("%d packets dropped; gaps say %d, stats %+v", dropped, lost, st)
			}
		})
	}
}

func TestSourceFollowsTheStream(t *testing.T) {
	small, large := camtest.Clip{}.Load(t), camtest.Clip{Width: 4096, Height: 2160, FPS: 5, Seconds: 1}.Load(t)
	t.Run("to 4096x2160", func(t *testing.T) {
		t.Parallel()
		cam := start(t, &camtest.Camera{Media: small, Loop: true, Speed: 2, Alter: func(i int, u camtest.Unit) camtest.Unit {
			if i > 10 {
				src := large.Units[(i-11)%len(large.Units)]
				u.NALUs, u.Key = src.NALUs, src.Key
				if u.Key {
					u.NALUs = slices.Concat(large.Params, u.NALUs)
				}
			}
			return u
		}})
		v := watch(t, &rtsp.Source{URL: cam.URL()}, nil)
		_, states := v.until(t, "the new size", func(_ []models.AccessUnit, s []rtsp.State) bool { return len(s) > 0 && s[len(s)-1].Width == 4096 })
		if last := states[len(states)-1]; last.Height != 2160 || last.Connection != models.Connected || last.Session != 1 {
			t.Errorf("state %+v", last)
		}
		v.count(t, 15)
	})
	t.Run("over a jump of its timestamps", func(t *testing.T) {
		t.Parallel()
		cam := start(t, &camtest.Camera{Media: small, Loop: true, Alter: func(i int, u camtest.Unit) camtest.Unit {
			if i > 10 {
				u.PTS += 3600 * camtest.ClockRate
			}
			return u
		}})
		units := watch(t, &rtsp.Source{URL: cam.URL()}, nil).count(t, 20)
		if d := units[19].At.Media - units[0].At.Media; (d - 1900*time.Millisecond).Abs() > time.Second {
			t.Errorf("20 units at 10 a second took %v", d)
		}
		if l := units[10].Loss; l == nil || l.Cause != models.CauseStream || !strings.Contains(l.Note, "jumped") {
			t.Errorf("loss %+v", l)
		}
	})
	t.Run("past an access unit of 9 MiB", func(t *testing.T) {
		t.Parallel()
		cam := start(t, &camtest.Camera{Media: small, Loop: true, Alter: func(i int, u camtest.Unit) camtest.Unit {
			if i == 5 {
				u.NALUs = [][]byte{append(slices.Clone(u.NALUs[len(u.NALUs)-1]), make([]byte, 9<<20)...)}
			}
			return u
		}})
		v := watch(t, &rtsp.Source{URL: cam.URL()}, nil)
		units := v.count(t, 8)
		if l := units[4].Loss; l == nil || l.Cause != models.CauseStream || l.Lost != 1 {
			t.Errorf("loss %+v", l)
		}
		if st := v.src.Stats(); st.Discarded != 1 || st.Malformed != 1 {
			t.Errorf("stats %+v", st)
		}
	})
	t.Run("without parameter sets in the session description", func(t *testing.T) {
		t.Parallel()
		cam := start(t, &camtest.Camera{Media: small, Loop: true, Speed: 2, NoParams: true, Alter: func(i int, u camtest.Unit) camtest.Unit {
			if u.Key && i > 20 {
				u.NALUs = slices.Concat(small.Params, u.NALUs)
			}
			return u
		}})
		v := watch(t, &rtsp.Source{URL: cam.URL(), Timeout: 500 * time.Millisecond}, nil)
		if st := v.fails(t, "no key frame with parameter sets"); st.Connection != models.Connecting {
			t.Errorf("state %+v", st)
		}
		if units := v.count(t, 3); !units[0].Key || units[0].Session != 1 {
			t.Errorf("first unit: key %v of session %d", units[0].Key, units[0].Session)
		}
		if st := v.src.Stats(); st.Discarded != 20 {
			t.Errorf("%d units discarded before the first key, want 20", st.Discarded)
		}
	})
}

func TestSourceKeepsBothClocks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offset time.Duration
		want   models.Clock
	}{
		{"synchronised", 0, models.ClockCamera},
		{"seven seconds behind", -7 * time.Second, models.ClockCamera},
		{"two hours ahead", 2 * time.Hour, models.ClockArrival},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true, SenderReports: true, NTPOffset: tt.offset})
			v := watch(t, &rtsp.Source{URL: cam.URL()}, nil)
			units := v.count(t, 25)
			if units[0].Clock != models.ClockArrival {
				t.Errorf("the first unit, before any report, is dated by %v", units[0].Clock)
			}
			last := units[24]
			if last.Clock != tt.want {
				t.Errorf("clock %v, want %v", last.Clock, tt.want)
			}
			want := last.Arrival
			if tt.want == models.ClockCamera {
				want = want.Add(tt.offset)
			}
			// Generous, because a busy machine delays arrival.
			if d := last.At.Wall.Sub(want); d.Abs() > 3*time.Second {
				t.Errorf("wall time is %v off", d)
			}
			st := v.src.Stats()
			if d := st.Offset - tt.offset; !st.OffsetKnown || d.Abs() > 3*time.Second || st.Clock != tt.want {
				t.Errorf("stats %+v", st)
			}
		})
	}
}
