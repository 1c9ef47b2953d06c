package rtsp

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestNTPTime(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   uint64
		want time.Time
	}{
		{"no clock", 0, time.Time{}},
		{"the Unix epoch", 2208988800 << 32, time.Unix(0, 0)},
		{"half a second", 2208988800<<32 | 1<<31, time.Unix(0, 5e8)},
		// RFC 5905's fraction, where gortsplib counts nanoseconds.
		{"three quarters", 3981571200<<32 | 3<<30, time.Date(2026, 3, 4, 0, 0, 0, 75e7, time.UTC)},
		{"after 2036, era 1", 1000 << 32, time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC).Add(1000 * time.Second)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ntpTime(tt.in); !got.Equal(tt.want) {
				t.Errorf("got %v, want %v", got.UTC(), tt.want.UTC())
			}
		})
	}
}

func TestTimelineDoesNotDrift(t *testing.T) {
	// 40 hours at 7 pictures a second: three times around the timestamp.
	line := timeline{}
	var stamp uint32 = 1<<32 - 5
	line.at(stamp, epoch)
	media := time.Duration(0)
	sum := int64(0)
	const pictures, hop = 1_000_000, 12857
	for i := range pictures {
		stamp += hop
		sum += hop
		media, _ = line.at(stamp, epoch.Add(ticks(sum)))
		if want := ticks(sum); media != want {
			t.Fatalf("picture %d: %v, want %v", i, media, want)
		}
	}
}

func TestTimelineStartsAtItsBase(t *testing.T) {
	line := timeline{base: epoch}
	if got, _ := line.at(77, epoch.Add(3*time.Second)); got != 3*time.Second {
		t.Errorf("first media time %v, want 3s", got)
	}
	line = timeline{}
	if got, _ := line.at(77, epoch); got != 0 {
		t.Errorf("without a base: %v, want 0", got)
	}
}

func TestTimelineNeverGoesBackOverASession(t *testing.T) {
	line := timeline{}
	line.at(0, epoch)
	high, _ := line.at(30*clockRate/10, epoch.Add(time.Second)) // a picture to be shown late
	line.at(1*clockRate/10, epoch.Add(1100*time.Millisecond))
	line.session()
	if got, _ := line.at(5, epoch.Add(1200*time.Millisecond)); got <= high {
		t.Errorf("new session at %v, after %v was given out", got, high)
	}
}

func TestTimelineSurvivesAStall(t *testing.T) {
	// The network stands still for half a minute; the camera's buffer then arrives at once.
	line := timeline{}
	line.at(0, epoch)
	for i := range int64(300) {
		media, note := line.at(uint32((i+1)*frame), epoch.Add(30*time.Second))
		if want := time.Duration(i+1) * time.Second / 10; media != want || note != "" {
			t.Fatalf("picture %d: %v %q, want %v", i, media, note, want)
		}
	}
}

func TestTimelineUsesArrivalWhenTimestampsStandStill(t *testing.T) {
	line := timeline{}
	notes := 0
	var media time.Duration
	for i := range 600 {
		var note string
		media, note = line.at(42, epoch.Add(time.Duration(i)*time.Second/10))
		if note != "" {
			notes++
		}
	}
	if notes != 1 {
		t.Errorf("%d notes, want one", notes)
	}
	if want := 599 * time.Second / 10; (media - want).Abs() > time.Second {
		t.Errorf("media time %v after %v", media, want)
	}
	line.session()
	before, _ := line.at(42, epoch.Add(60*time.Second))
	after, _ := line.at(42+frame, epoch.Add(60*time.Second))
	if after-before != time.Second/10 {
		t.Errorf("the next session's timestamps are not believed: %v", after-before)
	}
}

// clocks plays pictures at ten a second through a wall and keeps what it says.
type clocks struct {
	wall  wall
	media time.Duration
	last  time.Time
}

// picture is shown at media time and arrives at the given time. It fails when wall time
// goes back while its clock stays the same.
func (c *clocks) picture(t *testing.T, arrival time.Time, key bool) (time.Time, models.Clock) {
	t.Helper()
	before := c.wall.clock
	c.media += time.Second / 10
	at, clock := c.wall.at(c.media, arrival, 0, key)
	if clock == before && at.Before(c.last) {
		t.Fatalf("wall time went back from %v to %v", c.last, at)
	}
	c.last = at
	return at, clock
}

func (c *clocks) true() time.Time { return epoch.Add(c.media + time.Second/10) }

func TestWallDoesNotJitterWithTheNetwork(t *testing.T) {
	var c clocks
	rng := rand.New(rand.NewPCG(1, 1))
	var before time.Time
	for i := range 3000 {
		delay := time.Duration(rng.IntN(80)) * time.Millisecond
		if i%500 == 499 {
			delay = 3 * time.Second // a switch hiccups
		}
		now := c.true()
		at, clock := c.picture(t, now.Add(delay), i%20 == 0)
		if clock != models.ClockArrival {
			t.Fatalf("clock %v", clock)
		}
		if i > 200 {
			if step := at.Sub(before) - time.Second/10; step.Abs() > time.Millisecond {
				t.Fatalf("picture %d: step of %v off", i, step)
			}
			if off := at.Sub(now); off < 0 || off > 20*time.Millisecond {
				t.Fatalf("picture %d: %v off", i, off)
			}
		}
		before = at
	}
}

func TestWallRecoversFromABurstAtTheStart(t *testing.T) {
	// A server that sends the last four seconds at once when one connects.
	var c clocks
	for i := range 900 {
		now := c.true()
		arrival := now
		if i < 40 {
			arrival = epoch.Add(4 * time.Second)
		}
		at, _ := c.picture(t, arrival, i%20 == 0)
		if i == 899 && at.Sub(now).Abs() > 20*time.Millisecond {
			t.Errorf("after 90 s still %v off", at.Sub(now))
		}
	}
}

func TestWallFollowsDrift(t *testing.T) {
	// The camera's clock crystal is off by 200 parts in a million.
	var c clocks
	for i := range 36000 {
		arrival := epoch.Add(time.Duration(float64(c.media+time.Second/10) * 1.0002))
		at, _ := c.picture(t, arrival, i%20 == 0)
		if off := at.Sub(arrival); off.Abs() > 20*time.Millisecond {
			t.Fatalf("picture %d: %v off", i, off)
		}
	}
}

func TestWallUsesBelievableReports(t *testing.T) {
	at := func(offset time.Duration) time.Time { return epoch.Add(offset) }
	for _, tt := range []struct {
		name   string
		offset time.Duration // of the camera's clock
		want   models.Clock
	}{
		{"as ours", 0, models.ClockCamera},
		{"two seconds ahead", 2 * time.Second, models.ClockCamera},
		{"fifty seconds behind", -50 * time.Second, models.ClockCamera},
		{"two minutes ahead", 2 * time.Minute, models.ClockArrival},
		{"a time zone behind", -5 * time.Hour, models.ClockArrival},
		{"1970, an empty battery", -at(0).Sub(time.Unix(0, 0)), models.ClockArrival},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c clocks
			c.picture(t, c.true(), true)
			stamp := uint32(frame)
			c.wall.report(report{ntp: at(100*time.Millisecond + tt.offset), stamp: stamp, arrival: at(100 * time.Millisecond)}, c.media, stamp)
			if _, clock := c.picture(t, c.true(), false); clock != models.ClockArrival {
				t.Errorf("changed to %v between key units", clock)
			}
			now := c.true()
			got, clock := c.picture(t, now, true)
			if clock != tt.want {
				t.Errorf("clock %v, want %v", clock, tt.want)
			}
			if tt.want == models.ClockCamera {
				now = now.Add(tt.offset)
			}
			if off := got.Sub(now); off.Abs() > time.Millisecond {
				t.Errorf("wall time %v off", off)
			}
		})
	}
}

func TestWallDistrustsReportsThatContradictEachOther(t *testing.T) {
	var c clocks
	stamp := func() uint32 { return uint32(int64(c.media/time.Millisecond) * clockRate / 1000) }
	send := func(offset time.Duration) {
		now := epoch.Add(c.media)
		c.wall.report(report{ntp: now.Add(offset), stamp: stamp(), arrival: now}, c.media, stamp())
	}
	next := func() models.Clock {
		_, clock := c.picture(t, c.true(), true)
		return clock
	}
	next()
	for i, step := range []struct {
		offset time.Duration
		want   models.Clock
	}{
		{0, models.ClockCamera},
		{20 * time.Millisecond, models.ClockCamera},
		{8 * time.Second, models.ClockArrival}, // somebody sets the camera's clock
		{8 * time.Second, models.ClockCamera},  // and leaves it
		{-9 * time.Second, models.ClockArrival},
		{12 * time.Second, models.ClockArrival},
	} {
		send(step.offset)
		if got := next(); got != step.want {
			t.Errorf("report %d (%v): clock %v, want %v", i, step.offset, got, step.want)
		}
	}
}

func TestWallFollowsOurOwnClockWhenItIsSet(t *testing.T) {
	var w wall
	media := time.Duration(0)
	ahead := time.Duration(0)
	step := func(set time.Duration, key bool) time.Duration {
		media += time.Second / 10
		ahead += set
		at, _ := w.at(media, epoch.Add(media+ahead), set, key)
		return at.Sub(epoch.Add(media))
	}
	step(0, true)
	if off := step(time.Hour, false); off != 0 {
		t.Errorf("stepped by %v before a key unit", off)
	}
	if off := step(0, true); off != time.Hour {
		t.Errorf("%v ahead after a key unit, want an hour", off)
	}
	if off := step(-90*time.Minute, true); off != -30*time.Minute {
		t.Errorf("%v ahead after it was set back, want half an hour behind", off)
	}
	// A small correction, as a time server makes, does not step.
	if off := step(time.Second, true); off <= -30*time.Minute || off > -30*time.Minute+20*time.Millisecond {
		t.Errorf("%v ahead after a correction by a second", off)
	}
}

func TestClockSet(t *testing.T) {
	now := time.Now()
	if got := clockSet(now, now.Add(time.Minute)); got != 0 {
		t.Errorf("%v, though nobody set the clock", got)
	}
	if got := clockSet(time.Time{}, now); got != 0 {
		t.Errorf("%v before the first unit", got)
	}
}
