// Package models holds the nouns that two rooms of vedette exchange: access units,
// frames, detections, tracks, events, incidents and what describes a camera.
//
// It imports only the standard library, performs no I/O, starts no goroutine and never
// reads a clock. A type enters this package only when two rooms exchange it; what one
// room needs for itself stays there.
//
// Coordinates are fractions of the picture: (0,0) is the top left corner, (1,1) the
// bottom right one.
package models
