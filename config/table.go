package config

import (
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Bounds on one file.
const (
	maxCameras = 1024
	maxZones   = 64 // of one camera
	maxMasks   = 64
	maxRules   = 32 // of one zone
	maxLabels  = 32
)

// file is what the top level is read into.
type file struct {
	Config
	base Camera // what defaults says
}

// wholeFile is the table, built once; nothing in it changes.
var wholeFile = sync.OnceValue(func() shape[file] { return fileObject().shape() })

// fileObject is the whole file. It is read in this order: cameras build on defaults, and
// the labels of their rules on models.
func fileObject() object[file] {
	return object[file]{
		keys: []key[file]{
			field("data", "Folder for the spool, the database and keys.",
				filePath(), func(f *file) *string { return &f.Data }).or("./data").on(restartsProgram),
			field("web", "Where the console and the API listen.",
				webObject().shape(), func(f *file) *Web { return &f.Web }).on(restartsProgram),
			field("storage", "Where footage and records are kept.",
				storageObject().shape(), func(f *file) *Storage { return &f.Storage }).on(restartsProgram),
			field("retention", "How long evidence is kept.",
				retentionObject().shape(), func(f *file) *Retention { return &f.Retention }).on(restartsProgram),
			field("custody", "The custody log: who did what to which evidence.",
				custodyObject().shape(), func(f *file) *Custody { return &f.Custody }).on(restartsProgram),
			field("workers", "Analysis workers; 0 is one for each CPU.",
				count(0, 1024), func(f *file) *int { return &f.Workers }).or(0).on(restartsProgram),
			field("models", "The weights of the object detector.",
				modelsObject().shape(), func(f *file) *Models { return &f.Models }).on(restartsProgram),
			field("defaults", "What holds for every camera that does not say otherwise, value by value.",
				defaultsObject().shape(), func(f *file) *Camera { return &f.base }),
			camerasKey().must(),
			field("sites", "The places that are guarded, by name. The name is part of every record; it is best never changed.",
				sites(), func(f *file) *[]models.Site { return &f.Sites }).on(atOnce),
			field("groups", "Camera groups by name, each a list of cameras: rights are given over groups.",
				groups(), func(f *file) *[]Group { return &f.Groups }).on(atOnce),
			field("notify", "How people outside the console are told: of incidents, of deadlines, of what was given to them.",
				notifyObject().shape(), func(f *file) *Notify { return &f.Notify }).on(atOnce),
			deskKey().on(atOnce),
			field("inbound", "Devices and other systems that open incidents by themselves, by name: each posts to /api/inbound/NAME. docs/api.md tells more.",
				inbound(), func(f *file) *[]Inbound { return &f.Inbound }).on(atOnce),
		},
		check: checkFile,
	}
}

// camerasKey hands each camera a copy of the defaults to begin with.
func camerasKey() key[file] {
	cameras := named(cameraObject().shape(), maxCameras, "camera",
		func(d *decoder) Camera {
			c := d.base
			c.Detect.Masks = slices.Clone(c.Detect.Masks)
			return c
		},
		func(c *Camera, name string) { c.ID = models.CameraID(name) })
	k := field("cameras", "The cameras by name. The name is part of every record; it is best never changed.",
		cameras, func(f *file) *[]Camera { return &f.Cameras }).on(restartsCamera)
	read := k.read
	k.read = func(d *decoder, v value, path string, into *file) {
		d.base, d.labels = into.base, labelsOf(into.Models.Weights)
		read(d, v, path, into)
	}
	return k
}

func webObject() object[Web] {
	return object[Web]{
		keys: []key[Web]{
			field("listen", "host:port to listen on. Beyond this machine it needs TLS, or behind_proxy.",
				listenAddress(), func(w *Web) *string { return &w.Listen }).or("127.0.0.1:8080"),
			field("tls_cert", "PEM file with the certificate chain.",
				certificates(), func(w *Web) *string { return &w.TLSCert }),
			field("tls_key", "PEM file with the certificate's key.",
				filePath(), func(w *Web) *string { return &w.TLSKey }),
			field("behind_proxy", "A proxy in front speaks TLS, so plain HTTP beyond this machine is meant.",
				onOff(), func(w *Web) *bool { return &w.BehindProxy }).or(false),
			field("session", "How long people stay logged in.",
				sessionObject().shape(), func(w *Web) *Session { return &w.Session }),
		},
		check: checkWeb,
	}
}

func checkWeb(d *decoder, v value, path string, w *Web) {
	cert, key := v.get("tls_cert"), v.get("tls_key")
	switch {
	case cert.form != formAbsent && key.form == formAbsent:
		d.mistake(cert.owner, path, "", "tls_cert needs tls_key")
	case key.form != formAbsent && cert.form == formAbsent:
		d.mistake(key.owner, path, "", "tls_key needs tls_cert")
	case w.TLSCert != "" && w.TLSKey != "":
		if err := keyPair(w.TLSCert, w.TLSKey); err != nil {
			d.mistake(key.place, join(path, "tls_key"), "", "%s", err)
		}
	}
	if w.BehindProxy && cert.form != formAbsent {
		d.mistake(v.get("behind_proxy").owner, join(path, "behind_proxy"), "give one of the two",
			"contradicts tls_cert: behind a proxy that speaks TLS vedette speaks plain HTTP")
	}
	if w.Listen != "" && !w.Loopback() && !w.BehindProxy && cert.form == formAbsent {
		at := v.get("listen")
		d.mistake(at.place, join(path, "listen"), "set tls_cert and tls_key, or behind_proxy: true when a proxy in front speaks TLS",
			"%s can be reached from other machines, and without TLS passwords and footage would cross the network in the clear", d.shown(at))
	}
}

// listenAddress is host:port.
func listenAddress() shape[string] {
	s := text(regexp.MustCompile(`^[^\s/]*:[0-9]{1,5}$`), "host:port")
	read := s.read
	s.read = func(d *decoder, v value, path string, into *string) {
		var address string
		if read(d, v, path, &address); address == "" {
			return
		}
		host, port, err := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		if err != nil || n > 65535 {
			d.mistake(v.place, path, "", "want host:port with a port up to 65535, got %s", d.shown(v))
			return
		}
		*into = net.JoinHostPort(host, port)
	}
	return s
}

func storageObject() object[Storage] {
	return object[Storage]{keys: []key[Storage]{
		field("bucket", "Where evidence ends up: one of disk and s3.",
			object[Bucket]{single: true, keys: []key[Bucket]{
				field("disk", "A folder on this machine.",
					pointed(diskObject().shape()), func(b *Bucket) **Disk { return &b.Disk }),
				field("s3", "A bucket of an S3 service.",
					pointed(s3Object().shape()), func(b *Bucket) **S3 { return &b.S3 }),
			}}.shape(), func(s *Storage) *Bucket { return &s.Bucket }).orElse("disk"),
		field("index", "Where records are kept: one of sqlite and postgres.",
			object[Index]{single: true, keys: []key[Index]{
				field("sqlite", "A database in a file on this machine.",
					pointed(sqliteObject().shape()), func(i *Index) **SQLite { return &i.SQLite }),
				field("postgres", "A PostgreSQL database, which several machines can share.",
					pointed(postgresObject().shape()), func(i *Index) **Postgres { return &i.Postgres }),
			}}.shape(), func(s *Storage) *Index { return &s.Index }).orElse("sqlite"),
		field("spool", "The local store that footage passes through.",
			object[Spool]{keys: []key[Spool]{
				field("quota", "Disk space that the spool may fill.",
					byteSize(64<<20, 1<<50), func(s *Spool) *int64 { return &s.Quota }).or("20GiB"),
			}}.shape(), func(s *Storage) *Spool { return &s.Spool }),
	}}
}

func diskObject() object[Disk] {
	return object[Disk]{keys: []key[Disk]{
		field("path", "The folder.", filePath(), func(b *Disk) *string { return &b.Path }).orElse("evidence in the data folder"),
	}}
}

func sqliteObject() object[SQLite] {
	return object[SQLite]{keys: []key[SQLite]{
		field("path", "The file.", filePath(), func(i *SQLite) *string { return &i.Path }).orElse("vedette.db in the data folder"),
	}}
}

func postgresObject() object[Postgres] {
	return object[Postgres]{keys: []key[Postgres]{
		field("dsn", "postgres://user:password@host/database, or libpq's keyword=value pairs.",
			databaseDSN(), func(i *Postgres) *Secret { return &i.DSN }).must(),
	}}
}

// bucketName is what AWS allows a bucket to be called ("General purpose bucket naming
// rules"), without the names that look like an address.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func s3Object() object[S3] {
	return object[S3]{
		keys: []key[S3]{
			field("endpoint", "host or host:port of the service, without http:// or https://.",
				text(regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$`), "host or host:port, without https://"),
				func(s *S3) *string { return &s.Endpoint }).must(),
			field("region", "Region of the bucket; empty asks the service.",
				text(regexp.MustCompile(`^[A-Za-z0-9-]*$`), "a region such as eu-central-1"), func(s *S3) *string { return &s.Region }).or(""),
			field("bucket", "Name of the bucket.",
				text(bucketName, "3 to 63 lower-case letters, digits, dots and hyphens"), func(s *S3) *string { return &s.Bucket }).must(),
			field("prefix", "Put before every key, such as sites/north.",
				text(regexp.MustCompile(`^([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?)?$`), "names joined by /, with no / in front"),
				func(s *S3) *string { return &s.Prefix }).or(""),
			field("access_key", "Access key ID.",
				secret(), func(s *S3) *Secret { return &s.AccessKey }).must(),
			field("secret_key", "Secret access key.",
				secret(), func(s *S3) *Secret { return &s.SecretKey }).must(),
			field("tls", "Speak https.",
				onOff(), func(s *S3) *bool { return &s.TLS }).or(true),
			field("path_style", "Address the bucket as https://endpoint/bucket (MinIO and most others) instead of https://bucket.endpoint (AWS).",
				onOff(), func(s *S3) *bool { return &s.PathStyle }).or(true),
			field("ca_file", "PEM file of the authority that signed the service's certificate, where the system does not know it.",
				certificates(), func(s *S3) *string { return &s.CAFile }),
			field("object_lock", "Keeps the service from deleting evidence before retention lets it go, whoever asks.",
				objectLockObject().shape(), func(s *S3) *ObjectLock { return &s.ObjectLock }),
		},
		check: func(d *decoder, v value, path string, s *S3) {
			s.Prefix = strings.TrimSuffix(s.Prefix, "/")
			if !s.TLS && v.has("ca_file") {
				d.mistake(v.get("ca_file").owner, join(path, "ca_file"), "", "contradicts tls: false")
			}
		},
	}
}

func modelsObject() object[Models] {
	return object[Models]{keys: []key[Models]{
		field("path", "Folders in which weights are looked for, in this order.",
			list(filePath(), 1, 16), func(m *Models) *[]string { return &m.Path }).orElse("models in the data folder"),
		field("weights", "Name of the weights.",
			text(regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`), "a name of letters, digits, dots, hyphens and underscores"),
			func(m *Models) *string { return &m.Weights }).or("yolox_nano"),
		field("budget", "Most looks (inferences) of the object detector a second, all cameras together; 0 is no limit.",
			float(0, 10000), func(m *Models) *float64 { return &m.Budget }).or(30),
	}}
}

// settings is what both one camera and defaults can say.
func settings() []key[Camera] {
	return []key[Camera]{
		field("transport", "How RTP travels: tcp (inside the RTSP connection) or udp. rtsps:// needs tcp.",
			oneOf(TCP, UDP), func(c *Camera) *string { return &c.Transport }).or(TCP).on(restartsCamera),
		field("ca_file", "PEM file of the authority that signed the certificates of rtsps:// cameras, where the system does not know it.",
			certificates(), func(c *Camera) *string { return &c.CAFile }).on(restartsCamera),
		field("timeout", "How long the camera may be silent before it is connected to anew.",
			duration(time.Second, 5*time.Minute), func(c *Camera) *time.Duration { return &c.Timeout }).or("10s").on(restartsCamera),
		field("pre_roll", "Footage in a clip from before the arrival.",
			duration(0, 10*time.Minute), func(c *Camera) *time.Duration { return &c.PreRoll }).or("10s").on(restartsCamera),
		field("post_roll", "Footage in a clip from after the end.",
			duration(0, 10*time.Minute), func(c *Camera) *time.Duration { return &c.PostRoll }).or("5s").on(restartsCamera),
		field("buffer", "Bounds on the footage that waits for an incident.",
			object[Buffer]{keys: []key[Buffer]{
				field("memory", "Footage kept in memory.",
					byteSize(1<<20, 1<<36), func(b *Buffer) *int64 { return &b.Memory }).or("64MiB"),
				field("disk", "Footage kept on disk when memory is full; 0 keeps none there.",
					byteSize(0, 1<<42), func(b *Buffer) *int64 { return &b.Disk }).or("512MiB"),
			}}.shape(), func(c *Camera) *Buffer { return &c.Buffer }).on(restartsCamera),
		field("record", "Continuous footage on this machine's disk, beside the clips of incidents.",
			recordObject().shape(), func(c *Camera) *Record { return &c.Record }),
		field("detect", "How pictures are analysed.",
			object[Detect]{keys: []key[Detect]{
				field("fps", "Frames analysed a second, at most; 0 is every frame.",
					float(0, 120), func(t *Detect) *float64 { return &t.FPS }).or(10),
				field("objects", "Tell persons, vehicles and so on apart, where weights are present.",
					onOff(), func(t *Detect) *bool { return &t.Objects }).or(true),
				field("looks", "What the object detector may cost, in looks at the whole picture a second; 0 is every analysed frame, as far as models.budget goes. With a bound, what lies far apart is cut out and looked at by itself, at a third of the cost, so that there are more looks than that. Fewer looks cost less and follow people less well.",
					float(0, 120), func(t *Detect) *float64 { return &t.Looks }).or(0),
				field("masks", "Areas in which motion is ignored: the clock in the picture, a tree, a flag.",
					list(polygon(), 0, maxMasks), func(t *Detect) *[]models.Polygon { return &t.Masks }),
			}}.shape(), func(c *Camera) *Detect { return &c.Detect }).on(atOnce),
		field("health", "Trouble with the camera itself that becomes an incident.",
			healthObject().shape(), func(c *Camera) *Health { return &c.Health }).on(atOnce),
		field("site", "Where the camera is: one of sites.",
			nameOf[string]("site"), func(c *Camera) *string { return &c.Site }).on(atOnce),
	}
}

func recordObject() object[Record] {
	return object[Record]{keys: []key[Record]{
		field("continuous", "Record all the time. A stream of 3 Mbit/s takes 32 GB a day.",
			onOff(), func(r *Record) *bool { return &r.Continuous }).or(false).on(restartsCamera),
		field("keep", "Older footage is deleted, but for that of incidents that go on or are on hold; 0 deletes nothing for its age.",
			age(0, 10*365*24*time.Hour), func(r *Record) *time.Duration { return &r.Keep }).or("7d").on(atOnce),
		field("size", "Disk space for the camera's footage, beyond which the oldest is deleted; 0 leaves it to the disk: the oldest of all cameras goes when less than 1 GiB is free.",
			byteSize(0, 1<<50), func(r *Record) *int64 { return &r.Size }).or(0).on(atOnce),
	}}
}

func defaultsObject() object[Camera] {
	const own = "it belongs to each camera, not to defaults"
	return object[Camera]{
		keys:      settings(),
		elsewhere: map[string]string{"url": own, "detect_url": own, "zones": own, "name": own, "position": own},
	}
}

func cameraObject() object[Camera] {
	own := []key[Camera]{
		field("name", "What people call the camera.",
			text(regexp.MustCompile(`^\S(.{0,98}\S)?$`), "1 to 100 characters on one line"), func(c *Camera) *string { return &c.Name }).
			orElse("the camera's key").on(restartsCamera),
		field("url", "The camera's main stream, which is recorded. Percent-encode a password written here; ${VARIABLE} needs no such care.",
			streamURL(), func(c *Camera) *Secret { return &c.URL }).must().on(restartsCamera),
		field("detect_url", "A smaller stream of the same camera, which is analysed instead of url.",
			streamURL(), func(c *Camera) *Secret { return &c.DetectURL }).on(restartsCamera),
		field("zones", "Areas of the picture by name, each with what to watch for.",
			zones(), func(c *Camera) *[]models.Zone { return &c.Zones }).on(atOnce),
		field("position", "Where the camera stands, so that the nearest officer can be found.",
			position(), func(c *Camera) **models.Position { return &c.Position }).orElse("that of its site").on(atOnce),
	}
	return object[Camera]{keys: append(own, settings()...), check: checkCamera}
}

func checkCamera(d *decoder, v value, path string, c *Camera) {
	if c.Name == "" {
		c.Name = string(c.ID)
	}
	secure := false
	for _, stream := range []struct {
		key string
		url Secret
	}{{"url", c.URL}, {"detect_url", c.DetectURL}} {
		if !strings.HasPrefix(stream.url.Reveal(), "rtsps:") {
			continue
		}
		secure = true
		if c.Transport == UDP {
			d.mistake(v.get(stream.key).place, join(path, stream.key), "set transport: tcp for this camera",
				"rtsps:// cannot be carried over udp")
		}
	}
	if held := v.get("ca_file"); held.form != formAbsent && c.URL != "" && !secure {
		d.mistake(held.owner, join(path, "ca_file"), "", "means nothing without an rtsps:// URL")
	}
	if c.DetectURL != "" && c.DetectURL == c.URL {
		d.mistake(v.get("detect_url").place, join(path, "detect_url"), "leave it out", "is the same as url")
	}
	checkLabels(d, v, path, c)
}

// checkFile looks at the file as a whole and fills in the paths inside the data folder.
func checkFile(d *decoder, v value, path string, f *file) {
	if f.Storage.Bucket.Disk == nil && f.Storage.Bucket.S3 == nil {
		f.Storage.Bucket.Disk = &Disk{}
	}
	if f.Storage.Index.SQLite == nil && f.Storage.Index.Postgres == nil {
		f.Storage.Index.SQLite = &SQLite{}
	}
	if disk := f.Storage.Bucket.Disk; disk != nil && disk.Path == "" {
		disk.Path = filepath.Join(f.Data, "evidence")
	}
	if db := f.Storage.Index.SQLite; db != nil && db.Path == "" {
		db.Path = filepath.Join(f.Data, "vedette.db")
	}
	if f.Models.Path == nil {
		f.Models.Path = []string{filepath.Join(f.Data, "models")}
	}
	f.Record = f.base.Record
	held := make(map[string]models.CameraID, len(f.Cameras))
	for _, c := range f.Cameras {
		name := strings.ToLower(c.Name)
		if other, twice := held[name]; twice {
			at := v.get("cameras").get(string(c.ID))
			d.mistake(at.get("name").place, join("cameras", string(c.ID)), "",
				"%s is also what people call the camera %s", quoted(c.Name), other)
			continue
		}
		held[name] = c.ID
	}
	checkDesk(d, v, f)
	checkNotify(d, v, f)
	checkInbound(d, v, f)
}
