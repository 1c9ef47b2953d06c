// Package scene draws footage whose truth is known: people who walk, stand, cross and
// disappear behind posts, before a textured wall and floor, under light that changes, with
// sensor noise, rain and a camera that shakes.
//
// It is for tests. A scene is data; the same scene draws the same pictures on every run
// and every machine. Nothing in it pretends to be a photograph: what is drawn well is what
// detectors look at, namely outlines, textures, colours and noise.
package scene
