package custody

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// fuzzLog is a small log, the same in every process, so that what one finds means the same
// to the next.
func fuzzLog(f *testing.F) (*Keys, *Log) {
	f.Helper()
	room := memoryDir(f)
	seed := sha256.Sum256([]byte("fuzz"))
	if err := errors.Join(
		os.Mkdir(filepath.Join(room, "keys"), 0o700),
		writePrivate(filepath.Join(room, "keys", privateName), ed25519.NewKeyFromSeed(seed[:])),
		os.Mkdir(filepath.Join(room, "custody"), 0o700),
		os.WriteFile(filepath.Join(room, "custody", logName), []byte(header+originPrefix+"fuzz/1\n"), 0o600),
	); err != nil {
		f.Fatal(err)
	}
	k := openTestKeys(f, filepath.Join(room, "keys"))
	l := openTestLog(f, k, filepath.Join(room, "custody"))
	for n := range 3 {
		if err := l.Record(f.Context(), act(n)); err != nil {
			f.Fatal(err)
		}
	}
	return k, l
}

func FuzzParseCheckpoint(f *testing.F) {
	_, l := fuzzLog(f)
	good := l.state.last
	f.Add([]byte(good.String()))
	f.Add([]byte(good.text()))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := l.checks.Load().parse(data)
		switch {
		case err == nil && (c.size != good.size && c.size > 3 || c.String() != string(data)):
			t.Fatalf("a forged checkpoint is taken: %q", data)
		case err != nil && !errors.Is(err, ErrAltered) && !errors.Is(err, ErrUnknownKey):
			t.Fatalf("%q: %v", data, err)
		}
	})
}

func FuzzParseSeal(f *testing.F) {
	_, l := fuzzLog(f)
	good := l.state.last
	f.Add([]byte(good.seal()[:len(good.seal())-1]))
	f.Fuzz(func(t *testing.T, line []byte) {
		if c, err := l.checks.Load().parseSeal(line); err == nil && c.seal() != string(line)+"\n" {
			t.Fatalf("a forged seal is taken: %q", line)
		}
	})
}

func FuzzParseExtract(f *testing.F) {
	k, l := fuzzLog(f)
	x, err := l.Extract(f.Context(), []models.IncidentID{act(0).Incident, act(1).Incident})
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(x)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	keys := k.Public()
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseExtract(data)
		if err != nil {
			return
		}
		if _, err := x.Verify(keys); err != nil {
			return
		}
		for _, p := range x.Entries {
			if !bytes.Contains(good, mustJSON(t, p.Entry)) {
				t.Fatalf("entry %q was never recorded", p.Entry)
			}
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzLogFile puts any bytes in place of a log. Nothing may be taken that was not signed,
// and nothing may be thrown away but the end of a batch that nobody was told of.
func FuzzLogFile(f *testing.F) {
	k, l := fuzzLog(f)
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(l.path(logName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-10])
	f.Add(append(bytes.Clone(good), `{"at":"2026-11-22T14:00:00Z","who":"x","act":"viewed"}`...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(l.path(logName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyDir(t.Context(), l.dir, k.Public(), VerifyOptions{}); err == nil && !bytes.HasPrefix(data, good) {
			t.Fatalf("taken as whole: %q", data)
		}
		// Without what is made from the log, all of it is read at the start.
		if err := errors.Join(os.Truncate(l.path(treeName), 0), os.Truncate(l.path(indexName), 0)); err != nil {
			t.Fatal(err)
		}
		again, err := OpenLog(l.dir, LogOptions{Keys: k})
		if err == nil {
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(l.path(logName)); !bytes.Equal(got, good) {
				t.Fatalf("opened: %q", data)
			}
		} else if got, _ := os.ReadFile(l.path(logName)); !bytes.Equal(got, data) {
			t.Fatalf("refused, and changed from %q to %q", data, got)
		}
	})
}
