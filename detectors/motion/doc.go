// Package motion finds the regions of a frame that do not belong to the background.
//
// It keeps a statistical model of the empty scene: per pixel up to three modes of luma
// and chroma, each with its spread and weight, after Stauffer and Grimson (1999) and
// Zivkovic (2004). Around the model stand the things that make it hold up on a real
// camera:
//
//   - time constants in seconds of media time, so that 5 and 30 frames a second behave alike;
//   - the camera's noise, measured, sets the threshold;
//   - a shaken picture is brought into line with the background before it is compared;
//   - a global gain is taken out before the comparison (auto-exposure, dawn), and what soft
//     light differs by from place to place (clouds);
//   - a change of the whole picture at once (light switch, infrared filter) is no motion:
//     the model is learnt anew, or taken from a small store of scenes seen before;
//   - thin flashes that are in one picture only (rain, snow) are taken out while they fall;
//   - what is far out of focus (an insect or a drop on the lens) is no thing in view;
//   - shadows, soft light and the holes that departed things leave behind are told from
//     things by brightness, texture and edges;
//   - regions that the caller protects (a tracked person who stands) are not learnt away,
//     up to a bound;
//   - a second, slower background shows what stays: things put down, and the places of
//     things taken away, told from one another by their edges; they are reported for as
//     long as they are there, for two hours at most, also while people pass before them;
//   - a quiet picture is recognised from a few samples and costs next to nothing.
//
// The package is the only door to gocv (OpenCV); a Mat never leaves it. It reads no clock
// and uses no randomness: the same frames give the same regions.
//
// What is done to every pixel of every picture is written in C (kernel.c), of which the
// compiler makes vectors; the tests hold it to plain loops, bit by bit.
//
// A detector belongs to one goroutine. The loops over many pixels are marked go:norace: they
// touch nothing but the detector's own memory, and under the race detector they would take
// ten times as long, which decides whether the accuracy tests are run at all.
//
// It does not know what a person is, and does not follow anything from frame to frame.
package motion
