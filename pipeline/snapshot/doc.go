// Package snapshot makes still pictures of frames: the annotated still of an incident, the
// plain picture beside it, the card that says why a rule fired, and contact sheets of many.
// It is the only door to disintegration/imaging, which it gives nothing but pictures that
// vedette decoded itself.
//
// A still shows the picture, the zone, the path that the track took (older parts fade,
// predicted parts are dashed), its box, and under the picture, where nothing is hidden, a
// bar with two lines of text and the severity in colour, shape and word. The colours are
// those of the console. Every mark has a dark outline, so that it reads on snow and at
// night.
//
// A why card is as wide as a phone held upright: the picture with zone or line, what moved,
// the path with times, the box; below it the rule in words, every fact as a bar with its
// threshold, the first fact and the scores over time, and the configuration in force.
//
// JPEG means full range BT.601; cameras send limited range, and BT.709 from 720 lines on.
// Both are converted, so that a still has the colours of the clip in a browser.
//
// Text is set in the Go fonts: Latin, Greek and Cyrillic. Other letters show as boxes.
//
// All functions are safe for concurrent use and keep nothing between calls but the
// parsed fonts.
package snapshot
