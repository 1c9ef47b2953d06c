// Package soak breaks things under a running vedette and counts what is lost.
//
// A [House] is a vedette process with cameras in boxes and a folder of its own. A [Fault]
// is one kind of trouble: it lives in the house for a while and does its harm. Afterwards
// the house is started once more with nothing to watch, and [House.Autopsy] compares what
// people were told of with what is there: every record, every byte of every clip, and every
// gap in the pictures with the gaps that the record names.
//
// The tests run a few lives of each fault, "make soak" many.
package soak
