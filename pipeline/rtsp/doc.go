// Package rtsp turns a camera's RTSP stream into access units. It is the only door to
// gortsplib and pion/rtp. Of mediacommon it uses only pkg/codecs, to read the picture
// size from a sequence parameter set; package clip is the door to the rest.
//
// A Source holds the connection for ever: Run connects, reads, reconnects with jittered
// backoff, and calls emit with every access unit that arrived whole. It promises:
//
//   - NAL units are the camera's own, in its order. Only parameter sets are added, to a
//     key unit that lacks them, after its access unit delimiter if it has one.
//   - A session begins with a key unit. Later units follow in decoding order. After a
//     loss, everything that arrived whole is still emitted, because footage with a flaw
//     is better evidence than none; a decoder decides itself when to wait for a key unit.
//   - A unit of which a packet is missing is not emitted. What is missing is said on the
//     next unit's Loss: packets lost (with their number), pictures that cannot be kept,
//     timestamps that jumped, the time without a connection. If several of them happened,
//     the Note names them all.
//   - Media time runs on over everything, wall time never steps while its clock stays the
//     same and is not itself set (see clock.go), and arrival time is always there too.
//   - Credentials appear in no error, state or log.
//
// # Which server a Source talks to
//
// The configured host and no other. gortsplib follows redirects and takes the credentials
// along, so a Source refuses to dial any host but the one in its URL, and gives up after
// a few redirects on that host. TLS is never downgraded and always verified.
//
// # What waits for a person
//
// A refused password, an unknown path and an unsupported codec are retried slowly, every
// half minute to five minutes: nothing changes until somebody acts, and cameras lock an
// account after a handful of wrong passwords.
package rtsp
