// Package incident turns events into incidents and holds the rules of an incident's life.
//
// A Correlator serves one camera: it joins events that belong together, says when an
// incident opens, changes and ends, and never reads a clock, so that the same footage
// always gives the same incidents. Acknowledge, Judge and Close are the steps that a
// person takes; they check the state and write the log. Precision counts what people
// judged. Merge lays what the correlator knows
// over a stored record without touching what people wrote there.
//
// The package does no I/O: the pipeline records, storage keeps, web asks.
package incident
