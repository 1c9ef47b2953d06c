package incident

import (
	"math/bits"
	"time"
)

// durations counts durations in buckets, so that a million take as little room as ten:
// one bucket a second below 128 s, then 64 for each doubling.
type durations struct {
	buckets []uint32
	count   int
}

const (
	exactSeconds = 128
	perDoubling  = 64
)

func (d *durations) add(t time.Duration) {
	b := bucketOf(int64(t / time.Second))
	for len(d.buckets) <= b {
		d.buckets = append(d.buckets, make([]uint32, b+1-len(d.buckets))...)
	}
	d.buckets[b]++
	d.count++
}

func (d *durations) merge(o durations) {
	if len(d.buckets) < len(o.buckets) {
		d.buckets, o.buckets = o.buckets, d.buckets
	}
	for b, n := range o.buckets {
		d.buckets[b] += n
	}
	d.count += o.count
}

func bucketOf(seconds int64) int {
	if seconds < exactSeconds {
		return int(max(0, seconds))
	}
	shift := bits.Len64(uint64(seconds)) - bits.Len64(exactSeconds-1)
	return exactSeconds + (shift-1)*perDoubling + int(seconds>>shift) - perDoubling
}

// middle is the value that a bucket stands for.
func middle(bucket int) time.Duration {
	if bucket < exactSeconds {
		return time.Duration(bucket) * time.Second
	}
	shift := (bucket-exactSeconds)/perDoubling + 1
	low := int64((bucket-exactSeconds)%perDoubling+perDoubling) << shift
	return time.Duration(low+(int64(1)<<shift-1)/2) * time.Second
}

// quantile is the least value that so large a share does not exceed (nearest rank); 0 for
// none.
func (d *durations) quantile(share float64) time.Duration {
	rank := int(share * float64(d.count))
	if float64(rank) < share*float64(d.count) {
		rank++
	}
	sum := 0
	for b, n := range d.buckets {
		if sum += int(n); n > 0 && sum >= rank {
			return middle(b)
		}
	}
	return 0
}

// calendar tells the day and the hour of instants by the clocks of sites. What it found for
// a quarter of an hour holds for all of it: no place has changed its clock in the midst of
// one since long before there was any footage.
type calendar struct {
	clocks Clocks
	sites  map[string]map[int64]slot
	days   map[[3]int]string
	// last is what was asked before: incidents come in about the order of their alarms.
	last struct {
		site string
		key  int64
		slot
	}
}

type slot struct {
	day  string
	hour int
}

const quarter = int64(15 * 60)

func (c *calendar) of(site string, at time.Time) (day string, hour int) {
	key := at.Unix() / quarter
	if c.sites != nil && c.last.key == key && c.last.site == site {
		return c.last.day, c.last.hour
	}
	if c.sites == nil {
		c.sites, c.days = map[string]map[int64]slot{}, map[[3]int]string{}
	}
	slots := c.sites[site]
	if slots == nil {
		slots = map[int64]slot{}
		c.sites[site] = slots
	}
	s, ok := slots[key]
	if !ok {
		local := at.In(c.clocks.of(site))
		y, m, d := local.Date()
		date := [3]int{y, int(m), d}
		if c.days[date] == "" {
			c.days[date] = local.Format(time.DateOnly) // one text for all slots of the day
		}
		s = slot{c.days[date], local.Hour()}
		slots[key] = s
	}
	c.last.site, c.last.key, c.last.slot = site, key, s
	return s.day, s.hour
}

// length is how long a day of a site is: 23 h or 25 h when the clocks change.
func (c *calendar) length(day, site string) time.Duration {
	from, to, err := DayOf(day, c.clocks.of(site))
	if err != nil {
		return 0
	}
	return to.Sub(from)
}

// DayOf is from when to when a day such as 2026-03-29 lasts at a place: its first instant
// and the first after it. Where the clocks skip midnight it begins when they do.
func DayOf(day string, place *time.Location) (from, to time.Time, err error) {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return from, to, err
	}
	next := d.AddDate(0, 0, 1)
	return midnight(d, place), midnight(next, place), nil
}

// midnight is the first instant of a day at a place, or of the next one where the calendar
// skips it. time.Date gives one of the two midnights where there are two, and an instant of
// the day before where there is none.
func midnight(d time.Time, place *time.Location) time.Time {
	const step = time.Duration(quarter) * time.Second
	reached := func(t time.Time) bool { return t.In(place).Format(time.DateOnly) >= d.Format(time.DateOnly) }
	at := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, place)
	for !reached(at) {
		at = at.Add(step)
	}
	for reached(at.Add(-step)) {
		at = at.Add(-step)
	}
	return at
}
