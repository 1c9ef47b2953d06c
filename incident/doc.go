// Package incident turns events into incidents and holds the rules of an incident's life.
//
// A Correlator serves one camera: it joins events that belong together, says when an
// incident opens, changes and ends, and never reads a clock, so that the same footage
// always gives the same incidents. Merge lays what the correlator knows over a stored
// record without touching what people wrote there.
//
// A Desk holds the rules of a site and the steps that people take: it logs (Log, Open),
// classifies and rates, assigns, keeps the clocks of the service level, gathers what is
// found out, resolves, closes, reopens and reviews; it merges and splits, finds duplicates
// and suggests whom to send. Each step checks the state of the record, changes it and adds
// one entry to its log, or returns an error in words for people and changes nothing. Times
// are arguments. Acknowledge, Judge and Close do without the rules of a site. Precision
// counts what people judged.
//
// The package does no I/O: the pipeline records, storage keeps, web asks.
package incident
