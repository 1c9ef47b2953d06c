package exhibit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// Signer signs the list of files. A custody.Keys is one.
type Signer interface {
	Sign(purpose string, data []byte) (models.Signature, error)
}

// Options say what goes into a package, and where it comes from.
type Options struct {
	// Incidents are one or more. Their footage is stored, or there is none; or it waits for
	// the bucket and Footage.Objects names what waits.
	Incidents []models.Incident
	// Open opens an object that a record names. The error is fs.ErrNotExist when there is
	// none; it never gives other bytes than the object has now.
	Open func(ctx context.Context, in models.Incident, o models.Object) (storage.Reader, error)
	// Playable makes a copy of a clip that browsers refuse. An empty path: none is needed.
	// nil: no copies are made.
	Playable func(ctx context.Context, in models.Incident) (path string, o models.Object, err error)
	// Config gives a configuration, without its secrets, by its hash. The error is
	// fs.ErrNotExist when it is not known any more. nil: none is.
	Config  func(hash string) ([]byte, error)
	Custody custody.Extract     // about these incidents; its zero value: there is no log
	Keys    []custody.PublicKey // newest first
	Signer  Signer
	Copies  []WorkingCopy

	By        string // who makes it
	Why       string // who asked for it and what for
	Reference string // the recipient's, such as a case number; may be empty
	Contact   string // whom the recipient can ask; may be empty
	Software  string // such as "vedette 1.4.0"
	At        time.Time
	Place     *time.Location // whose wall clock people are shown; default: UTC
	Temp      string         // folder for what is made for the package; default: os.TempDir
	// Progress is told how many bytes of how many have been read. It may be nil.
	Progress func(done, total int64)
}

// WorkingCopy is a copy that was made outside, such as a redacted one, with the note that
// links it to its master.
type WorkingCopy struct {
	Path      string // the copy
	Note      string // its note, JSON
	Signature string // of the note; empty: it is not signed
}

// Report says what a package holds.
type Report struct {
	Folder string
	Files  int
	Size   int64  // bytes of the whole package
	List   string // SHA-256 of exhibit.json, hex
	SHA256 string // of the whole package, hex; known when it is written
	// Notes say what a recipient could expect and will not find, and why.
	Notes []string
}

// ErrNotStored says that footage of an incident is not yet in the bucket.
var ErrNotStored = errors.New("its footage is not stored yet")

// Package is a package that is complete but for being written. Close removes what was made
// for it.
type Package struct {
	report Report
	files  []staged
	zip    container
	dir    string
}

// staged is a file that is known to the last byte and waits to be written.
type staged struct {
	File
	crc  uint32
	open func(context.Context) (io.ReadCloser, error)
}

// Write makes a package and writes it. Nothing is written when evidence is missing or is
// not what its record says.
func Write(ctx context.Context, w io.Writer, o Options) (Report, error) {
	p, err := Prepare(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer p.Close()
	return p.Write(ctx, w)
}

// Prepare reads all evidence, compares it with the records and makes everything that is
// made for the recipient. The caller closes the package.
func Prepare(ctx context.Context, o Options) (_ *Package, err error) {
	if err := check(&o); err != nil {
		return nil, fmt.Errorf("exhibit: %w", err)
	}
	dir, err := os.MkdirTemp(o.Temp, "vedette-exhibit-*")
	if err != nil {
		return nil, fmt.Errorf("exhibit: %w", err)
	}
	b := &builder{o: o, dir: dir, list: List{
		Schema: listSchema, Folder: folderName(o), Exported: o.At.UTC(), By: o.By, Why: o.Why, Reference: o.Reference,
		Contact: o.Contact, Software: o.Software,
	}}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := b.build(ctx); err != nil {
		return nil, fmt.Errorf("exhibit: %w", err)
	}
	p := &Package{files: b.files, dir: dir, zip: container{when: toDOS(o.At)}}
	for _, f := range b.files {
		p.zip.entries = append(p.zip.entries, zipEntry{name: b.list.Folder + "/" + f.Path, size: f.Size, crc: f.crc})
	}
	if len(b.files) > maxEntries {
		return nil, fmt.Errorf("exhibit: %d files are too many for one package: at most %d", len(b.files), maxEntries)
	}
	p.zip.place()
	p.report = Report{Folder: b.list.Folder, Files: len(b.files), Size: p.zip.length(), List: b.listSum, Notes: b.notes}
	return p, nil
}

func check(o *Options) error {
	if len(o.Incidents) == 0 {
		return errors.New("no incidents")
	}
	if o.Signer == nil || len(o.Keys) == 0 {
		return errors.New("there is no key to sign the package with")
	}
	if o.Place == nil {
		o.Place = time.UTC
	}
	seen := map[models.IncidentID]bool{}
	for _, in := range o.Incidents {
		if seen[in.ID] {
			return fmt.Errorf("incident %s is named twice", in.ID)
		}
		seen[in.ID] = true
		switch in.Footage.State {
		case models.FootageStored, models.FootageNone, models.FootageDeleted:
			continue
		case models.FootagePending:
			if len(in.Footage.Objects) > 0 {
				continue
			}
			fallthrough
		default:
			return fmt.Errorf("incident %s: %w (state %s); try again when it is", in.ID, ErrNotStored, in.Footage.State)
		}
	}
	return nil
}

// folderName is the name of the folder that all files lie in.
func folderName(o Options) string {
	at := o.At.UTC().Format("20060102T150405Z")
	if len(o.Incidents) == 1 {
		return safeName("exhibit-" + string(o.Incidents[0].ID))
	}
	return safeName("exhibit-" + at)
}

// Report says what the package holds.
func (p *Package) Report() Report { return p.report }

// Size is the number of bytes that Write will write.
func (p *Package) Size() int64 { return p.report.Size }

// Write writes the package. Evidence that has changed since Prepare is an error; what has
// been written by then is no package, because its directory is missing.
func (p *Package) Write(ctx context.Context, w io.Writer) (Report, error) {
	h := sha256.New()
	err := p.zip.write(io.MultiWriter(w, h), func(i int) (io.ReadCloser, error) {
		r, err := p.files[i].open(ctx)
		if err != nil {
			return nil, err
		}
		return bounded{ctx, r}, nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("write exhibit: %w", err)
	}
	p.report.SHA256 = hex.EncodeToString(h.Sum(nil))
	return p.report, nil
}

// Close removes what was made for the package.
func (p *Package) Close() error { return os.RemoveAll(p.dir) }

// bounded ends a long read when its context ends.
type bounded struct {
	ctx context.Context
	io.ReadCloser
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// builder gathers the files of a package in their order.
type builder struct {
	o       Options
	dir     string
	list    List
	files   []staged
	listSum string
	notes   []string

	done, total int64 // bytes of evidence
}

func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

func (b *builder) build(ctx context.Context) error {
	for _, in := range b.o.Incidents {
		for _, o := range in.Footage.Objects {
			b.total += o.Size
		}
		for _, t := range in.Investigation.Attachments {
			b.total += t.Size
		}
		for _, x := range in.Investigation.Exhibits {
			b.total += x.Object.Size
		}
	}
	var items []*item
	for i, in := range b.o.Incidents {
		it := &item{Incident: in, folder: itemFolder(in, i, len(b.o.Incidents))}
		items = append(items, it)
		b.list.Incidents = append(b.list.Incidents, ListItem{Incident: in.ID, Folder: it.folder, Camera: in.Camera,
			Kind: in.Kind, Alarm: in.Alarm.UTC(), Complete: in.Footage.Complete()})
	}
	chain, err := chainOf(b.o.Custody)
	if err != nil {
		return err
	}
	for _, it := range items {
		it.chain = chain[it.ID]
		if err := b.addItem(ctx, it); err != nil {
			return fmt.Errorf("incident %s: %w", it.ID, err)
		}
	}
	if err := b.addCopies(ctx, items); err != nil {
		return err
	}
	if err := b.addConfigs(ctx); err != nil {
		return err
	}
	if err := b.addProofs(ctx); err != nil {
		return err
	}
	readme, err := b.readme(items)
	if err != nil {
		return err
	}
	if err := b.addMade(ctx, File{Path: ReadmeFile, Role: RoleReadme, Type: "text/plain; charset=utf-8"}, readme); err != nil {
		return err
	}
	// What people should read first comes first.
	last := len(b.files) - 1
	b.files = slices.Insert(b.files[:last], 0, b.files[last])
	return b.seal(ctx)
}

// itemFolder names the folder of an incident.
func itemFolder(in models.Incident, i, n int) string {
	if n == 1 {
		return "incident"
	}
	return fmt.Sprintf("%0*d-%s", len(strconv.Itoa(n)), i+1, safeName(string(in.ID)))
}

// addProofs adds the custody extract and the public keys.
func (b *builder) addProofs(ctx context.Context) error {
	if b.o.Custody.Format != "" {
		data, err := json.MarshalIndent(b.o.Custody, "", "  ")
		if err != nil {
			return fmt.Errorf("%s: %w", CustodyFile, err)
		}
		if err := b.addMade(ctx, File{Path: CustodyFile, Role: RoleCustody, Type: "application/json"}, append(data, '\n')); err != nil {
			return err
		}
	} else {
		b.note("There is no custody log: nothing proves who has done what to the evidence.")
	}
	data, err := custody.MarshalPublicKeys(b.o.Keys)
	if err != nil {
		return err
	}
	if err := b.addMade(ctx, File{Path: KeysFile, Role: RoleKeys, Type: "application/json"}, data); err != nil {
		return err
	}
	for _, k := range b.o.Keys {
		data, err := k.PEM()
		if err != nil {
			return err
		}
		if err := b.addMade(ctx, File{Path: "keys/" + safeName(k.ID) + ".pem", Role: RoleKeys, Type: "application/x-pem-file"}, data); err != nil {
			return err
		}
	}
	return nil
}

// addConfigs adds each configuration that was in force, once.
func (b *builder) addConfigs(ctx context.Context) error {
	seen := map[string]bool{}
	for _, in := range b.o.Incidents {
		if in.Config == "" || seen[in.Config] {
			continue
		}
		seen[in.Config] = true
		data, err := b.config(in.Config)
		if err != nil {
			b.note("The configuration %.16s that was in force is not in the package: %v.", in.Config, err)
			continue
		}
		if err := b.addMade(ctx, File{Path: configPath(in.Config), Role: RoleConfig, Type: "application/yaml"}, data); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) config(hash string) ([]byte, error) {
	if b.o.Config == nil {
		return nil, errors.New("no history of configurations is kept")
	}
	return b.o.Config(hash)
}

func configPath(hash string) string { return "config/" + safeName(hash[:min(len(hash), 16)]) + ".yml" }

// addCopies adds copies that were made outside, with their notes. A copy whose master is
// not in the package is refused: nobody could tell what it is a copy of.
func (b *builder) addCopies(ctx context.Context, items []*item) error {
	for i, c := range b.o.Copies {
		name := fmt.Sprintf("working-copies/%d-%s", i+1, safeName(filepath.Base(c.Path)))
		note, err := os.ReadFile(c.Note)
		if err != nil {
			return fmt.Errorf("note of %s: %w", c.Path, err)
		}
		master, err := masterOf(note)
		if err != nil {
			return fmt.Errorf("note of %s: %w", c.Path, err)
		}
		j := slices.IndexFunc(b.files, func(f staged) bool { return f.Role == Role(models.RoleClip) && f.SHA256 == master })
		if j < 0 {
			return fmt.Errorf("%s is a copy of a clip with SHA-256 %s, which none of these incidents has", c.Path, master)
		}
		in := b.files[j].Incident
		open := func(context.Context) (io.ReadCloser, error) { return os.Open(c.Path) }
		if err := b.add(ctx, File{Path: name, Role: RoleWorking, Incident: in, Type: "video/mp4", MadeFrom: master}, open, nil); err != nil {
			return err
		}
		if err := b.addMade(ctx, File{Path: name + ".json", Role: RoleSidecar, Incident: in, Type: "application/json", MadeFrom: master}, note); err != nil {
			return err
		}
		if c.Signature == "" {
			continue
		}
		signature, err := os.ReadFile(c.Signature)
		if err != nil {
			return fmt.Errorf("signature of %s: %w", c.Note, err)
		}
		if err := b.addMade(ctx, File{Path: name + ".json.sig", Role: RoleSidecar, Incident: in, Type: "application/json", MadeFrom: master}, signature); err != nil {
			return err
		}
	}
	return nil
}

// seal adds the list, its signature and the checksums.
func (b *builder) seal(ctx context.Context) error {
	for _, f := range b.files {
		b.list.Files = append(b.list.Files, f.File)
	}
	list, err := b.list.encode()
	if err != nil {
		return err
	}
	// What could not be read again is no package.
	if _, err := parseList(list); err != nil {
		return err
	}
	signed, err := b.o.Signer.Sign(models.PurposeExhibit, list)
	if err != nil {
		return fmt.Errorf("sign the package: %w", err)
	}
	signature, err := encodeSignature(signed)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(list)
	b.listSum = hex.EncodeToString(sum[:])
	for _, f := range []struct {
		name string
		data []byte
	}{{ListFile, list}, {SignatureFile, signature}, {SumsFile, b.list.sums(sum, sha256.Sum256(signature))}} {
		if err := b.addMade(ctx, File{Path: f.name}, f.data); err != nil {
			return err
		}
	}
	return nil
}

// add reads a file once and remembers what it is. want, when set, is what it must be.
func (b *builder) add(ctx context.Context, f File, open func(context.Context) (io.ReadCloser, error), want *models.Object) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path.Base(f.Path), err)
		}
	}()
	r, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sha, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(sha, crc, counter{b, want != nil}), bounded{ctx, r})
	if err != nil {
		return err
	}
	f.Size, f.SHA256 = n, hex.EncodeToString(sha.Sum(nil))
	if want != nil && (f.Size != want.Size || f.SHA256 != want.SHA256) {
		return fmt.Errorf("%w: it has %d bytes with SHA-256 %s, the record says %d bytes with %s",
			storage.ErrContent, f.Size, f.SHA256, want.Size, want.SHA256)
	}
	b.files = append(b.files, staged{f, crc.Sum32(), open})
	return nil
}

// addMade keeps what was made for the package until it is written.
func (b *builder) addMade(ctx context.Context, f File, data []byte) error {
	name := filepath.Join(b.dir, strconv.Itoa(len(b.files)))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return err
	}
	return b.add(ctx, f, func(context.Context) (io.ReadCloser, error) { return os.Open(name) }, nil)
}

// counter tells the progress of reading evidence.
type counter struct {
	b    *builder
	here bool
}

func (c counter) Write(p []byte) (int, error) {
	if c.here && c.b.o.Progress != nil {
		c.b.done += int64(len(p))
		c.b.o.Progress(c.b.done, max(c.b.total, c.b.done))
	}
	return len(p), nil
}
