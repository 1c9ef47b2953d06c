package incident

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// samePlace: the same zone, another zone of the camera, or another camera of the site.
func samePlace(a, b models.Outline) finding {
	switch {
	case a.Camera == "" && a.Site == "" || b.Camera == "" && b.Site == "":
		return finding{}
	case a.Camera != "" && a.Camera == b.Camera && a.Zone == b.Zone && a.Zone != "":
		return finding{1, true, fmt.Sprintf("same zone %s/%s", a.Camera, a.Zone)}
	case a.Camera != "" && a.Camera == b.Camera:
		return finding{0.7, true, fmt.Sprintf("same camera %s", a.Camera)}
	case a.Site != "" && a.Site == b.Site:
		return finding{0.35, true, fmt.Sprintf("same site %s", a.Site)}
	}
	return finding{known: true}
}

// hourReach is the difference of the time of day at which nothing of it is the same.
const hourReach = 3 * time.Hour

// sameHour compares the time of day around the clock: 23:50 and 00:10 are near.
func sameHour(a, b models.Outline, clocks Clocks) finding {
	x, y := a.Alarm.In(clocks.of(a.Site)), b.Alarm.In(clocks.of(b.Site))
	apart := (timeOfDay(x) - timeOfDay(y)).Abs()
	apart = min(apart, 24*time.Hour-apart)
	return finding{max(0, 1-float64(apart)/float64(hourReach)), true,
		fmt.Sprintf("%s from the same hour (%s and %s)", inMinutes(apart), x.Format("15:04"), y.Format("15:04"))}
}

func timeOfDay(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// inMinutes is a duration as people say it.
func inMinutes(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d.Round(time.Minute) < time.Hour:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	}
	d = d.Round(time.Minute)
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

// nightEnds is when the night of one weekday is over: a break-in at 02:00 on Saturday
// belongs to the habit of Friday nights.
const nightEnds = 6 * time.Hour

// weekday is that of the night or day to which an alarm belongs.
func weekday(o models.Outline, clocks Clocks) time.Weekday {
	at := o.Alarm.In(clocks.of(o.Site))
	if timeOfDay(at) < nightEnds {
		return (at.Weekday() + 6) % 7
	}
	return at.Weekday()
}

// sameWeekday: the same day, or both at the weekend, or both on a working day.
func sameWeekday(a, b models.Outline, clocks Clocks) finding {
	x, y := weekday(a, clocks), weekday(b, clocks)
	off := func(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday }
	switch {
	case x == y:
		text := fmt.Sprintf("both on a %s", x)
		if min(timeOfDay(a.Alarm.In(clocks.of(a.Site))), timeOfDay(b.Alarm.In(clocks.of(b.Site)))) < nightEnds {
			text += " or in the night after it"
		}
		return finding{1, true, text}
	case off(x) && off(y):
		return finding{0.6, true, "both at the weekend"}
	case off(x) == off(y):
		return finding{0.3, true, "both on a working day"}
	}
	return finding{known: true}
}

// sameKind: of what was reported the kind says only that.
func sameKind(a, b models.Outline) finding {
	switch {
	case a.Kind == models.KindReported || b.Kind == models.KindReported || a.Kind == "" || b.Kind == "":
		return finding{}
	case a.Kind == b.Kind:
		return finding{1, true, "both " + spoken(string(a.Kind))}
	}
	return finding{known: true}
}

// spoken is a name of ours in words.
func spoken(s string) string { return strings.ReplaceAll(s, "_", " ") }

func sameType(a, b models.Outline) finding {
	switch {
	case a.Type == "" || b.Type == "":
		return finding{}
	case a.Type == b.Type:
		return finding{1, true, "same type " + spoken(a.Type)}
	}
	return finding{known: true}
}

func sameLabel(a, b models.Outline) finding {
	vague := func(s string) bool { return s == "" || s == models.LabelUnknown }
	switch {
	case vague(a.Label) || vague(b.Label):
		return finding{}
	case a.Label == b.Label:
		return finding{1, true, "both a " + a.Label}
	}
	return finding{known: true}
}

// dwellReach is how many times as long a stay is that has nothing in common.
const dwellReach = 4

// sameDwell compares how long they stayed by their ratio: one minute and two are as far
// apart as ten and twenty.
func sameDwell(a, b time.Duration) finding {
	if a <= 0 || b <= 0 {
		return finding{}
	}
	off := math.Abs(math.Log(float64(a)/float64(b))) / math.Log(dwellReach)
	return finding{max(0, 1-off), true, fmt.Sprintf("stayed about as long (%s and %s)", inMinutes(a), inMinutes(b))}
}
