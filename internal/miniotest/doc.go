// Package miniotest runs a real MinIO server for tests.
//
// The server is built once from its Go module, which takes about five minutes, and kept
// in the user's cache folder; tests that start at the same time wait for one build. MinIO
// is under the AGPL: it is only ever a process beside a test, never a part of vedette.
package miniotest
