package custody

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// maxEntry bounds one entry in bytes. An export of a thousand incidents with all their
// objects fits.
const maxEntry = 1 << 20

// encodeEntry is the entry as it is written, hashed and proved: JSON on one line.
func encodeEntry(c models.Custody) ([]byte, error) {
	if c.Act == "" || c.Who == "" || c.At.IsZero() {
		return nil, fmt.Errorf("entry: act %q by %q at %s: each must be said", c.Act, c.Who, c.At)
	}
	c.At = c.At.Round(0).UTC()
	line, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("entry: %w", err)
	}
	if len(line) > maxEntry {
		return nil, fmt.Errorf("entry: %d bytes, at most %d", len(line), maxEntry)
	}
	return line, nil
}

// decodeEntry takes fields that it does not know: a later version may write more.
func decodeEntry(line []byte) (models.Custody, error) {
	var c models.Custody
	dec := json.NewDecoder(bytes.NewReader(line))
	if err := dec.Decode(&c); err != nil {
		return models.Custody{}, fmt.Errorf("entry: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return models.Custody{}, errors.New("entry: more than one value")
	}
	if c.Act == "" || c.Who == "" || c.At.IsZero() {
		return models.Custody{}, errors.New("entry: without act, person or time")
	}
	return c, nil
}

func record(index uint64, line []byte) (models.CustodyRecord, error) {
	c, err := decodeEntry(line)
	if err != nil {
		return models.CustodyRecord{}, fmt.Errorf("entry %d: %w", index, err)
	}
	leaf := tlog.RecordHash(line)
	return models.CustodyRecord{Index: index, Leaf: hex.EncodeToString(leaf[:]), Custody: c}, nil
}
