// Package track follows things from frame to frame: detections in, tracks out.
//
// A track is predicted by a Kalman filter of constant velocity and joined with the
// detections of each frame by the assignment of least cost, in the two stages of ByteTrack
// (Zhang et al. 2022): sure detections first, then what is left of the tracks with the
// unsure ones. Motion alone sees two people who pass as one region; the track that has
// lost its own region to another one is then carried along inside it, and appearance says
// who is who when they part.
//
// All times are media time, all lengths are measured in box heights, so a track behaves
// alike at 5 and at 30 frames a second, near the camera and far from it. The package does
// no I/O, reads no clock and iterates over no map: the same detections give the same tracks.
//
// It knows neither zones nor rules.
package track
