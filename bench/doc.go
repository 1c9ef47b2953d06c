// Package bench measures the whole of vedette: how soon an alert is seen, what a camera
// costs, which loiterers are found, and what survives when the program is killed. Each
// figure compares in one run, and each can be repeated by anybody:
//
//	make bench
//
// The tables that were measured are in bench/README.md. Package score holds the
// arithmetic; command bench runs the measurements.
package bench
