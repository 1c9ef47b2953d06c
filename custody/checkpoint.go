package custody

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpoint is the signed head of a log: a C2SP tlog-checkpoint in a C2SP signed note.
// The text begins with the origin, which no purpose of a signature looks like, so that
// neither can pass for the other.
type checkpoint struct {
	origin string
	size   uint64
	root   tlog.Hash
	sig    string // base64 of the key's hash and the signature, as in the note's last line
	key    string // ID of the key
}

// originPrefix begins every origin.
const originPrefix = "vedette/custody/"

// maxCheckpoint bounds a checkpoint in bytes.
const maxCheckpoint = 4 << 10

func checkOrigin(origin string) error {
	rest, ok := strings.CutPrefix(origin, originPrefix)
	if !ok || rest == "" || len(origin) > 256 {
		return fmt.Errorf("log %q: its name does not begin with %s", origin, originPrefix)
	}
	for _, r := range rest {
		if r != '/' && !siteRune(r) {
			return fmt.Errorf("log %q: %q in its name", origin, r)
		}
	}
	return nil
}

func siteRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// text is what is signed.
func (c checkpoint) text() string {
	return c.origin + "\n" + strconv.FormatUint(c.size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.root[:]) + "\n"
}

// String is the whole note.
func (c checkpoint) String() string {
	return c.text() + "\n" + notePrefix + c.origin + " " + c.sig + "\n"
}

const notePrefix = "— "

// noteSigner signs notes with the key of a Keys under the name of a log.
type noteSigner struct {
	name    string
	hash    uint32
	private ed25519.PrivateKey
}

func (s noteSigner) Name() string                    { return s.name }
func (s noteSigner) KeyHash() uint32                 { return s.hash }
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }

// signCheckpoint makes the head of a tree into a checkpoint.
func (k *Keys) signCheckpoint(origin string, t *tree) (checkpoint, error) {
	private, id, err := k.signing()
	if err != nil {
		return checkpoint{}, err
	}
	v, err := verifierOf(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		return checkpoint{}, err
	}
	c := checkpoint{origin: origin, size: t.n, root: t.root(), key: id}
	msg, err := note.Sign(&note.Note{Text: c.text()}, noteSigner{origin, v.KeyHash(), private})
	if err != nil {
		return checkpoint{}, err
	}
	line := strings.TrimSuffix(string(msg[len(c.text())+1:]), "\n")
	c.sig = strings.TrimPrefix(line, notePrefix+origin+" ")
	return c, nil
}

func verifierOf(origin string, key ed25519.PublicKey) (note.Verifier, error) {
	v, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(v)
}

// verifiers check the checkpoints of one log.
type verifiers struct {
	origin string
	list   note.Verifiers
	ids    map[uint32]string // hash in a note → ID of the key
	order  map[string]int    // ID of the key → its age; 0 is the newest
	newest string            // ID of the newest key
}

func newVerifiers(origin string, keys []PublicKey) (*verifiers, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	vs := &verifiers{origin: origin, ids: map[uint32]string{}, order: map[string]int{}}
	var list []note.Verifier
	for i, k := range keys {
		if err := k.check(); err != nil {
			return nil, err
		}
		v, err := verifierOf(origin, k.Key)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.ID, err)
		}
		list = append(list, v)
		vs.ids[v.KeyHash()], vs.order[k.ID] = k.ID, i
	}
	if len(keys) > 0 {
		vs.newest = keys[0].ID
	}
	vs.list = note.VerifierList(list...)
	return vs, nil
}

// parse reads a checkpoint of this log, and nothing that is not spelt as we spell it.
func (vs *verifiers) parse(data []byte) (checkpoint, error) {
	c, err := vs.open(data)
	if err != nil {
		return checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

func (vs *verifiers) open(data []byte) (checkpoint, error) {
	if len(data) > maxCheckpoint {
		return checkpoint{}, fmt.Errorf("%w: %d bytes", ErrAltered, len(data))
	}
	n, err := note.Open(data, vs.list)
	var unsigned *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unsigned):
		return checkpoint{}, fmt.Errorf("%w: none of the %d keys has signed it", ErrUnknownKey, len(vs.order))
	case err != nil:
		return checkpoint{}, fmt.Errorf("%w: %w", ErrAltered, err)
	case len(n.Sigs) != 1 || len(n.UnverifiedSigs) > 0:
		return checkpoint{}, fmt.Errorf("%w: want one signature, got %d", ErrAltered, len(n.Sigs)+len(n.UnverifiedSigs))
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return checkpoint{}, fmt.Errorf("%w: want three lines", ErrAltered)
	}
	c := checkpoint{origin: lines[0], sig: n.Sigs[0].Base64, key: vs.ids[n.Sigs[0].Hash]}
	if c.origin != vs.origin {
		return checkpoint{}, fmt.Errorf("%w: it is of log %q, not of %q", ErrAltered, c.origin, vs.origin)
	}
	if c.size, err = strconv.ParseUint(lines[1], 10, 62); err != nil {
		return checkpoint{}, fmt.Errorf("%w: size %q", ErrAltered, lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return checkpoint{}, fmt.Errorf("%w: root hash %q", ErrAltered, lines[2])
	}
	c.root = tlog.Hash(root)
	// Unused bits at the end of base64 would let two spellings pass for one signature.
	if _, err := base64.StdEncoding.Strict().DecodeString(c.sig); err != nil || c.size == 0 || c.String() != string(data) {
		return checkpoint{}, fmt.Errorf("%w: it is not spelt as vedette spells it", ErrAltered)
	}
	return c, nil
}

// originOf is the name of the log that a checkpoint says it is of, before anything about
// it has been checked.
func originOf(data string) (string, error) {
	first, _, ok := strings.Cut(data, "\n")
	if !ok {
		return "", fmt.Errorf("checkpoint: %w: no lines", ErrAltered)
	}
	return first, checkOrigin(first)
}

// sealWord begins the line of a log file that ends a batch.
const sealWord = "seal "

// seal is the checkpoint on one line, without the origin, which is that of the file.
func (c checkpoint) seal() string { return sealStart(c.size, c.root) + c.sig + "\n" }

// sealStart is what such a line begins with; only the signature follows.
func sealStart(size uint64, root tlog.Hash) string {
	return sealWord + strconv.FormatUint(size, 10) + " " + base64.StdEncoding.EncodeToString(root[:]) + " "
}

// parseSeal reads such a line, without its newline.
func (vs *verifiers) parseSeal(line []byte) (checkpoint, error) {
	part := strings.Split(string(line), " ")
	if len(part) != 4 || part[0] != strings.TrimSpace(sealWord) {
		return checkpoint{}, fmt.Errorf("%w: a line that is neither an entry nor a seal", ErrAltered)
	}
	return vs.parse([]byte(vs.origin + "\n" + part[1] + "\n" + part[2] + "\n\n" + notePrefix + vs.origin + " " + part[3] + "\n"))
}
