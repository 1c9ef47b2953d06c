// Package health tells whether a camera still shows what it is there to show: that its
// picture moves on (frozen), that there is one (blank), that nothing hides the view
// (covered), that it is sharp (defocused) and that it is the same view as ever (moved).
//
// A Detector belongs to one camera and is fed that camera's frames in order by the chain.
// Twice a second of media time it takes a look: small copies of the picture, from which
// it reads the directions of the edges, how fine the detail is, and how far apart the
// lightest and the darkest part are. What it remembers of the undisturbed view is the
// directions of its edges, not its brightness: edges stay where they are when the sun
// moves, a light is switched or the exposure changes. (Comparing pictures, as Ribnick et
// al., "Real-time detection of camera tampering", AVSS 2006, do, takes every cloud for
// somebody's hand.)
//
// The memory of the view is learnt in the first ten seconds and follows slow change. It
// does not follow while trouble is suspected, so that trouble never becomes the norm by
// lasting. One exception: a view that the camera was moved to is the view once it has
// stood for ten minutes after the alarm. A few views are kept side by side, by day and in
// infrared at night, and those that the camera was moved between.
//
// Trouble is an event when it has lasted for the time that its rule says, and is over when
// its contrary has lasted for three seconds; between the two lies a band in which nothing
// changes, so that nothing flaps.
//
// The package reads no clock and uses no randomness: the same frames give the same events.
// The loops over all pixels and cells are marked go:norace: they touch nothing but the
// detector's own memory, and would take ten times as long under the race detector.
// That no pictures come at all (camera_lost) is not for it: without frames it is not called.
package health
