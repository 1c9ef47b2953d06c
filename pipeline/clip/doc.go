// Package clip is the evidence lane: it keeps the last seconds of a stream and writes MP4
// clips from them. It never decodes: a clip holds the camera's own bits, no NAL unit
// stripped, added or moved. A clip begins on a key frame, so it may start earlier than
// asked, never later.
//
// A camera's stream pushes access units into its [Buffer]; a recorder opens a [Cursor] at
// the arrival of a track minus the pre-roll and hands what it reads to a [Writer]:
//
//	cur := buffer.Cursor(arrival.Media - preRoll)
//	defer cur.Close()
//	w, err := clip.Create("clip.fmp4", clip.WriterOptions{})
//	for until the end of the post-roll {
//		au, err := cur.Next(ctx)
//		err = w.Write(au)
//	}
//	info, err := w.Finish()
//	info, err = clip.Faststart("clip.fmp4", "clip.mp4")
//
// While it grows, a clip is fragmented MP4: each fragment is whole in itself, carries a
// checksum and the wall-clock time of each of its pictures, and is synced to disk. After
// a crash [Recover] cuts the file back to its last whole fragment. [Faststart] makes an
// ordinary MP4 of it, playable from its first byte, in flat memory. [Stat] reads what a
// clip of either form says of itself.
//
// Time comes with the access units; the package never reads a clock. The timeline of a
// clip is the camera's media time: a gap in the stream stays a gap in the clip, as long
// as it was, and is listed in [Info].Gaps with its cause.
//
// # Why the boxes are written here
//
// The file format is the evidence, so this package writes ISO/IEC 14496-12 boxes itself.
// mediacommon's muxers hold a whole file to 4 GiB, one parameter set of each kind, the
// hev1 tag that Apple's players refuse, and neither creation times nor producer reference
// times. Its parsers of parameter sets are used, and its demuxers check our files in the
// tests.
package clip
