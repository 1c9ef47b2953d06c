package config_test

import (
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

func TestCustody(t *testing.T) {
	cfg := parse(t, "custody: {site: north-gate.1, timestamp: {url: http://timestamp.example.org/tsr}}\n"+camera())
	same(t, cfg.Custody, config.Custody{Site: "north-gate.1", Timestamp: &config.Timestamp{URL: "http://timestamp.example.org/tsr"}})
	if keys := cfg.NeedsRestart(parse(t, camera())); len(keys) != 1 || keys[0] != "custody" {
		t.Errorf("needs a restart: %v", keys)
	}
	for source, want := range map[string]string{
		"custody: {site: north gate}":                                         "custody.site",
		"custody: {site: -north}":                                             "custody.site",
		"custody: {timestamp: {}}":                                            "custody.timestamp",
		"custody: {timestamp: {url: ftp://example.org}}":                      "custody.timestamp.url",
		"custody: {timestamp: {url: http://me:secret@example.org/}}":          "custody.timestamp.url",
		"custody: {timestamp: {url: http://example.org/, ca_file: none.pem}}": "custody.timestamp.ca_file",
	} {
		if ms := mistakes(t, source+"\n"+camera()); len(ms) != 1 || !strings.Contains(ms[0].Error(), want) {
			t.Errorf("%s: %v, want one about %s", source, ms, want)
		}
	}
}
