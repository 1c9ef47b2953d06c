package incident

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// hours are when the clocks of a service level run; empty: always. They are walked from
// one instant at which they may change to the next, so that a day of 23 or 25 hours counts
// what its wall clock really showed.
type hours []models.Schedule

// longestWalk bounds a walk over hours that hardly ever run.
const longestWalk = 5 * 366 * 24 * time.Hour

func (h hours) active(at time.Time) bool {
	return len(h) == 0 || slices.ContainsFunc(h, func(s models.Schedule) bool { return s.Active(at) })
}

// between is how long the clocks run from one instant to another that is not before it.
func (h hours) between(from, to time.Time) (ran time.Duration) {
	if len(h) == 0 {
		return max(0, to.Sub(from))
	}
	for at := from; at.Before(to); {
		next := earlier(h.next(at), to)
		if h.active(at) {
			ran += next.Sub(at)
		}
		at = next
	}
	return ran
}

// after is when the clocks have run for d since from. Hours that do not run for so long
// within longestWalk give its end.
func (h hours) after(from time.Time, d time.Duration) time.Time {
	if len(h) == 0 || d <= 0 {
		return from.Add(max(0, d))
	}
	end := from.Add(longestWalk)
	for at := from; at.Before(end); {
		next := h.next(at)
		if h.active(at) {
			if span := next.Sub(at); span >= d {
				return at.Add(d)
			} else {
				d -= span
			}
		}
		at = next
	}
	return end
}

// before is the latest instant since which the clocks have run for d up to to.
func (h hours) before(to time.Time, d time.Duration) time.Time {
	if len(h) == 0 || d <= 0 {
		return to.Add(-max(0, d))
	}
	end := to.Add(-longestWalk)
	for at := to; at.After(end); {
		last := h.last(at)
		if h.active(last) {
			if span := at.Sub(last); span >= d {
				return at.Add(-d)
			} else {
				d -= span
			}
		}
		at = last
	}
	return end
}

// next is the first instant after at at which a schedule may begin or end.
func (h hours) next(at time.Time) time.Time {
	first := at.Add(24 * time.Hour)
	for _, s := range h {
		local := at.In(place(s))
		_, end := local.ZoneBounds()
		if end.After(at) {
			first = earlier(first, end)
		}
		day, offset := wallDay(local)
		for _, d := range []time.Duration{s.From, s.To, 24 * time.Hour, 24*time.Hour + s.From} {
			if change := day.Add(d - offset); change.After(at) {
				first = earlier(first, change)
			}
		}
	}
	return first
}

// last is the last instant before at at which a schedule may have begun or ended.
func (h hours) last(at time.Time) time.Time {
	latest := at.Add(-24 * time.Hour)
	for _, s := range h {
		local := at.Add(-1).In(place(s)) // in force just before
		begin, _ := local.ZoneBounds()
		if begin.Before(at) && !begin.IsZero() {
			latest = later(latest, begin)
		}
		day, offset := wallDay(local)
		for _, d := range []time.Duration{0, s.From, s.To} {
			if change := day.Add(d - offset); change.Before(at) {
				latest = later(latest, change)
			}
		}
	}
	return latest
}

// wallDay is the midnight of a day by the wall clock as if it were UTC, and what the wall
// clock is ahead of UTC: midnight itself may not exist on that day.
func wallDay(local time.Time) (time.Time, time.Duration) {
	year, month, day := local.Date()
	_, offset := local.Zone()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.Duration(offset) * time.Second
}

func place(s models.Schedule) *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
