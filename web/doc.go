// Package web serves vedette to people and to monitoring: a JSON API described by
// OpenAPI, evidence with range requests, a stream of events, health and metrics, and
// the embedded console.
//
// A Server is filled in by the program and turned into one http.Handler; Serve runs it
// on a listener until its context ends. The Server reads records, evidence and cameras
// through small interfaces and changes nothing but the state of an incident, through
// the rules of package incident.
//
// What it promises:
//
//   - Everything under /api/ needs a session, but for logging in. The rule stands in one
//     place (guard) and is closed by default: a new route is protected without a word.
//   - Passwords are kept as argon2id hashes in one file of mode 0600. Attempts are
//     limited per address and per account, and cost the same for users that do not exist.
//   - What cannot be logged is not given out: pictures, clips, recalled footage and
//     exhibits are refused while the custody log cannot be written. The record of an
//     alarm is still read then, or nobody could answer it. The same act on the same
//     thing counts once within a session; an export counts each time.
//   - No state changes on a cross-origin request; no page runs inline script.
//   - No subscriber can slow the pipeline: Hub.Publish never waits. A client that does
//     not keep up is cut off, counted, and resumes from the ring.
//   - Every stream, clip and request has a deadline or ends with the server.
//
// It does not detect, record or decide: severities, footage and their times come from
// the other rooms. Live video is not served here yet.
package web
