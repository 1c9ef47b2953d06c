// Package config reads the one YAML file that tells vedette what to watch, and keeps
// reading it while the program runs.
//
// Load and Parse are strict: a file is either right as a whole or comes back as Mistakes,
// all of them at once, each with file:line:column, the path of the value and, where one is
// near, the right word. A Config is complete (every default filled in, every path absolute,
// every ${VARIABLE} and secret file resolved) and is never changed after Parse returned it.
//
// One table (table.go) says which keys there are, what they may hold, their defaults and
// what a change of each one restarts. The decoder, the JSON Schema (Schema) and the key
// list in docs/config.md are all made from it, so they cannot disagree.
//
// Watcher follows the file on disk and hands over each new valid Config; History keeps
// every accepted file by its hash, so that an incident can name the zones that were in
// force. Neither applies anything: the caller compares old and new with Camera.SameStream
// and Config.NeedsRestart.
//
// Secrets are of type Secret, which no printing, logging or marshalling reveals. Mistakes
// never quote the value of a secret or of a variable. A password written into the file
// itself instead of coming from a variable or a file does end up in the history folder,
// which only the program's user can read.
package config
