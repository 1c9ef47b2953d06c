package pipeline

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestHostClock(t *testing.T) {
	for _, c := range []struct {
		name   string
		state  int
		timex  unix.Timex
		synced bool
		most   time.Duration
	}{
		{"kept by a time server", unix.TIME_OK, unix.Timex{Maxerror: 12500}, true, 12500 * time.Microsecond},
		{"a leap second is to come", unix.TIME_INS, unix.Timex{Maxerror: 1}, true, time.Microsecond},
		{"nobody keeps it", unix.TIME_ERROR, unix.Timex{Status: unix.STA_UNSYNC, Maxerror: 16e6}, false, 16 * time.Second},
		{"marked as unkept", unix.TIME_OK, unix.Timex{Status: unix.STA_UNSYNC | unix.STA_PLL, Maxerror: 16e6}, false, 16 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if synced, most, known := hostClock(c.state, &c.timex); synced != c.synced || most != c.most || !known {
				t.Errorf("got %v, %s, %v", synced, most, known)
			}
		})
	}
	if _, most, known := HostClock(); known && most < 0 {
		t.Errorf("this machine's clock is %s off at most", most)
	}
}
