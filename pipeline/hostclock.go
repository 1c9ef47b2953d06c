package pipeline

import (
	"time"

	"golang.org/x/sys/unix"
)

// HostClock says whether the kernel of this machine knows its clock to be kept right by a
// time server (NTP, PTP), and how far off it can be at most, by adjtimex(2). known is false
// where the kernel does not tell.
func HostClock() (synced bool, maxError time.Duration, known bool) {
	var t unix.Timex // no modes: it is only read
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, 0, false
	}
	return hostClock(state, &t)
}

func hostClock(state int, t *unix.Timex) (synced bool, maxError time.Duration, known bool) {
	synced = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	return synced, time.Duration(t.Maxerror) * time.Microsecond, true
}
