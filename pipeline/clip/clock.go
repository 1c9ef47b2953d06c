package clip

import (
	"math"
	"time"
)

// timescale is the unit of all times in a clip, in ticks per second: that of RTP video
// (RFC 6184, 5.1), so a camera's timestamps are kept exactly.
const timescale = 90000

// ticks rounds a media time to the nearest tick.
func ticks(d time.Duration) int64 {
	const ns = int64(time.Second) / 10000 // 9 ticks last 100 µs
	v := int64(d)*9 + ns/2
	if v < 0 {
		v -= ns - 1 // floor
	}
	return v / ns
}

// noTime stands for the zero time.Time in a table of nanoseconds.
const noTime = math.MinInt64

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixNano()
}

func fromUnixNano(ns int64) time.Time {
	if ns == noTime {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// plain drops the location and the monotonic reading of a time, which a file cannot keep.
func plain(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

// macEpoch is the zero of MP4 creation times, 1904-01-01, in seconds before 1970.
const macEpoch = 2082844800

// creationTime is t in whole seconds since 1904 (ISO/IEC 14496-12, 8.2.2).
func creationTime(t time.Time) uint64 {
	if t.IsZero() || t.Unix() < -macEpoch {
		return 0
	}
	return uint64(t.Unix() + macEpoch)
}

// ntpEpoch is the zero of NTP times, 1900-01-01, in seconds before 1970.
const ntpEpoch = 2208988800

// ntp is t as a 64-bit NTP timestamp (RFC 5905, 6): seconds modulo 2^32, and a fraction
// in units of 0.23 ns, finer than ours.
func ntp(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	sec := uint64(t.Unix()+ntpEpoch) & math.MaxUint32
	frac := (uint64(t.Nanosecond())<<32 + 500_000_000) / 1_000_000_000
	return sec<<32 + frac
}

// fromNTP takes timestamps whose first bit is clear for those after 2036-02-07
// (RFC 4330, 3).
func fromNTP(v uint64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	sec := int64(v >> 32)
	if sec < 1<<31 {
		sec += 1 << 32
	}
	ns := ((v&math.MaxUint32)*1_000_000_000 + 1<<31) >> 32
	return time.Unix(sec-ntpEpoch, int64(ns)).UTC()
}
