package custody

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// openTestKeys opens keys whose first one is an hour old, so that it can be rotated.
func openTestKeys(t testing.TB, dir string) *Keys {
	t.Helper()
	k, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func later(h int) time.Time { return time.Now().Add(time.Duration(h) * time.Hour) }

func TestFirstStartMakesAKeyThatStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	k := openTestKeys(t, dir)
	sig, err := k.Sign(models.PurposeManifest, []byte("what was seen"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, privateName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	first := k.Public()
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign("x", nil); !errors.Is(err, ErrKey) {
		t.Errorf("signed after Close: %v", err)
	}
	again := openTestKeys(t, dir)
	if got := again.Public(); len(got) != 1 || got[0].ID != first[0].ID || !got[0].Since.Equal(first[0].Since) {
		t.Errorf("second start: %+v, want %+v", got, first)
	}
	if err := Verify(again.Public(), []byte("what was seen"), sig); err != nil {
		t.Error(err)
	}
	if got, err := ReadPublicKeys(dir); err != nil || len(got) != 1 || got[0].ID != first[0].ID {
		t.Errorf("ReadPublicKeys: %+v, %v", got, err)
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	k := openTestKeys(t, t.TempDir())
	data := []byte("what was seen")
	good, err := k.Sign(models.PurposeManifest, data)
	if err != nil {
		t.Fatal(err)
	}
	other := openTestKeys(t, t.TempDir()).Public()
	disguised := slices.Clone(other)
	disguised[0].ID = good.Key
	changed := func(f func(*models.Signature)) models.Signature {
		s := good
		s.Value = slices.Clone(s.Value)
		f(&s)
		return s
	}
	for _, tc := range []struct {
		name string
		keys []PublicKey
		data string
		sig  models.Signature
		want error // nil: any
	}{
		{"other data", k.Public(), "what was seem", good, ErrBadSignature},
		{"more data", k.Public(), "what was seen\n", good, ErrBadSignature},
		{"other purpose", k.Public(), string(data), changed(func(s *models.Signature) { s.Purpose = models.PurposeDeletion }), ErrBadSignature},
		{"purpose moved into the data", k.Public(), "y\n" + string(data), changed(func(s *models.Signature) { s.Purpose = "x" }), ErrBadSignature},
		{"other algorithm", k.Public(), string(data), changed(func(s *models.Signature) { s.Algorithm = "none" }), ErrBadSignature},
		{"a bit of the value", k.Public(), string(data), changed(func(s *models.Signature) { s.Value[9] ^= 1 }), ErrBadSignature},
		{"no value", k.Public(), string(data), changed(func(s *models.Signature) { s.Value = nil }), ErrBadSignature},
		{"key not known", other, string(data), good, ErrUnknownKey},
		{"no keys", nil, string(data), good, ErrUnknownKey},
		{"another key under its ID", disguised, string(data), good, nil},
	} {
		err := Verify(tc.keys, []byte(tc.data), tc.sig)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if err := Verify(k.Public(), data, good); err != nil {
		t.Error(err)
	}
	for _, purpose := range []string{"", "two\nlines"} {
		if _, err := k.Sign(purpose, data); err == nil {
			t.Errorf("signed for %q", purpose)
		}
	}
}

func TestAKeyThatIsNotRightIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"missing after the first start", func(dir string) error { return os.Remove(filepath.Join(dir, privateName)) }, "put it back"},
		{"readable by the group", func(dir string) error { return os.Chmod(filepath.Join(dir, privateName), 0o640) }, "chmod 600"},
		{"readable by others", func(dir string) error { return os.Chmod(filepath.Join(dir, privateName), 0o604) }, "chmod 600"},
		{"a folder that others write to", func(dir string) error { return os.Chmod(dir, 0o777) }, "chmod 700"},
		{"empty", func(dir string) error { return os.WriteFile(filepath.Join(dir, privateName), nil, 0o600) }, "PEM"},
		{"cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, privateName), 60) }, "PEM"},
		{"a link", func(dir string) error {
			path := filepath.Join(dir, privateName)
			return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
		}, "plain file"},
		{"another key", func(dir string) error {
			other := t.TempDir()
			k, err := OpenKeys(other)
			if err != nil {
				return err
			}
			k.Close()
			return os.Rename(filepath.Join(other, privateName), filepath.Join(dir, privateName))
		}, "from one backup"},
	} {
		dir := t.TempDir()
		k := openTestKeys(t, dir)
		id := k.Public()[0].ID
		k.Close()
		if err := tc.spoil(dir); err != nil {
			t.Fatal(err)
		}
		again, err := OpenKeys(dir)
		if err == nil {
			t.Errorf("%s: opened with key %s, was %s", tc.name, again.Public()[0].ID, id)
			again.Close()
			continue
		}
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want a hint with %q", tc.name, err, tc.want)
		}
	}
}

func TestAKeyThatGoesBadIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	k := openTestKeys(t, dir)
	path := filepath.Join(dir, privateName)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign("x", nil); !errors.Is(err, ErrKey) {
		t.Errorf("world-readable: %v", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Rename(path, path+".away")); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign("x", nil); !errors.Is(err, ErrKey) {
		t.Errorf("gone: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign("x", nil); err != nil {
		t.Errorf("back again: %v", err)
	}
}

func TestRotationKeepsWhatWasSigned(t *testing.T) {
	dir := t.TempDir()
	k := openTestKeys(t, dir)
	data := []byte("seen")
	var sigs []models.Signature
	for i := range 4 {
		sig, err := k.Sign("x", data)
		if err != nil {
			t.Fatal(err)
		}
		sigs = append(sigs, sig)
		before := k.Public()[0].ID
		next, err := k.Rotate(later(i + 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Public(); got[0].ID != next.ID || next.ID == before || got[1].ID != before || !got[1].Until.Equal(next.Since) {
			t.Fatalf("after rotation %d: %+v", i, got)
		}
	}
	if _, err := k.Rotate(later(2)); err == nil {
		t.Error("rotated to before the key in use")
	}
	k.Close()
	public := openTestKeys(t, dir).Public()
	if err := CheckKeys(public); err != nil || len(public) != 5 {
		t.Fatalf("%d keys, %v", len(public), err)
	}
	for i, sig := range sigs {
		if err := Verify(public, data, sig); err != nil {
			t.Errorf("signature %d: %v", i, err)
		}
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 2 {
		t.Errorf("the old private halves are still there: %v", files)
	}
}

func TestAListOfKeysThatDoesNotHangTogetherIsRefused(t *testing.T) {
	k := openTestKeys(t, t.TempDir())
	for i := range 2 {
		if _, err := k.Rotate(later(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	stranger := openTestKeys(t, t.TempDir()).Public()[0]
	for _, tc := range []struct {
		name   string
		change func([]PublicKey) []PublicKey
	}{
		{"none", func(l []PublicKey) []PublicKey { return nil }},
		{"the first is missing", func(l []PublicKey) []PublicKey { return l[:2] }},
		{"one in the middle is missing", func(l []PublicKey) []PublicKey { return slices.Delete(l, 1, 2) }},
		{"another order", func(l []PublicKey) []PublicKey { slices.Reverse(l); return l }},
		{"a stranger in front", func(l []PublicKey) []PublicKey {
			l[0].Until = stranger.Since
			return append([]PublicKey{stranger}, l...)
		}},
		{"another time", func(l []PublicKey) []PublicKey {
			l[0].Since = l[0].Since.Add(time.Second)
			l[1].Until = l[0].Since
			return l
		}},
		{"a gap", func(l []PublicKey) []PublicKey { l[1].Until = l[1].Until.Add(-time.Second); return l }},
		{"a bit of a key", func(l []PublicKey) []PublicKey { l[2].Key[0] ^= 1; return l }},
		{"a short key", func(l []PublicKey) []PublicKey { l[2].Key = l[2].Key[:31]; return l }},
		{"not signed for", func(l []PublicKey) []PublicKey { l[0].Endorsement = nil; return l }},
		{"signed for something else", func(l []PublicKey) []PublicKey { l[0].Endorsement.Purpose = "x"; return l }},
	} {
		data, err := MarshalPublicKeys(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		list, err := ParsePublicKeys(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckKeys(tc.change(list)); err == nil {
			t.Errorf("%s: taken", tc.name)
		}
	}
}

func TestARotationThatACrashCutsInTwo(t *testing.T) {
	for _, tc := range []struct {
		name string
		cut  func(dir string, before map[string][]byte) error
		keys int
	}{
		{"before the list is written", func(dir string, before map[string][]byte) error {
			return errors.Join(
				os.Rename(filepath.Join(dir, privateName), filepath.Join(dir, nextName)),
				os.WriteFile(filepath.Join(dir, privateName), before[privateName], 0o600),
				os.WriteFile(filepath.Join(dir, publicName), before[publicName], 0o600))
		}, 1},
		{"after the list is written", func(dir string, before map[string][]byte) error {
			return errors.Join(
				os.Rename(filepath.Join(dir, privateName), filepath.Join(dir, nextName)),
				os.WriteFile(filepath.Join(dir, privateName), before[privateName], 0o600))
		}, 2},
		{"the very first start, before the list is written", func(dir string, _ map[string][]byte) error {
			return os.Remove(filepath.Join(dir, publicName))
		}, 1},
	} {
		dir := t.TempDir()
		k := openTestKeys(t, dir)
		before := map[string][]byte{}
		for _, name := range []string{privateName, publicName} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			before[name] = data
		}
		if _, err := k.Rotate(later(1)); err != nil {
			t.Fatal(err)
		}
		k.Close()
		if err := tc.cut(dir, before); err != nil {
			t.Fatal(err)
		}
		again, err := OpenKeys(dir)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := len(again.Public()); got != tc.keys {
			t.Errorf("%s: %d keys, want %d", tc.name, got, tc.keys)
		}
		if sig, err := again.Sign("x", nil); err != nil || Verify(again.Public(), nil, sig) != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, nextName)); err == nil {
			t.Errorf("%s: %s is left over", tc.name, nextName)
		}
		again.Close()
	}
}

func TestOneAtATimeRotates(t *testing.T) {
	dir := t.TempDir()
	a, b := openTestKeys(t, dir), openTestKeys(t, dir)
	if _, err := a.Rotate(later(1)); !errors.Is(err, ErrInUse) {
		t.Fatalf("rotated under another's feet: %v", err)
	}
	if _, err := a.Sign("x", nil); err != nil {
		t.Errorf("after a refused rotation: %v", err)
	}
	if _, err := b.Rotate(later(1)); !errors.Is(err, ErrInUse) {
		t.Errorf("a refused rotation let go of the folder: %v", err)
	}
	b.Close()
	if _, err := a.Rotate(later(1)); err != nil {
		t.Error(err)
	}
}

// TestOpenSSLChecksOurSignatures follows docs/custody.md: somebody who does not trust
// vedette can check a signature without it.
func TestOpenSSLChecksOurSignatures(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not present: apt-get install openssl")
	}
	k := openTestKeys(t, t.TempDir())
	data := []byte(`{"schema":1}`)
	sig, err := k.Sign(models.PurposeManifest, data)
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.Public()[0].PEM()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"key.pem": public, "signature": sig.Value, "message": append([]byte(models.PurposeManifest+"\n"), data...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "message", "-sigfile", "signature")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := verify(); err != nil || !strings.Contains(out, "Verified Successfully") {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "message"), bytes.ToUpper(data), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(); err == nil {
		t.Errorf("OpenSSL takes another message: %s", out)
	}
}

func FuzzParsePublicKeys(f *testing.F) {
	k, err := OpenKeys(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	defer k.Close()
	if _, err := k.Rotate(later(1)); err != nil {
		f.Fatal(err)
	}
	data, err := MarshalPublicKeys(k.Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParsePublicKeys(data)
		if err != nil {
			return
		}
		again, err := MarshalPublicKeys(list)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePublicKeys(again); err != nil || len(got) != len(list) {
			t.Fatalf("what was taken is not taken again: %v", err)
		}
	})
}

func FuzzParsePrivate(f *testing.F) {
	dir := f.TempDir()
	k, err := OpenKeys(dir)
	if err != nil {
		f.Fatal(err)
	}
	k.Close()
	data, err := os.ReadFile(filepath.Join(dir, privateName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := parsePrivate(data); err == nil && len(key) != 64 {
			t.Fatalf("a key of %d bytes", len(key))
		}
	})
}
