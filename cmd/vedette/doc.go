// Command vedette watches IP cameras, keeps the footage that proves what happened, and
// opens incidents that carry it.
//
//	vedette run -c vedette.yml      watch the cameras of a configuration
//	vedette demo --video FILE       show it at work on a film
//	vedette check FILE              say every mistake in a configuration
//	vedette schema                  print the configuration's JSON Schema
//	vedette analyze … VIDEO         the same detection over a file
//	vedette log                     show who did what to which evidence
//	vedette log verify              check the whole custody log
//	vedette keys list               the keys that sign for this recorder
//	vedette user add USER           let somebody in
//	vedette user password USER      set a new one-time password
//	vedette version
//
// This package joins the rooms and does nothing else: flags, wiring, signals.
package main
