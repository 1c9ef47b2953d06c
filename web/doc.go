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
//   - Everything under /api/ needs a session or a token, but for logging in. The rule
//     stands in one place (guard) and is closed by default: a new route is protected
//     without a word.
//   - Every operation says which right it takes (needs), or the server does not start.
//     What lies below an incident or a camera is not there for those who may not see that
//     camera; lists, counts and the stream of events leave it out (visible).
//   - Attempts at passwords are limited per address and per account, and cost the same for
//     users that do not exist; package people keeps the accounts and locks them.
//   - Logins, refusals, and what people change go into the custody log.
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
