// Package pgtest runs a real PostgreSQL server for tests, found in PATH or where Debian
// keeps its versions. A test that needs it is skipped, plainly, where it is not installed.
package pgtest
