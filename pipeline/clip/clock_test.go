package clip

import (
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want int64
	}{
		{0, 0}, {time.Second, 90000}, {-time.Second, -90000},
		{11111, 1}, {5555, 0}, {5556, 1}, {-5555, 0}, {-5556, -1}, // a tick is 11.11… µs
		{10 * 365 * 24 * time.Hour, 10 * 365 * 24 * 3600 * 90000},
	} {
		if got := ticks(c.in); got != c.want {
			t.Errorf("%v is %d ticks, want %d", c.in, got, c.want)
		}
	}
	// Every RTP timestamp survives the way over nanoseconds.
	for tick := int64(-200_000); tick < 200_000; tick++ {
		d := time.Duration(tick) * time.Second / 90000
		if got := ticks(d); got != tick {
			t.Fatalf("tick %d comes back as %d", tick, got)
		}
	}
}

func TestNTP(t *testing.T) {
	for _, want := range []time.Time{
		epoch,
		time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 15, 1, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 16, 1, time.UTC), // the seconds begin again at zero
		time.Date(2050, 6, 1, 0, 0, 0, 500, time.UTC),
	} {
		if got := fromNTP(ntp(want)); !got.Equal(want) {
			t.Errorf("%v comes back as %v", want, got)
		}
	}
	// RFC 868 gives 2 208 988 800 for 1970-01-01.
	if got, want := ntp(time.Unix(0, 500_000_000)), uint64(2208988800)<<32|1<<31; got != want {
		t.Errorf("1970 and a half second is %#x, want %#x", got, want)
	}
}

func TestTimelineReorders(t *testing.T) {
	for _, c := range []struct {
		name     string
		pts, dts []int64
		depth    int
	}{
		{"no reordering", []int64{0, 10, 20, 30}, []int64{0, 10, 20, 30}, 0},
		{"two B-pictures", []int64{0, 30, 10, 20, 60, 40, 50}, []int64{0, 10, 20, 30, 40, 50, 60}, 1},
		{"pyramid", []int64{0, 40, 20, 10, 30}, []int64{0, 10, 20, 30, 40}, 2},
		{"open GOP: leading pictures", []int64{20, 0, 10, 30}, []int64{0, 10, 20, 30}, 1},
		{"a picture is lost", []int64{0, 30, 10, 60, 40, 50}, []int64{0, 10, 30, 40, 50, 60}, 1},
		{"equal times", []int64{0, 0, 0}, []int64{0, 1, 2}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tl timeline
			for _, p := range c.pts {
				tl.push(p)
			}
			if tl.depth != c.depth {
				t.Errorf("depth %d, want %d", tl.depth, c.depth)
			}
			for i, want := range c.dts {
				if got := tl.pop(c.pts[i]); got != want {
					t.Errorf("unit %d decodes at %d, want %d", i, got, want)
				}
			}
		})
	}
}
