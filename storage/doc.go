// Package storage keeps evidence and incident records so that they survive.
//
// Evidence is written three times, and each step is durable before the next begins:
//
//  1. A [Spool] entry on the local disk takes an incident's files while it happens.
//  2. An [Uploader] copies a finished entry to a [Bucket], a folder or an S3 service.
//  3. The record in the [Index] (SQLite or PostgreSQL) then names the objects.
//
// So a record names only objects that are durable with that size and SHA-256. A crash
// between any two steps leaves an entry in the spool, and the next start goes on from
// there: every step may be repeated. Nothing leaves the spool before its record names it.
// What leaves it is signed, and the custody log hears of each step. While an incident goes
// on, the Uploader brings its growing clip to the bucket piece by piece, so that a stolen
// recorder leaves something that plays.
//
// A [StepClock] moves the deadlines in the index when the machine's clock is set.
//
// A [Keeper] decides how long evidence stays: holds, retention, and the locks of a bucket
// that can refuse a delete ([Locker]). A [Reindex] makes the records anew from the bucket.
//
// The pipeline opens the spool and writes entries, the program runs one Uploader, and the
// console reads records through Index and footage through [Evidence], which looks in the
// bucket or, for footage that has not got there yet, in the spool.
//
// What this package does not do: it never looks into a clip but for where its fragments
// end, never decides what an incident is, and never deletes evidence to make room.
//
// docs/evidence.md gives the invariants and the ordered steps.
package storage
