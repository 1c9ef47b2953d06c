// Package rule turns tracks into events: it says when a rule of a zone has become true,
// from when, until when, and why.
//
// A track is in a zone when its foot point is. From the moment a track stands in a zone it
// has a visit there, also while the tracker does not believe in it yet; the visit goes on
// over absences and losses of sight of up to the rule's grace, also when the tracker has
// meanwhile given the same thing a new number. The kinds, one file each:
//
//	motion          a visitor travels
//	intrusion       a visitor came in, and stays for the dwell if there is one
//	loitering       a visitor stays for the dwell, within a circle if there is a radius
//	returning       a visitor looks like earlier ones who left
//	line            a path crosses a line in a direction
//	crowd           there are more visitors at once than the count, for a time
//	left_object,    a change of the scene stays for a time, and whoever brought it has gone
//	removed_object
//
// What all of them share:
//   - Only tracks that the tracker believes in (confirmed) raise an event. Where they were
//     before they were believed counts from then: an arrival is never late by the time that
//     belief took.
//   - Labels, the least score and the least size are those of the thing at the alarm; size
//     is the median box of the last second, so that one bad box does not decide.
//   - Outside its schedule, and within the cool-down after its last alarm, a rule does not
//     become true. What lasts is not lost by that: who still loiters when the night begins
//     or the cool-down ends raises the alarm then. A crossing of a line is a moment: it is
//     let pass.
//   - One visit, one crossing, one crowd, one thing raises one alarm; motion raises one
//     each time that something sets out.
//   - An event says what was compared with what (Why), how the first of these came about
//     (Curve), and where the thing was (Path). Path and Curve are thinned evenly.
//
// All durations are media time of the frames, schedules are wall time. The package does no
// I/O and reads no clock.
package rule
