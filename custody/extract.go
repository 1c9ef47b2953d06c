package custody

// ExtractFormat names the form of an [Extract].
const ExtractFormat = "vedette-custody-extract-v1"

// Extract is a piece of a log that proves itself: some entries, the signed head of the
// log, and for each entry the path from it to that head. With JSON it goes into a file.
type Extract struct {
	Format string `json:"format"` // ExtractFormat
	// Checkpoint is the signed head of the log, a C2SP checkpoint: name of the log, number
	// of entries, root hash, signature.
	Checkpoint string  `json:"checkpoint"`
	Entries    []Proof `json:"entries"` // in the order of the log
	Stamps     []Stamp `json:"stamps,omitempty"`
}

// Proof is an entry and the proof that it is in the log.
type Proof struct {
	Index uint64 `json:"index"` // its place in the log, from 0
	// Entry is the entry as the log holds it, byte for byte: a models.Custody in JSON.
	Entry string `json:"entry"`
	// Path are the hashes beside the way from the entry to the root (RFC 6962, 2.1.1).
	Path [][]byte `json:"path"`
}

// Stamp is an authority's word that the log was in a state at a time.
type Stamp struct {
	Checkpoint string `json:"checkpoint"` // what was stamped, a C2SP checkpoint
	Token      []byte `json:"token"`      // RFC 3161 time-stamp token over Checkpoint, DER
	// Path proves that the log only grew between Checkpoint and the extract's own
	// checkpoint (RFC 6962, 2.1.2).
	Path [][]byte `json:"path"`
}
