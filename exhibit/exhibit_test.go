package exhibit

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A package holds what it has to, ordinary tools read it, and it verifies.
func TestPackage(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	data := s.pack(s.options(in))
	if path := os.Getenv("VEDETTE_EXHIBIT"); path != "" { // where a person can look at it
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := verified(t, data, VerifyOptions{})
	if !f.OK() {
		t.Fatalf("problems: %q", f.Problems)
	}
	for _, want := range []string{"each of its", "signed by the recorder", "unchanged since", "40 pictures from 2026-03-01 22:41:01",
		"what the custody log says was stored"} {
		if !strings.Contains(strings.Join(f.Checked, "\n"), want) {
			t.Errorf("nothing says %q; checked are\n%s", want, strings.Join(f.Checked, "\n"))
		}
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	folder := "exhibit-" + string(in.ID) + "/"
	have := map[string][]byte{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		have[strings.TrimPrefix(f.Name, folder)] = b
		if f.Method != zip.Store || !f.Modified.Equal(night.Add(9*60*60*1e9)) {
			t.Errorf("%s: method %d, time %v", f.Name, f.Method, f.Modified)
		}
	}
	for _, name := range []string{"README.txt", "exhibit.json", "exhibit.sig", "SHA256SUMS", "custody.json", "keys/keys.json",
		"keys/" + s.keys.Public()[0].ID + ".pem", "incident/clip.mp4", "incident/still.jpg", "incident/picture.jpg", "incident/why.jpg",
		"incident/contact-sheet.jpg", "incident/clock.txt", "incident/record.json", "incident/record.pdf", "incident/manifest.json",
		"incident/manifest.sig", configPath(in.Config)} {
		if len(have[name]) == 0 {
			t.Errorf("%s is not in the package", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("%s is in the package and nobody asked for it", name)
	}
}

// The tools that a recipient has at hand read the package: unzip, sha256sum, openssl.
func TestPackageForOrdinaryTools(t *testing.T) {
	s := newSite(t)
	data := s.pack(s.options(s.happen(0, small), s.happen(1, small)))
	dir := t.TempDir()
	file := filepath.Join(dir, "case.zip")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	tool := func(name string, args ...string) string {
		t.Helper()
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not present", name)
		}
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	tool("python3", "-c", "import zipfile,sys; z=zipfile.ZipFile('case.zip'); sys.exit(z.testzip() is not None); ")
	tool("python3", "-m", "zipfile", "-e", "case.zip", ".")
	folders, err := filepath.Glob(filepath.Join(dir, "exhibit-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("unpacked to %v, %v", folders, err)
	}
	dir = folders[0]
	if out := tool("sha256sum", "--check", "--strict", "SHA256SUMS"); strings.Count(out, ": OK") < 25 {
		t.Errorf("sha256sum checked too little:\n%s", out)
	}
	if f, err := VerifyFolder(dir, VerifyOptions{}); err != nil || !f.OK() {
		t.Errorf("the unpacked folder: %v, %q", err, f.Problems)
	}
	// The recipe of the README, as it stands there.
	readme, err := os.ReadFile(filepath.Join(dir, ReadmeFile))
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, ok := strings.Cut(string(readme), "with OpenSSL 3:\n")
	recipe, _, ok2 := strings.Cut(recipe, "WHOSE KEY")
	if !ok || !ok2 {
		t.Fatal("the README has no recipe")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not present")
	}
	if out := tool("sh", "-e", "-c", recipe); !strings.Contains(out, "Verified Successfully") {
		t.Errorf("openssl says %q", out)
	}
}
