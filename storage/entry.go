package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// Names of the files in an entry.
const (
	RecordFile   = "incident.json"
	GrowingFile  = "clip.fmp4" // fragmented MP4, grows while the incident goes on
	ClipFile     = "clip.mp4"  // the finished clip
	StillFile    = "still.jpg"
	PictureFile  = "picture.jpg"
	WhyFile      = "why.jpg"
	MaskFile     = "mask.png"
	ManifestFile = "manifest.json"
	// SignatureFile holds a models.Signature over the bytes of the manifest.
	SignatureFile = "manifest.sig"
	// readyFile holds the SHA-256 of the manifest and, on a second line, that of its
	// signature when there is one; it appears last.
	readyFile = "READY"

	// In the bucket only: a copy of the record that follows its changes, and what is left
	// when retention has deleted the evidence.
	RecordObject = "record.json"
	DeletionFile = "deletion.json"
)

// EntryState is where an entry stands.
type EntryState string

// The states of an entry.
const (
	EntryRecording EntryState = "recording" // files may still change
	EntryReady     EntryState = "ready"     // complete; belongs to the Uploader
	entryGone      EntryState = "gone"      // stored, or set aside
)

// Entry is the evidence of one incident in the spool. It is safe for concurrent use, but
// each file has one writer.
type Entry struct {
	spool *Spool
	id    models.IncidentID
	dir   string
	alarm time.Time // as it was when the entry began, or was found

	// work is held by whoever changes the folder, as long as that takes; mu guards the
	// fields below for a moment only, so that asking for a size never waits for a disk.
	work sync.Mutex

	live  growth // of the Uploader
	tried bool   // of the upload that has the entry in its hands: there was one before

	mu       sync.Mutex
	in       models.Incident
	state    EntryState
	size     int64 // of all files, once ready
	manifest Manifest
	seals    []models.Object // once ready: the manifest itself, and its signature if it has one
}

// File is a file of an entry that becomes an object of evidence.
type File struct {
	Name string
	Role models.ObjectRole
	Type string // media type
}

// ID is the incident's.
func (e *Entry) ID() models.IncidentID { return e.id }

// Path is where a file of this entry is, or should be written.
func (e *Entry) Path(name string) string { return filepath.Join(e.dir, name) }

// State says where the entry stands.
func (e *Entry) State() EntryState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Incident returns the record as it was last saved here.
func (e *Entry) Incident() models.Incident {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.in
}

// Size is how many bytes the entry holds now.
func (e *Entry) Size() int64 {
	e.mu.Lock()
	state, size := e.state, e.size
	e.mu.Unlock()
	switch state {
	case EntryRecording:
		return folderSize(e.dir)
	case EntryReady:
		return size
	}
	return 0
}

// folderSize counts what it can: a file that goes away meanwhile takes no space.
func folderSize(dir string) int64 {
	list, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, item := range list {
		if info, err := item.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	return total
}

// Save replaces the record. A crash leaves the old one or the new one.
func (e *Entry) Save(in models.Incident) error {
	e.work.Lock()
	defer e.work.Unlock()
	if err := e.save(in); err != nil {
		return fmt.Errorf("spool: save %s: %w", e.id, durable.Hint(err))
	}
	return nil
}

func (e *Entry) save(in models.Incident) error {
	if in.ID != e.id {
		return fmt.Errorf("record of incident %q: %w", in.ID, fs.ErrInvalid)
	}
	if state := e.State(); state != EntryRecording {
		return fmt.Errorf("entry is %s: %w", state, fs.ErrClosed)
	}
	if err := saveIncident(e.dir, in, e.spool.step); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.in = in
	return nil
}

func saveIncident(dir string, in models.Incident, step func(string)) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return durable.ReplaceFileSteps(filepath.Join(dir, RecordFile), data, step)
}

// Write stores a small file such as a still. A crash leaves it whole or absent.
func (e *Entry) Write(name string, data []byte) error {
	e.work.Lock()
	defer e.work.Unlock()
	if err := e.write(name, data); err != nil {
		return fmt.Errorf("spool: write %s/%s: %w", e.id, name, durable.Hint(err))
	}
	return nil
}

func (e *Entry) write(name string, data []byte) error {
	if err := checkFileName(name); err != nil {
		return err
	}
	if state := e.State(); state != EntryRecording {
		return fmt.Errorf("entry is %s: %w", state, fs.ErrClosed)
	}
	return durable.ReplaceFileSteps(e.Path(name), data, e.spool.step)
}

// checkFileName refuses what is not a plain name, and the names that the spool writes.
func checkFileName(name string) error {
	switch {
	case name != filepath.Base(name), strings.HasPrefix(name, "."), strings.HasSuffix(name, durable.PartSuffix),
		name == RecordFile, name == ManifestFile, name == SignatureFile, name == readyFile, checkKey(name) != nil:
		return fmt.Errorf("file name %.80q: %w", name, fs.ErrInvalid)
	}
	return nil
}

// Ready completes the entry: files are synced and hashed, the manifest is written, and a
// marker that appears in one step hands the entry to the Uploader. in is the record with
// its footage as it turned out; its footage becomes pending, or stays none. Every step
// may be repeated, so after a crash or an error Ready is simply called again. On an entry
// that is ready it does nothing.
func (e *Entry) Ready(in models.Incident, files []File) error {
	e.work.Lock()
	defer e.work.Unlock()
	if e.State() != EntryRecording {
		return nil
	}
	if err := e.ready(in, files); err != nil {
		return fmt.Errorf("spool: ready %s: %w", e.id, durable.Hint(err))
	}
	e.spool.wake()
	return nil
}

func (e *Entry) ready(in models.Incident, files []File) error {
	step := e.spool.step
	if in.Footage.State != models.FootageNone {
		in.Footage.State = models.FootagePending
	}
	in.Footage.Objects = nil // nothing is durable in the bucket yet
	m := newManifest(in)
	if e.spool.identify != nil {
		m.Identity = e.spool.identify(in.Camera)
	}
	for _, f := range files {
		o, err := e.seal(in, f)
		if err != nil {
			return err
		}
		m.Objects = append(m.Objects, o)
		step("ready: sealed " + f.Name)
	}
	if err := durable.SyncDir(e.dir); err != nil {
		return err
	}
	data, err := m.encode()
	if err != nil {
		return err
	}
	if err := durable.ReplaceFileSteps(e.Path(ManifestFile), data, step); err != nil {
		return err
	}
	if err := e.save(in); err != nil {
		return err
	}
	signature, err := e.sign(data)
	if err != nil {
		return err
	}
	seals := sealsOf(in, data, signature)
	if err := durable.ReplaceFileSteps(e.Path(readyFile), marker(seals), step); err != nil {
		return err
	}
	e.hand(m, seals)
	return nil
}

// sign writes the signature of the manifest; without a signer there is none, also none
// that an earlier attempt may have left.
func (e *Entry) sign(manifest []byte) ([]byte, error) {
	path := e.Path(SignatureFile)
	if e.spool.signer == nil {
		return nil, durable.RemoveIfThere(path)
	}
	sig, err := e.spool.signer.Sign(models.PurposeManifest, manifest)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", ManifestFile, err)
	}
	data, err := json.Marshal(sig)
	if err != nil {
		return nil, err
	}
	return data, durable.ReplaceFileSteps(path, data, e.spool.step)
}

// sealsOf describes the manifest and its signature, which may be nil, as objects.
func sealsOf(in models.Incident, manifest, signature []byte) []models.Object {
	seals := []models.Object{describe(models.RoleManifest, objectKey(in, ManifestFile), manifest)}
	if signature != nil {
		seals = append(seals, describe(models.RoleSignature, objectKey(in, SignatureFile), signature))
	}
	return seals
}

// describe makes the object of JSON that is at hand.
func describe(role models.ObjectRole, key string, data []byte) models.Object {
	sum := sha256.Sum256(data)
	return models.Object{Role: role, Key: key, Type: "application/json", Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

func marker(seals []models.Object) []byte {
	var out []byte
	for _, o := range seals {
		out = append(append(out, o.SHA256...), '\n')
	}
	return out
}

// hand gives the entry to the Uploader.
func (e *Entry) hand(m Manifest, seals []models.Object) {
	size := folderSize(e.dir)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.manifest, e.seals = m, seals
	e.size = size
	e.state = EntryReady
}

// seal makes a file durable and says what it is.
func (e *Entry) seal(in models.Incident, file File) (models.Object, error) {
	if err := checkFileName(file.Name); err != nil {
		return models.Object{}, err
	}
	f, err := os.Open(e.Path(file.Name))
	if err != nil {
		return models.Object{}, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return models.Object{}, err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return models.Object{}, err
	}
	return models.Object{Role: file.Role, Key: objectKey(in, file.Name), Type: file.Type,
		Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// objectKey is where a file of an incident goes in the bucket. It follows from the
// record alone, so that a second upload meets the first.
func objectKey(in models.Incident, name string) string {
	return fmt.Sprintf("incidents/%s/%s/%s", in.Alarm.UTC().Format("2006/01/02"), in.ID, name)
}

// remove takes a stored entry away. The folder leaves its name in one step, so a crash
// never shows half an entry.
func (e *Entry) remove() error {
	e.work.Lock()
	defer e.work.Unlock()
	s := e.spool
	gone := filepath.Join(s.dir, donePrefix+string(e.id))
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(e.dir, gone); err != nil {
		return err
	}
	e.leave()
	s.forget(e.id)
	s.step("removed: folder unnamed")
	return errors.Join(durable.SyncDir(s.dir), os.RemoveAll(gone))
}

// damaged takes the entry out of the Uploader's way.
func (e *Entry) damaged(reason string) error {
	e.work.Lock()
	defer e.work.Unlock()
	if err := e.spool.setAside(e.id, reason); err != nil {
		return err
	}
	e.leave()
	return nil
}

func (e *Entry) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state = entryGone
}

// upload returns what the Uploader takes, in the order in which it must: what the
// manifest names, the manifest, its signature.
func (e *Entry) upload() []models.Object {
	objects, seals := e.parts()
	return slices.Concat(objects, seals)
}

// parts are what the manifest names, and what seals it.
func (e *Entry) parts() (objects, seals []models.Object) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.manifest.Objects, e.seals
}

// maxRecord bounds what start-up reads of one JSON file; a real one is far smaller.
const maxRecord = 64 << 20

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, damagef("%s is no small file", filepath.Base(path))
	}
	return os.ReadFile(path)
}

func loadIncident(dir string, id models.IncidentID) (models.Incident, error) {
	var in models.Incident
	data, err := readSmall(filepath.Join(dir, RecordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return in, damagef("%s is missing", RecordFile)
	}
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return in, damagef("%s: %v", RecordFile, err)
	}
	if in.ID != id {
		return in, damagef("%s is of incident %.80q", RecordFile, in.ID)
	}
	return in, nil
}

// loadEntry reads what is in the folder of an entry; a damageError says that it cannot
// be used. Contents are not hashed here, as the Uploader does that while it reads them.
func loadEntry(s *Spool, id models.IncidentID) (*Entry, error) {
	if err := checkID(id); err != nil {
		return nil, damagef("folder name is no incident ID")
	}
	e := &Entry{spool: s, id: id, dir: filepath.Join(s.dir, string(id)), state: EntryRecording}
	var err error
	if e.in, err = loadIncident(e.dir, id); err != nil {
		return nil, err
	}
	e.alarm = e.in.Alarm
	if err := e.sweep(); err != nil {
		return nil, err
	}
	marker, err := readSmall(e.Path(readyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	seals, data, err := e.readSeals(string(marker))
	if err != nil {
		return nil, err
	}
	m, err := ReadManifest(data)
	if err != nil {
		return nil, damageError{err.Error()}
	}
	if m.Incident != id {
		return nil, damagef("%s is of incident %.80q", ManifestFile, m.Incident)
	}
	for _, o := range m.Objects {
		info, err := os.Stat(e.fileOf(o))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, damagef("%s is missing", filepath.Base(e.fileOf(o)))
		case err != nil:
			return nil, err
		case info.Size() != o.Size:
			return nil, damagef("%s has %d bytes, its manifest says %d", info.Name(), info.Size(), o.Size)
		}
	}
	e.hand(m, seals)
	return e, nil
}

// readSeals reads the manifest and, when the marker knows one, its signature.
func (e *Entry) readSeals(marker string) ([]models.Object, []byte, error) {
	var content [2][]byte
	digests := strings.Fields(marker)
	for i, name := range []string{ManifestFile, SignatureFile} {
		if i > 0 && i >= len(digests) {
			break // not signed
		}
		data, err := readSmall(e.Path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, damagef("%s is missing", name)
		}
		if err != nil {
			return nil, nil, err
		}
		if sum := sha256.Sum256(data); i >= len(digests) || hex.EncodeToString(sum[:]) != digests[i] {
			return nil, nil, damagef("%s is not what %s says", name, readyFile)
		}
		content[i] = data
	}
	return sealsOf(e.in, content[0], content[1]), content[0], nil
}

// sweep removes files that were being written when the program ended.
func (e *Entry) sweep() error {
	parts, err := filepath.Glob(e.Path("*" + durable.PartSuffix))
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := durable.RemoveIfThere(p); err != nil {
			return err
		}
	}
	return nil
}

// fileOf is the file that an object of the manifest is made from.
func (e *Entry) fileOf(o models.Object) string {
	return e.Path(o.Key[strings.LastIndexByte(o.Key, '/')+1:])
}
