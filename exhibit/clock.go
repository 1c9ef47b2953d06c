package exhibit

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// clockNote says by which clock the times of an incident were taken and how far it was off,
// for somebody who compares them with times from elsewhere.
func clockNote(in models.Incident, place *time.Location) string {
	var b strings.Builder
	f := in.Footage
	fmt.Fprintf(&b, "THE CLOCKS OF INCIDENT %s\n\n", in.ID)
	if f.Frames == 0 {
		b.WriteString("There is no footage, so only the recorder's own clock counts: the record was opened at\n")
		fmt.Fprintf(&b, "%s by it.\n", instant(in.Opened, place))
		return b.String()
	}
	switch f.Clock {
	case models.ClockCamera:
		b.WriteString("Which clock: the camera's own. The camera states with each picture when it was taken (RTCP\nsender reports, RFC 3550). All times of the clip and of the record are by that clock.\n\n")
		b.WriteString("How far it was off: ")
		switch off := f.ClockOffset; {
		case off == 0:
			b.WriteString("that was not measured. Compare a known event, such as a public clock in view.\n")
		case off.Abs() < 500*time.Millisecond:
			fmt.Fprintf(&b, "when the clip ended, the camera's clock and the recorder's agreed within half a\nsecond: the camera's was %s the recorder's.\n", aheadBehind(off))
		default:
			fmt.Fprintf(&b, "when the clip ended, the camera's clock was %s the recorder's.\nTo get the recorder's time, %s the times of this incident.\n", aheadBehind(off), correction(off))
		}
		if f.ClockDrift != 0 {
			fmt.Fprintf(&b, "\nHow fast that changed: by %s a day (%.1f parts per million).\n", shortSpan(perDay(f.ClockDrift)), f.ClockDrift)
		}
	case models.ClockFile:
		b.WriteString("Which clock: none. The footage came from a file, whose pictures are counted from a start that\nsomebody stated. The times say how far two pictures are apart, not at which time of day they were taken.\n")
	default:
		b.WriteString("Which clock: the recorder's. The camera did not say when it took its pictures, so each has the\ntime at which it arrived at the recorder. It was taken a little earlier: by the time the camera\nneeds to code and send it, usually 0.1 to 1 second.\n")
	}
	b.WriteString("\nWhat this means for times on paper:\n")
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"arrival", in.Start}, {"alarm", in.Alarm}, {"end", in.End}, {"clip begins", f.From}, {"clip ends", f.To}} {
		if t.at.IsZero() {
			continue
		}
		line := fmt.Sprintf("  %-12s %s", t.name, instant(t.at, place))
		if f.Clock == models.ClockCamera && f.ClockOffset != 0 {
			line += "   by the recorder's clock " + t.at.Add(-f.ClockOffset).In(place).Format("15:04:05.000")
		}
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "  %-12s %s   by the recorder's clock\n", "opened", instant(in.Opened, place))
	b.WriteString("\nWhether the recorder's own clock was right is not known to this package. Ask its operator how it is set.\n")
	return b.String()
}

func instant(t time.Time, place *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(place).Format("2006-01-02 15:04:05.000 MST (-07:00)")
}

func aheadBehind(off time.Duration) string {
	word := "ahead of"
	if off < 0 {
		word = "behind"
	}
	return shortSpan(off.Abs()) + " " + word
}

func correction(off time.Duration) string {
	if off < 0 {
		return "add " + shortSpan(-off) + " to"
	}
	return "subtract " + shortSpan(off) + " from"
}

// perDay is how far a clock with a drift in parts per million goes in a day.
func perDay(ppm float64) time.Duration {
	return time.Duration(math.Abs(ppm) * 1e-6 * float64(24*time.Hour))
}

// shortSpan is a length of time as people say it.
func shortSpan(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.3f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min %02d s", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
