package models

import "time"

// Act is what was done to evidence.
type Act string

// The acts that the custody log keeps.
const (
	ActStarted     Act = "started"        // the program began to work
	ActCreated     Act = "created"        // an incident was opened
	ActUploaded    Act = "uploaded"       // its objects are durable in the bucket
	ActViewed      Act = "viewed"         // a record or a picture was looked at
	ActPlayed      Act = "played"         // a clip was played or downloaded
	ActRecalled    Act = "recalled"       // continuous footage was taken out
	ActExported    Act = "exported"       // an exhibit package was made
	ActRedacted    Act = "redacted"       // a working copy with parts made unrecognisable was made
	ActHeld        Act = "held"           // a legal hold was set
	ActReleased    Act = "released"       // a legal hold was taken away
	ActDeleted     Act = "deleted"        // retention deleted the evidence
	ActDamaged     Act = "damaged"        // evidence was found altered or missing
	ActConfigured  Act = "config_changed" // another configuration is in force
	ActKeyRotated  Act = "key_rotated"    // another key signs from now on
	ActReindexed   Act = "reindexed"      // the index was made anew from the manifests
	ActTimestamped Act = "timestamped"    // an authority has stamped a checkpoint
	ActClockSet    Act = "clock_set"      // the machine's clock was set; the note says by how much
	ActChanged     Act = "changed"        // a person changed an incident; the note says by what
)

// The acts that concern people and what they may do. The note names whom.
const (
	ActLoggedIn        Act = "logged_in"
	ActLoginFailed     Act = "login_failed" // a wrong password
	ActLockedOut       Act = "locked_out"   // too many of them: the account is locked for a while
	ActUnlocked        Act = "unlocked"     // before its time
	ActLoggedOut       Act = "logged_out"
	ActPasswordChanged Act = "password_changed" // by its owner, or to a one-time password
	ActPersonCreated   Act = "person_created"
	ActPersonChanged   Act = "person_changed"
	ActTokenCreated    Act = "token_created"
	ActTokenUsed       Act = "token_used" // for the first time
	ActTokenRevoked    Act = "token_revoked"
	ActRefused         Act = "refused" // somebody asked for what they have no right to
)

// Custody is one entry of the custody log: who did what to which evidence, when. It holds
// no secret and no picture.
type Custody struct {
	At  time.Time `json:"at"`
	Who string    `json:"who"` // a user name, or "vedette"
	Act Act       `json:"act"`
	// Incident is what it was done to; empty when it concerns none.
	Incident IncidentID `json:"incident,omitempty"`
	Camera   CameraID   `json:"camera,omitempty"`
	// Objects are the objects it was done to, with their hashes.
	Objects []Object `json:"objects,omitempty"`
	Remote  string   `json:"remote,omitempty"` // the address that it was asked from
	Config  string   `json:"config,omitempty"` // hash of the configuration
	Note    string   `json:"note,omitempty"`
}

// CustodyRecord is an entry as the log holds it.
type CustodyRecord struct {
	Index uint64 `json:"index"` // its place in the log, from 0
	// Leaf is the Merkle leaf hash of the entry, in hex (RFC 6962, 2.1).
	Leaf string `json:"leaf"`
	Custody
}

// Signature is a detached signature over bytes that lie elsewhere.
type Signature struct {
	Algorithm string `json:"algorithm"` // "ed25519"
	Key       string `json:"key"`       // ID of the key, hex
	Purpose   string `json:"purpose"`   // what is signed: a signature for one purpose is none for another
	Value     []byte `json:"value"`     // base64 in JSON
}

// The purposes of signatures.
const (
	PurposeManifest   = "vedette-manifest-v1"
	PurposeDeletion   = "vedette-deletion-v1"
	PurposeExhibit    = "vedette-exhibit-v1"
	PurposeRedaction  = "vedette-redaction-v1"
	PurposeCheckpoint = "vedette-checkpoint-v1"
)

// Hold keeps the evidence of an incident from being deleted, whatever its age.
type Hold struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
	// Until is when the hold ends by itself; zero: when somebody releases it.
	Until time.Time `json:"until,omitzero"`
}

// Active says whether the hold is in force at a time. A nil hold never is.
func (h *Hold) Active(at time.Time) bool {
	return h != nil && (h.Until.IsZero() || at.Before(h.Until))
}
