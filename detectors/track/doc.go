// Package track follows things from frame to frame: detections in, tracks out.
//
// A track is predicted by a Kalman filter of constant velocity and joined with the
// detections of each frame by the assignment of least cost, in stages after ByteTrack
// (Zhang et al. 2022): sure objects first, then unsure ones, then motion, then what is new.
//
// Between two frames every track is followed in the picture itself by a template
// of what it looks like (patch.go, trace.go); while people cross that says best who went
// where.
//
// The object detector looks now and then, motion always. What was measured at a look keeps
// its size until the next one and is carried on by its region of motion, by being inside a
// larger one, or by nothing having changed where it stands (tracker.go, track.go). What the
// object detector sees where never anything moves is of the scene and no track (spot.go).
//
// Motion alone sees two people who pass as one region; the track that has lost its own
// region to another one is then carried along inside it, and people who walk side by side
// are told apart by how large people are there (ground.go). Whom a region hides comes out of
// that region and no other (inside.go). When tracks that met have parted, their looks and
// headings from before say who is who (identity.go).
//
// All times are media time, all lengths are measured in box heights, so a track behaves
// alike at 5 and at 30 frames a second, near the camera and far from it. The package does
// no I/O, reads no clock and iterates over no map: the same detections give the same tracks.
//
// It knows neither zones nor rules.
package track
