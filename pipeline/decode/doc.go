// Package decode turns access units, or the video in a file, into frames at analysis
// size. It is the only door to libavcodec and libavformat (5.1), through a small cgo
// layer of our own.
//
// A [Decoder] belongs to one camera and one goroutine: one cgo call for each access unit,
// one thread, no queue. The planes are averaged down by an integer factor in C while they
// are still in the cache, and each frame costs one Go allocation. A [File] reads whatever
// libavformat reads, on media time, for `vedette analyze`. An [Encoder] makes H.264 of
// frames, for working copies; each picture keeps its time.
//
// # Order and time
//
// Frames come in presentation order. Each carries the instant, clock, arrival and session
// of its own access unit, also when B-frames have put the units in another order.
// Frame.Index counts the pictures of a session or file as they leave the decoder, also
// those that are then withheld.
//
// # Damage
//
// After New, Reset and a change of session nothing is decoded before the next key unit. A
// picture with damage of its own (missing slices or references) is never emitted: the
// smear would look like motion. Neither are the pictures after it, or after a loss that
// the access unit reports, because they build on it, up to the next key frame; but for at
// most two seconds of media time. Some cameras send a key frame only every ten
// seconds or more, and a watcher that sees slightly wrong is better than one that sees
// nothing. Whatever is withheld is counted in Broken.
//
// A whole picture that is missing is noticed by itself in H.265. In H.264 libavcodec fills
// the hole silently, so there the access unit after it has to report the loss.
//
// # Hostile input
//
// What a camera sends and what a file holds is foreign. Pictures are at most 8192x4320,
// access units at most 32 MiB. A file can refer to nothing else: its demuxer reads from
// one open file and has no way to open another, nor the network. Unknown pixel formats
// are errors that name the format. libav writes nothing to stderr; its messages are
// counted, and the first of a failed call becomes part of the error.
//
// It does not scale by fractions, correct aspect ratio or rotation, deinterlace, or decode
// sound.
package decode
