// Package archive keeps continuous footage on the local disk: which segments there are,
// where they lie, what is missing between them, where something moved in them, and when
// they go.
//
// One folder for each camera, in it one for each day (UTC, by the first picture):
//
//	gate/2026-11-22/20261122T140000.123Z.fmp4   a segment, about a minute long
//	gate/2026-11-22/segments                    what is known of each: times, hash, gaps
//	gate/2026-11-22/motion                      a grid of where something moved, each 10 s
//	gate/deleted                                up to when retention has deleted footage
//
// The files are the truth. A segment counts as long as its file is there; the line in
// segments only saves opening it, and where it is lost, Options.Describe reads the file. So
// there is no database to repair: a crash costs at most a line, and deleting a file deletes
// the footage. A day's folder is small enough to be read in a few milliseconds, whatever
// the number of days.
//
// The recorder asks [Archive.Begin] where a segment goes, writes the file itself, and calls
// [Archive.Finish] when it is on disk. Readers, in other processes too, see a segment that
// is still being written as open. [Archive.Run] deletes what is too old or too much, the
// oldest first, and never what [Archive.Protect] covers; each deletion is told to the
// Custodian before it happens.
//
// What it does not do: look into a segment. docs/archive.md gives the invariants.
package archive
