// Package durable makes files survive a power cut. Whoever keeps something that must not
// be lost calls it: evidence, records, keys, configurations.
//
// It promises that what it has returned from without an error is on the disk, together
// with its name, and that a file which is replaced holds the old content or the new after
// a crash, never a part. It locks nothing: a file that is replaced has one writer.
package durable
