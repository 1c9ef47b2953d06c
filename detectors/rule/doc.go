// Package rule turns tracks into events: it says when something has loitered or moved in
// a zone, from when, and why.
//
// A track is in a zone when its foot point is. From the moment a track stands in a zone it
// has a visit there; the visit goes on over absences and losses of sight of up to the
// rule's grace, also when the tracker has meanwhile given the same thing a new number. A
// rule becomes true at most once a visit, and its event names the arrival, the alarm, the
// end, the path, and what was compared with what.
//
// All times are media time of the frames. The package does no I/O and reads no clock.
package rule
