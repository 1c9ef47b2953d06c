package exhibit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// found says whether a verification of altered bytes finds that they are.
func found(t testing.TB, data []byte) bool {
	t.Helper()
	f, err := Verify(bytes.NewReader(data), int64(len(data)), VerifyOptions{})
	if err != nil {
		t.Fatalf("verification ended with %v", err)
	}
	return !f.OK()
}

// Any change of any byte is found: of all that is not the data of a file about every
// eighth byte, and random ones of the whole. VEDETTE_SOAK=1 alters every byte of the
// former, and 10 000 packages.
func TestAnyChangedByteIsFound(t *testing.T) {
	stride, n := 8, 300
	if os.Getenv("VEDETTE_SOAK") != "" {
		stride, n = 1, 10_000
	}
	s := newSite(t)
	var packages [][]byte
	for n := range 3 {
		var incidents []models.Incident
		for i := range n + 1 {
			incidents = append(incidents, s.happen(10*n+i, small))
		}
		o := s.options(incidents...)
		packages = append(packages, s.pack(o))
	}
	for _, data := range packages {
		if found(t, data) {
			t.Fatal("an unaltered package is said to be altered")
		}
	}
	data := slices.Clone(packages[0])
	c, err := readContainer(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	structure := func(at int64) bool {
		return !slices.ContainsFunc(c.entries, func(e zipEntry) bool { return at >= e.data && at < e.data+e.size })
	}
	altered := 0
	for at := range data {
		if structure(int64(at)) && rand.IntN(stride) == 0 {
			data[at] ^= byte(1 + rand.IntN(255))
			if altered++; !found(t, data) {
				t.Fatalf("byte %d of the container was altered and not found", at)
			}
			data[at] = packages[0][at]
		}
	}
	// Every byte of the files on which the others rest.
	for _, e := range c.entries {
		if slices.Contains([]string{ListFile, SignatureFile, SumsFile}, path.Base(e.name)) {
			for at := e.data; at < e.data+e.size; at += 1 + rand.Int64N(int64(2*stride)) {
				data[at] ^= 1 << rand.IntN(8)
				if altered++; !found(t, data) {
					t.Fatalf("byte %d of %s was altered and not found", at-e.data, e.name)
				}
				data[at] = packages[0][at]
			}
		}
	}
	t.Logf("%d bytes of the container and of its lists altered, one at a time, all found", altered)
	hits := 0
	for i := range n {
		whole := packages[i%len(packages)]
		data := slices.Clone(whole)
		at := rand.IntN(len(data))
		data[at] ^= byte(1 + rand.IntN(255))
		if found(t, data) {
			hits++
		} else {
			t.Errorf("package %d: byte %d was altered and not found", i%len(packages), at)
		}
	}
	t.Logf("%d packages with one random byte changed: %d found", n, hits)
}

// Changes that are larger than a byte.
func TestOtherChangesAreFound(t *testing.T) {
	s := newSite(t)
	whole := s.pack(s.options(s.happen(0, small)))
	c, err := readContainer(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	// again writes the zip file anew, soundly, with other content.
	again := func(entries []zipEntry, content func(name string, data []byte) []byte) []byte {
		next := &container{when: c.when}
		var all [][]byte
		for _, e := range entries {
			data := content(e.name, whole[e.data:e.data+e.size])
			all = append(all, data)
			sum := zipEntry{name: e.name, size: int64(len(data))}
			sum.crc = checksum(data)
			next.entries = append(next.entries, sum)
		}
		return writeAll(t, next, all)
	}
	same := func(_ string, data []byte) []byte { return data }
	if got := again(c.entries, same); !bytes.Equal(got, whole) {
		t.Fatal("written again, the package is another one")
	}
	swapped := slices.Clone(c.entries)
	swapped[2], swapped[3] = swapped[3], swapped[2]
	for name, data := range map[string][]byte{
		"cut off":                   whole[:len(whole)-1],
		"cut in the middle":         whole[:len(whole)/2],
		"empty":                     nil,
		"a byte added at the end":   append(slices.Clone(whole), 0),
		"a byte added at the start": append([]byte{0}, whole...),
		"a byte put in":             slices.Insert(slices.Clone(whole), len(whole)/2, 0),
		"a file taken out":          again(slices.Delete(slices.Clone(c.entries), 2, 3), same),
		"files swapped":             again(swapped, same),
		"a file put in":             again(append(slices.Clone(c.entries), zipEntry{name: c.entries[0].name + ".exe"}), same),
		"a picture exchanged, with sound checksums": again(c.entries, func(name string, data []byte) []byte {
			if path.Base(name) == "still.jpg" {
				return append(slices.Clone(data), 0)
			}
			return data
		}),
		"SHA256SUMS of something else": again(c.entries, func(name string, data []byte) []byte {
			if path.Base(name) == SumsFile {
				return bytes.ToUpper(data)
			}
			return data
		}),
		"the signature written in another form": again(c.entries, func(name string, data []byte) []byte {
			if path.Base(name) == SignatureFile {
				return append([]byte(" "), data...)
			}
			return data
		}),
	} {
		if !found(t, data) {
			t.Errorf("%s: not found", name)
		}
	}
}

// Somebody who makes a package anew with a key of their own makes one that is sound in
// itself. Who knows the fingerprint of the recorder's key finds it.
func TestAnotherKeyIsFoundByItsFingerprint(t *testing.T) {
	s, forger := newSite(t), newSite(t)
	ours, err := ParsePin(Fingerprint(s.keys.Public()[0]))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := s.keys.Public()[0].PEM()
	if err != nil {
		t.Fatal(err)
	}
	fromPEM, err := ParsePin(string(pem))
	if err != nil {
		t.Fatal(err)
	}
	genuine, forged := s.pack(s.options(s.happen(0, small))), forger.pack(forger.options(forger.happen(0, small)))
	for _, tc := range []struct {
		name string
		data []byte
		pin  Pin
		want bool
	}{
		{"ours", genuine, ours, true},
		{"ours, by a PEM file", genuine, fromPEM, true},
		{"a forger's, nobody compares", forged, Pin{}, true},
		{"a forger's", forged, ours, false},
	} {
		f := verified(t, tc.data, VerifyOptions{Pin: tc.pin})
		if f.OK() != tc.want {
			t.Errorf("%s: OK is %v, problems %q", tc.name, f.OK(), f.Problems)
		}
	}
	// A successor that the pinned key has signed for is as good as the key itself.
	if _, err := s.keys.Rotate(night.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	f := verified(t, s.pack(s.options(s.happen(1, small))), VerifyOptions{Pin: ours})
	if !f.OK() || len(f.Keys) != 1 || !f.Keys[0].Pinned {
		t.Errorf("after a rotation: %q, keys %+v", f.Problems, f.Keys)
	}
}

// A pin is a fingerprint in any grouping, or a file; anything else is an error.
func TestParsePin(t *testing.T) {
	hex := fmt.Sprintf("%064x", 12345)
	for _, s := range []string{hex, " " + hex + "\n", hex[:4] + ":" + hex[4:], hex[:30] + " " + hex[30:]} {
		if p, err := ParsePin(s); err != nil || !p.fingerprints[hex] {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
	for _, s := range []string{"", hex[:16], hex + "00", "[]", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"} {
		if _, err := ParsePin(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
