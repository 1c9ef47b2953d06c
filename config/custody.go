package config

import "regexp"

// Custody is how the custody log is kept.
type Custody struct {
	Site      string     // name of the recorder or the site; empty is the host's name
	Timestamp *Timestamp // nil: nobody stamps
}

// Timestamp is an authority that stamps the state of the custody log (RFC 3161).
type Timestamp struct {
	URL    string
	CAFile string // PEM file of who issued its certificate; empty: any authority is taken
}

func custodyObject() object[Custody] {
	return object[Custody]{keys: []key[Custody]{
		field("site", "Name of the recorder or the site in the custody log. It counts when the log is made, and stays.",
			text(regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`), "up to 64 letters, digits, dots, hyphens and underscores"),
			func(c *Custody) *string { return &c.Site }).orElse("the host's name"),
		field("timestamp", "An authority that stamps the state of the log once a day, which binds also whoever has the key of this recorder.",
			pointed(timestampObject().shape()), func(c *Custody) **Timestamp { return &c.Timestamp }),
	}}
}

func timestampObject() object[Timestamp] {
	return object[Timestamp]{keys: []key[Timestamp]{
		field("url", "Address of the authority. It is sent a hash and nothing else.",
			text(regexp.MustCompile(`^https?://[^\s/@]+(/\S*)?$`), "an address such as http://timestamp.example.org/tsr"),
			func(t *Timestamp) *string { return &t.URL }).must(),
		field("ca_file", "PEM file of the authority that issued its certificate. Without it any certificate is taken, and whoever checks a time-stamp must know the authority.",
			certificates(), func(t *Timestamp) *string { return &t.CAFile }),
	}}
}
