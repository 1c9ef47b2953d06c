// Package pipeline takes one camera's stream from access unit to incident, for every
// camera of the configuration.
//
// A Service holds one Stream per camera and applies new configurations. A Stream has two
// lanes that part after the access unit: the evidence lane keeps the camera's own bits in
// a clip.Buffer; the vision lane takes them from there, decodes, and offers frames to a
// lane of the shared Pool, where a detectors.Chain and an incident.Correlator turn them
// into incidents. A Recorder makes each incident durable: the record and its still first,
// then the clip as it happens, then the hand-over to storage. Analyze runs the same chain
// over a file.
//
// The order of shut-down is the order of the flow: sources, decoders, correlator flush,
// clips cut, spool synced. Uploads and the web outlive the pipeline; cmd ends them after.
//
// Beside the lanes stand what people ask for later: Playable makes copies for browsers,
// FindPeople and Redact make copies in which others are unrecognisable. Both work on a
// clip that they only read, at low priority.
//
// Sources and decoders are stated here as small interfaces; cmd joins them with the rooms
// rtsp and decode.
package pipeline
