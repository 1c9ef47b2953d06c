package config

import (
	"net"
	"reflect"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Config is one accepted configuration file with every default filled in. It is immutable.
type Config struct {
	Path string // of the file, absolute
	Hash string // SHA-256 of the file's bytes as written, in lower-case hex
	// Source is the file's bytes as written, for History. It is a Secret because a file may
	// hold a password.
	Source Secret

	Data      string // folder for the spool, the database and keys, absolute
	Web       Web
	Storage   Storage
	Retention Retention
	Custody   Custody
	Workers   int // analysis workers; 0 is one for each CPU
	Models    Models
	// Record is what defaults says of continuous footage: it holds for what is left of
	// cameras that are no longer in the file.
	Record  Record
	Cameras []Camera // in the file's order
	Sites   []models.Site
	Groups  []Group
	Desk    Desk
	Notify  Notify
	// Inbound are the devices and systems that open incidents by themselves.
	Inbound []Inbound
}

// Web is where the console and the API listen.
type Web struct {
	Listen      string // host:port; an empty host is every address, port 0 any free one
	TLSCert     string // PEM file, absolute; empty without TLS
	TLSKey      string // PEM file, absolute; set exactly when TLSCert is
	BehindProxy bool   // a proxy in front speaks TLS, so plain HTTP beyond loopback is meant
	Session     Session
}

// TLS says whether the listener itself speaks TLS.
func (w Web) TLS() bool { return w.TLSCert != "" }

// Loopback says whether only this machine can reach the listener.
func (w Web) Loopback() bool {
	host, _, err := net.SplitHostPort(w.Listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Storage is where footage and records are kept.
type Storage struct {
	Bucket Bucket
	Index  Index
	Spool  Spool
}

// Bucket is where evidence ends up. Exactly one field is set.
type Bucket struct {
	Disk *Disk
	S3   *S3
}

// Disk is a bucket in a local folder.
type Disk struct {
	Path string // absolute
}

// S3 is a bucket in an S3 service.
type S3 struct {
	Endpoint   string // host or host:port, without a scheme
	Region     string // may be empty
	Bucket     string
	Prefix     string // put before every key; no slash at either end, may be empty
	AccessKey  Secret
	SecretKey  Secret
	TLS        bool   // https
	PathStyle  bool   // https://endpoint/bucket/key instead of https://bucket.endpoint/key
	CAFile     string // PEM file of the authority that signed the service's certificate, or empty
	ObjectLock ObjectLock
}

// Index is where records are kept. Exactly one field is set.
type Index struct {
	SQLite   *SQLite
	Postgres *Postgres
}

// SQLite is an index in a local file.
type SQLite struct {
	Path string // absolute
}

// Postgres is an index in a PostgreSQL database.
type Postgres struct {
	DSN Secret // a postgres:// URL or keyword=value pairs, as libpq reads them
}

// Spool is the local store that footage passes through on its way to the bucket.
type Spool struct {
	Quota int64 // bytes
}

// Models says where the weights of the object detector are and how often they are used.
type Models struct {
	Path    []string // folders, absolute, searched in this order
	Weights string   // name of the weights
	Budget  float64  // most looks (inferences) a second, all cameras together; 0 is no limit
}

// Camera returns the camera with that id.
func (c *Config) Camera(id models.CameraID) (Camera, bool) {
	i := slices.IndexFunc(c.Cameras, func(cam Camera) bool { return cam.ID == id })
	if i < 0 {
		return Camera{}, false
	}
	return c.Cameras[i], true
}

// NeedsRestart names the top-level keys that differ between c and o and that the program
// reads only when it starts.
func (c *Config) NeedsRestart(o *Config) []string {
	var keys []string
	for _, part := range []struct {
		key  string
		a, b any
	}{
		{"data", c.Data, o.Data},
		{"web", c.Web, o.Web},
		{"storage", c.Storage, o.Storage},
		{"retention", c.Retention, o.Retention},
		{"custody", c.Custody, o.Custody},
		{"workers", c.Workers, o.Workers},
		{"models", c.Models, o.Models},
		{"desk.attachments", c.Desk.Attached, o.Desk.Attached},
	} {
		if !reflect.DeepEqual(part.a, part.b) {
			keys = append(keys, part.key)
		}
	}
	return keys
}
