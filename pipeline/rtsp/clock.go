package rtsp

import (
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// clockRate is RTP's clock for H.264 and H.265, in Hz (RFC 6184, 8.2.1; RFC 7798, 7.1).
const clockRate = 90000

// How time is judged.
const (
	// jumpBound is how far a timestamp may lie from the one before it, beyond what the
	// arrival clock explains, before it counts as the beginning of a new timeline. B-frames
	// go back by fractions of a second; a camera that restarts its encoder, by hours.
	jumpBound = 10 * time.Second
	// stuckWindow and stuckWindows: timestamps that advance less than half as fast as the
	// arrival clock for three windows in a row are not believed any more.
	stuckWindow  = 10 * time.Second
	stuckWindows = 3
	// trustedOffset is how far a camera's clock may be from ours for its times to be used.
	// A camera that has a time server is within a second. One that is minutes off has
	// drifted for months, and one that is hours or decades off has lost its time zone or
	// its battery: its times would put an incident where nobody looks for it.
	trustedOffset = time.Minute
	// steadyReports is how far two sender reports in a row may contradict each other.
	steadyReports = time.Second
	// Wall time follows its clock by slewing: a tenth of the error a second, and never
	// more than a tenth of the time that passed, so that it stays monotonic with media.
	slewTime  = 10 * time.Second
	slewShare = 10
	// stepBound is the error that is no drift any more: the clock was set.
	stepBound = 10 * time.Second
)

// ticks converts RTP clock ticks, of 100 000/9 ns each, to a duration.
func ticks(n int64) time.Duration { return time.Duration(n * 100_000 / 9) }

// timeline maps RTP timestamps to media time, which runs on over sessions and jumps.
type timeline struct {
	base time.Time // arrival time at which media is zero; the first unit's if zero

	started bool
	media   time.Duration // of the last unit
	top     time.Duration // the highest so far
	arrival time.Time     // of the last unit

	mapped  bool // false at the beginning of a session
	origin  time.Duration
	elapsed int64  // ticks from origin to the last unit
	stamp   uint32 // of the last unit

	begin       time.Duration // media time of the session's first unit
	beginAt     time.Time     // its arrival
	byArrival   bool          // this session's timestamps are not believed
	windowStart time.Time
	windowMedia time.Duration
	stuck       int // windows in a row that were too slow
}

// session begins a new mapping. The next unit continues media time by the arrival clock.
func (t *timeline) session() {
	t.mapped, t.byArrival, t.stuck = false, false, 0
}

// at returns the media time of a unit. note says why the mapping broke off, if it did
// within a session.
func (t *timeline) at(stamp uint32, arrival time.Time) (media time.Duration, note string) {
	if t.mapped {
		note = t.check(stamp, arrival)
	}
	switch {
	case t.byArrival:
		t.media = max(t.top, t.begin+arrival.Sub(t.beginAt))
	case !t.mapped, note != "":
		t.remap(stamp, arrival)
	default:
		t.elapsed += int64(int32(stamp - t.stamp))
		t.media = t.origin + ticks(t.elapsed)
	}
	t.stamp, t.arrival = stamp, arrival
	t.top = max(t.top, t.media)
	return t.media, note
}

// remap maps the timestamp to where the arrival clock says media time is now.
func (t *timeline) remap(stamp uint32, arrival time.Time) {
	switch {
	case t.started:
		// Never back, and never twice the same, whatever B-frames came last.
		t.media = max(t.media+arrival.Sub(t.arrival), t.top+time.Millisecond)
	case !t.base.IsZero():
		t.media = arrival.Sub(t.base)
		t.top = t.media
	}
	if !t.mapped {
		t.begin, t.beginAt = t.media, arrival
	}
	t.started, t.mapped = true, true
	t.origin, t.elapsed = t.media, 0
	t.windowStart, t.windowMedia = arrival, t.media
}

// check says why a timestamp does not continue the timeline; "" if it does.
func (t *timeline) check(stamp uint32, arrival time.Time) string {
	if t.byArrival {
		return ""
	}
	step, passed := ticks(int64(int32(stamp-t.stamp))), arrival.Sub(t.arrival)
	if step < -jumpBound || step > passed+jumpBound {
		return "the camera's timestamps jumped by " + step.Round(time.Millisecond).String()
	}
	passed = arrival.Sub(t.windowStart)
	if passed < stuckWindow {
		return ""
	}
	media := t.origin + ticks(t.elapsed)
	if media-t.windowMedia < passed/2 {
		t.stuck++
	} else {
		t.stuck = 0
	}
	t.windowStart, t.windowMedia = arrival, media
	if t.stuck < stuckWindows {
		return ""
	}
	t.byArrival = true
	return "the camera's timestamps stand still: arrival times are used in this session"
}

// report is what an RTCP sender report ties together (RFC 3550, 6.4.1).
type report struct {
	ntp     time.Time // the camera's clock
	stamp   uint32    // RTP time of the same instant
	arrival time.Time // our clock
	ssrc    uint32    // the stream that it is about
}

// ntpTime converts a 64-bit NTP timestamp: seconds since 1900 and a fraction in units of
// 1/2^32 s (RFC 5905, 6). gortsplib 4.16.2 reads the fraction as nanoseconds, which is up
// to 3.3 s wrong, so its PacketNTP is not used. Zero is zero: the camera has no clock.
func ntpTime(v uint64) time.Time {
	if v>>32 == 0 {
		return time.Time{}
	}
	const to1970 = 2208988800 // seconds
	seconds := int64(v>>32) - to1970
	if seconds < -to1970/2 {
		seconds += 1 << 32 // era 1 begins in 2036
	}
	return time.Unix(seconds, int64(v&0xffffffff*1e9>>32))
}

// wall decides the wall time of units. It keeps one number, wall time minus media time,
// and lets it follow the clock in use:
//
//   - The arrival clock is read as the smallest of (arrival − media) over 10 to 20 s,
//     because the network only ever delays. So a unit that waited in a switch, or a burst
//     that a server sends at the start, does not move wall time.
//   - The camera's clock is read from its latest sender report.
//
// The clock in use changes only at a key unit, and so does wall time when an error is
// too large to be drift: somebody set that clock.
type wall struct {
	clock  models.Clock // "" before the first unit
	offset int64        // wall minus media, in ns since 1970
	media  time.Duration

	low, lowBefore int64 // smallest arrival minus media in this window and the last
	windowEnd      time.Time

	cameraOffset int64 // camera's clock minus media
	camera       bool  // cameraOffset is believable
	last         report
	reported     bool
}

// session forgets what belongs to one session's timestamps.
func (w *wall) session() { w.camera, w.reported = false, false }

// remapped is called when timestamps jumped within a session: what the last report tied
// together is void, but media time ran on, so the camera's offset still holds.
func (w *wall) remapped() { w.reported = false }

// report takes over a sender report. media and stamp are those of the latest unit.
func (w *wall) report(r report, media time.Duration, stamp uint32) {
	before, had := w.last, w.reported
	w.last, w.reported = r, true
	w.cameraOffset = r.ntp.UnixNano() - int64(media+ticks(int64(int32(r.stamp-stamp))))
	w.camera = r.ntp.Sub(r.arrival).Abs() <= trustedOffset
	if had {
		expected := before.ntp.Add(ticks(int64(int32(r.stamp - before.stamp))))
		w.camera = w.camera && r.ntp.Sub(expected).Abs() <= steadyReports
	}
}

// ahead is how far the camera's clock is ahead of ours by the last report.
func (w *wall) ahead() time.Duration {
	return time.Duration(w.cameraOffset - min(w.low, w.lowBefore))
}

// at returns the wall time of a unit and the clock that it came from. set is by how much
// our own clock was set since the last unit.
func (w *wall) at(media time.Duration, arrival time.Time, set time.Duration, key bool) (time.Time, models.Clock) {
	w.observe(media, arrival, set)
	clock, target := models.ClockArrival, min(w.low, w.lowBefore)
	if w.camera {
		clock, target = models.ClockCamera, w.cameraOffset
	}
	first := w.clock == ""
	if !first && clock != w.clock && !key {
		clock, target = w.clock, w.offset // changes at the next key unit
	}
	off := time.Duration(target - w.offset)
	switch {
	case first, clock != w.clock, key && off.Abs() > stepBound:
		w.offset = target
	case off.Abs() <= stepBound && media > w.media:
		passed := media - w.media
		slew := off
		if passed < slewTime {
			slew = time.Duration(float64(off) * passed.Seconds() / slewTime.Seconds())
		}
		w.offset += int64(min(max(slew, -passed/slewShare), passed/slewShare))
	}
	w.clock = clock
	if first || media > w.media {
		w.media = media
	}
	return time.Unix(0, w.offset+int64(media)), w.clock
}

// observe keeps the smallest delay.
func (w *wall) observe(media time.Duration, arrival time.Time, set time.Duration) {
	delay := arrival.UnixNano() - int64(media)
	w.low += int64(set)
	w.lowBefore += int64(set)
	switch {
	case w.clock == "":
		w.low, w.lowBefore = delay, delay
		w.windowEnd = arrival.Add(slewTime)
	case arrival.After(w.windowEnd):
		w.lowBefore, w.low = w.low, delay
		w.windowEnd = arrival.Add(slewTime)
	default:
		w.low = min(w.low, delay)
	}
}

// clockSet returns by how much our wall clock went otherwise than the monotonic one.
func clockSet(before, now time.Time) time.Duration {
	if before.IsZero() {
		return 0
	}
	return now.Round(0).Sub(before.Round(0)) - now.Sub(before)
}
