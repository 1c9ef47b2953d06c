package exhibit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
)

// VerifyOptions say how a package is checked. The zero value is fine.
type VerifyOptions struct {
	Pin Pin // what is known of the key from elsewhere
	// Progress is told how many bytes of how many have been read. It may be nil.
	Progress func(done, total int64)
}

// Verify checks a package with nothing but the package: its container, every file, the
// signatures, the proofs. The error is one of reading; what is wrong with the package is in
// the findings.
func Verify(r io.ReaderAt, size int64, o VerifyOptions) (Findings, error) {
	v := &verifier{o: o, total: size}
	c, err := readContainer(r, size)
	var files *zipSource
	if err == nil {
		files, err = newZipSource(r, c)
	}
	var bad errContainer
	if errors.As(err, &bad) {
		v.wrong("The zip file is not as it was written: %s. So nothing in it was looked at.", bad.said)
		return v.Findings, nil
	}
	if err != nil {
		return v.Findings, fmt.Errorf("verify: %w", err)
	}
	v.zip = c
	return v.run(files, size)
}

// VerifyFolder checks a folder that a package was unpacked to. The container is not there
// then; all that is in it is checked alike.
func VerifyFolder(dir string, o VerifyOptions) (Findings, error) {
	files, err := openFolder(dir)
	if err != nil {
		return Findings{}, fmt.Errorf("verify: %w", err)
	}
	defer files.root.Close()
	v := &verifier{o: o, total: files.size}
	f, err := v.run(files, files.size)
	f.note("The zip file itself was not checked, only what was unpacked from it.")
	return f, err
}

// verifier goes through a package. What it finds it writes down and goes on.
type verifier struct {
	Findings
	o     VerifyOptions
	zip   *container // nil for a folder
	files source
	list  List
	keys  []custody.PublicKey

	done, total int64
}

func (v *verifier) run(files source, size int64) (Findings, error) {
	v.files = files
	v.Files, v.Bytes = len(files.names()), size
	ok, err := v.checkList()
	if err != nil || !ok {
		return v.Findings, err
	}
	if err := v.checkFiles(); err != nil {
		return v.Findings, err
	}
	for _, in := range v.list.Incidents {
		if err := v.checkIncident(in); err != nil {
			return v.Findings, err
		}
	}
	if err := v.checkCopies(); err != nil {
		return v.Findings, err
	}
	if err := v.checkCustody(); err != nil {
		return v.Findings, err
	}
	v.judgeKeys()
	return v.Findings, nil
}

// small reads a small file; ok is false when it is missing, which is written down.
func (v *verifier) small(name string) (data []byte, ok bool, err error) {
	data, err = readSmall(v.files, name)
	if errors.Is(err, fs.ErrNotExist) {
		v.wrong("%s is missing.", name)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("verify: %w", err)
	}
	return data, true, nil
}

// checkList checks the list of files and who signed it. All else rests on it.
func (v *verifier) checkList() (ok bool, err error) {
	list, ok1, err := v.small(ListFile)
	if err != nil {
		return false, err
	}
	sig, ok2, err := v.small(SignatureFile)
	if err != nil {
		return false, err
	}
	keys, ok3, err := v.small(KeysFile)
	if err != nil {
		return false, err
	}
	if !ok1 || !ok2 || !ok3 {
		v.wrong("Without these files it cannot be told what the package should hold.")
		return false, nil
	}
	if v.keys, err = custody.ParsePublicKeys(keys); err != nil {
		v.wrong("The public keys of the package are not sound: %v.", err)
		return false, nil
	}
	signature, err := parseSignature(sig, true)
	if err == nil && signature.Purpose != models.PurposeExhibit {
		err = fmt.Errorf("it is a signature for something else (%.60q)", signature.Purpose)
	}
	if err == nil {
		err = custody.Verify(v.keys, list, signature)
	}
	if err != nil {
		v.wrong("The list of files, %s, is not the one that was signed: %v.", ListFile, err)
		return false, nil
	}
	if v.list, err = parseList(list); err != nil {
		v.wrong("The list of files cannot be followed: %v.", err)
		return false, nil
	}
	l := v.list
	v.Exported, v.By, v.Why, v.Reference, v.Software = l.Exported, l.By, l.Why, l.Reference, l.Software
	for _, in := range l.Incidents {
		v.Incidents = append(v.Incidents, in.Incident)
	}
	v.signed(signature.Key)
	v.right("The list of files was signed by the recorder with its key %s when the package was made, and has not been changed since.", signature.Key)
	return v.checkNames(list, sig)
}

// checkNames compares what there is with what the list names, and what follows from it.
func (v *verifier) checkNames(list, sig []byte) (bool, error) {
	want := make([]string, 0, len(v.list.Files)+3)
	for _, f := range v.list.Files {
		want = append(want, f.Path)
	}
	want = append(want, ListFile, SignatureFile, SumsFile)
	got := v.files.names()
	for _, name := range got {
		if !slices.Contains(want, name) {
			v.wrong("%s does not belong to the package: the list does not name it.", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) && name != SumsFile {
			v.wrong("%s is missing.", name)
		}
	}
	sums, ok, err := v.small(SumsFile)
	if err != nil {
		return false, err
	}
	if ok && !bytes.Equal(sums, v.list.sums(sha256.Sum256(list), sha256.Sum256(sig))) {
		v.wrong("%s was changed: it is not what the list of files makes it.", SumsFile)
	}
	if v.zip == nil || !v.OK() {
		return true, nil
	}
	z := v.files.(*zipSource)
	switch {
	case !slices.Equal(got, want):
		v.wrong("The files are in another order than they were written in.")
	case z.folder != v.list.Folder:
		v.wrong("The folder in the zip file is called %q; it was written as %q.", z.folder, v.list.Folder)
	case v.zip.when != toDOS(v.list.Exported):
		v.wrong("The zip file states another time than that at which the package was made.")
	default:
		v.right("The zip file holds %s and nothing else: each of its %d bytes is accounted for.", counted(len(got), "file"), v.Bytes)
	}
	return true, nil
}

// checkFiles reads every file.
func (v *verifier) checkFiles() error {
	intact, size := 0, int64(0)
	for _, f := range v.list.Files {
		ok, err := v.checkFile(f)
		if err != nil {
			return err
		}
		if ok {
			intact, size = intact+1, size+f.Size
		}
	}
	// The three that the list cannot name: their content was compared, their checksums in
	// the zip file were not yet.
	for _, name := range []string{ListFile, SignatureFile, SumsFile} {
		if err := v.checkSum(name); err != nil {
			return err
		}
	}
	if intact == len(v.list.Files) {
		v.right("All %d files that the list names are there and are, byte for byte, what they were when the package was made (SHA-256, %s).",
			intact, bytesInWords(size))
	}
	return nil
}

func (v *verifier) checkFile(f File) (ok bool, err error) {
	c, err := v.files.open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // said already
	}
	if err != nil {
		return false, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if c.size != f.Size {
		v.wrong("%s was changed: it has %d bytes, and had %d.", f.Path, c.size, f.Size)
		return false, nil
	}
	sha, crc := sha256.New(), crc32.NewIEEE()
	if _, err := io.CopyBuffer(io.MultiWriter(sha, crc, v), io.NewSectionReader(c, 0, c.size), make([]byte, 256<<10)); err != nil {
		return false, fmt.Errorf("verify %s: %w", f.Path, err)
	}
	switch {
	case hex.EncodeToString(sha.Sum(nil)) != f.SHA256:
		v.wrong("%s was changed: its content is not what it was.", f.Path)
		return false, nil
	case c.crc != nil && *c.crc != crc.Sum32():
		v.wrong("%s: the zip file states a wrong checksum for it.", f.Path)
		return false, nil
	}
	return true, nil
}

// checkSum compares the zip file's own checksum of a small file.
func (v *verifier) checkSum(name string) error {
	c, err := v.files.open(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && c.crc == nil {
		if err == nil {
			err = c.Close()
		} else {
			err = nil
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	data, err := readSmall(v.files, name)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if crc32.ChecksumIEEE(data) != *c.crc {
		v.wrong("%s: the zip file states a wrong checksum for it.", name)
	}
	return nil
}

// Write counts what was read.
func (v *verifier) Write(p []byte) (int, error) {
	v.done += int64(len(p))
	if v.o.Progress != nil {
		v.o.Progress(v.done, v.total)
	}
	return len(p), nil
}

// find gives the file with a role of an incident.
func (v *verifier) find(in models.IncidentID, role Role, suffix string) (File, bool) {
	i := slices.IndexFunc(v.list.Files, func(f File) bool {
		return f.Incident == in && f.Role == role && strings.HasSuffix(f.Path, suffix)
	})
	if i < 0 {
		return File{}, false
	}
	return v.list.Files[i], true
}

// checkCustody checks the extract of the custody log.
func (v *verifier) checkCustody() error {
	if !slices.ContainsFunc(v.list.Files, func(f File) bool { return f.Role == RoleCustody }) {
		v.note("The package has no custody log, so it does not prove who did what to the evidence.")
		return nil
	}
	data, ok, err := v.small(CustodyFile)
	if err != nil || !ok {
		return err
	}
	var extract custody.Extract
	if err := json.Unmarshal(data, &extract); err != nil {
		v.wrong("The custody log cannot be read: %v.", err)
		return nil
	}
	found, err := extract.Verify(v.keys)
	if err != nil && found.OK() {
		v.wrong("The custody log is not sound: %v.", err)
		return nil
	}
	v.Checked = append(v.Checked, found.Checked...)
	v.Problems = append(v.Problems, found.Problems...)
	v.Notes = append(v.Notes, found.Notes...)
	for _, id := range found.Keys {
		v.signed(id)
	}
	chain, err := chainOf(extract)
	if err != nil {
		v.wrong("The custody log cannot be read: %v.", err)
		return nil
	}
	for _, in := range v.list.Incidents {
		v.compareChain(in.Incident, chain[in.Incident])
	}
	return nil
}

// compareChain compares the hashes in the log with the files in the package: the log was
// written when things happened, the package later.
func (v *verifier) compareChain(id models.IncidentID, chain []models.CustodyRecord) {
	if len(chain) == 0 {
		v.note("Incident %s: the custody log has no entry about it.", id)
		return
	}
	hashes := map[string]string{}
	for _, f := range v.list.Files {
		if f.Incident == id && f.Key != "" {
			hashes[f.Key] = f.SHA256
		}
	}
	agreed := map[string]bool{}
	for _, r := range chain {
		if r.Act != models.ActUploaded && r.Act != models.ActCreated {
			continue
		}
		for _, o := range r.Objects {
			have, ok := hashes[o.Key]
			switch {
			case !ok || o.SHA256 == "":
			case have != o.SHA256:
				v.wrong("Incident %s: %s is not what the custody log says was stored on %s.", id, o.Key, r.At.UTC().Format(time.RFC3339))
				return
			default:
				agreed[o.Key] = true
			}
		}
	}
	if len(agreed) > 0 {
		v.right("Incident %s: %s what the custody log says was stored at the time.", id, isAre(len(agreed), "file"))
	}
}

func isAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

// signed notes that a key signed something.
func (v *verifier) signed(id string) {
	if slices.ContainsFunc(v.Keys, func(k SigningKey) bool { return k.ID == id }) {
		return
	}
	i := slices.IndexFunc(v.keys, func(k custody.PublicKey) bool { return k.ID == id })
	if i >= 0 {
		v.Keys = append(v.Keys, SigningKey{ID: id, Fingerprint: fingerprint(v.keys[i])})
	}
}

// judgeKeys says whose keys they are, as far as that is known.
func (v *verifier) judgeKeys() {
	trusted := v.o.Pin.trusted(v.keys)
	for i, k := range v.Keys {
		v.Keys[i].Pinned = trusted[k.ID]
		if v.o.Pin.set() && !trusted[k.ID] {
			v.wrong("Key %s, which signed in this package, is not the key that you named. Somebody else may have made the package.", k.ID)
		}
	}
	if !v.o.Pin.set() {
		v.note("Whose key it is cannot be told from the package. Ask the operator of the recorder for the fingerprint of the key, " +
			"by another way than this package, and compare it with the one that is shown here.")
	} else if v.OK() {
		v.right("The key is the one that you named.")
	}
}
