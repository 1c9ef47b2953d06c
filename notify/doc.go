// Package notify tells people outside the console what they must not miss: an incident has
// opened, was given to them, or a deadline is about to be or was missed.
//
// A notice for a channel is a dispatch. It lies in an outbox, which storage keeps beside
// the records and writes in the same transaction as the change that it tells of, until the
// channel has taken it. So every notice is delivered at least once; what is delivered
// twice carries the same ID.
//
// A Watcher sleeps until the next deadline and sees to it that its time is noticed. A
// Dispatcher runs one worker for each channel, so that a mail server that hangs keeps no
// webhook waiting. A Sender is one way out: Webhook and Mail are here, and another one
// needs a single method. Routes say what a channel is told.
//
// The package knows nothing of where records are, nor of what the words of a deadline
// mean: it is given small functions. It is the only door to go-mail.
package notify
