package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
)

// custodySite is a data folder with keys and a custody log, and its configuration file.
func custodySite(t *testing.T) (path string, held *custodian) {
	t.Helper()
	dir := t.TempDir()
	path = writeFile(t, filepath.Join(dir, "vedette.yml"), `
data: data
custody: {site: north}
cameras:
  gate: {url: rtsp://127.0.0.1/}
`)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := openBucket(cfg.Storage.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if held, err = openCustody(cfg, bucket, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	for _, c := range []models.Custody{
		{Who: "vedette", Act: models.ActStarted, Config: cfg.Hash},
		{Who: "anna", Act: models.ActPlayed, Incident: "20261122-1", Camera: "gate", Remote: "192.0.2.7"},
		{Who: "bert", Act: models.ActViewed, Incident: "20261122-2", Note: `said "so"`},
	} {
		c.At = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
		if err := held.Log.Record(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return path, held
}

func TestLogShowsWhoDidWhat(t *testing.T) {
	path, _ := custodySite(t) // the log stays open, as while vedette runs
	for _, tc := range []struct {
		args []string
		want []string // one for each line
	}{
		{nil, []string{"started", "anna", "bert"}},
		{[]string{"-n", "2"}, []string{"played", "viewed"}},
		{[]string{"-n", "0"}, []string{"started", "anna", `"said \"so\""`}},
		{[]string{"--incident", "20261122-1"}, []string{"anna  20261122-1  camera gate  from 192.0.2.7"}},
		{[]string{"--incident", "nobody"}, nil},
		{[]string{"show", "--json", "-n", "1"}, []string{`"index":2`}},
	} {
		code, out, errs := call(t, append(append([]string{"log"}, tc.args...), "-c", path)...)
		lines := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
		if code != 0 || len(lines) != len(tc.want) {
			t.Errorf("%v: code %d, %s\n%s", tc.args, code, errs, out)
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%v: line %d is %q, want %q in it", tc.args, i, lines[i], want)
			}
		}
	}
	empty := writeFile(t, filepath.Join(t.TempDir(), "vedette.yml"), "cameras:\n  gate: {url: rtsp://127.0.0.1/}\n")
	if code, _, errs := call(t, "log", "-c", empty); code != 1 || !strings.Contains(errs, "first start") {
		t.Errorf("without a log: code %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(empty), "data")); err == nil {
		t.Error("looking at a log has made one")
	}
}

func TestLogVerifyTellsInPlainWords(t *testing.T) {
	path, held := custodySite(t)
	dir := filepath.Join(filepath.Dir(path), "data", "custody")
	checkpoint := filepath.Join(t.TempDir(), "000000000003.checkpoint")
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, checkpoint, string(data))
	code, out, errs := call(t, "log", "verify", "-c", path, "--checkpoint", checkpoint)
	if code != 0 || !strings.Contains(out, "3 entries") || !strings.Contains(out, "The log continues the checkpoint 000000000003") || !strings.Contains(out, "Nothing is wrong") {
		t.Errorf("code %d, %s\n%s", code, errs, out)
	}
	if code, _, _ := call(t, "log", "set-aside", "-c", path, "--why", "test"); code != 1 {
		t.Error("set aside while it is open")
	}
	held.Close()

	// A copy on another machine, with keys from elsewhere.
	_, exported, _ := call(t, "keys", "export", "--json", "-c", path)
	keys := writeFile(t, filepath.Join(t.TempDir(), "keys.json"), exported)
	elsewhere := t.TempDir()
	if err := os.CopyFS(filepath.Join(elsewhere, "copy"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := call(t, "log", "verify", "--folder", filepath.Join(elsewhere, "copy"), "--keys", keys, "--json"); code != 0 {
		t.Errorf("a copy: code %d, %s\n%s", code, errs, out)
	} else {
		var f custody.Findings
		if err := json.Unmarshal([]byte(out), &f); err != nil || f.Entries != 3 || !f.OK() {
			t.Errorf("%v: %s", err, out)
		}
	}

	file := filepath.Join(dir, "log")
	if data, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, strings.Replace(string(data), "anna", "carl", 1))
	code, out, _ = call(t, "log", "verify", "-c", path)
	if code != 1 || !strings.Contains(out, "BAD") || !strings.Contains(out, "NOT WHAT WAS RECORDED") || !strings.Contains(out, "first 1 entry") {
		t.Errorf("code %d\n%s", code, out)
	}
	code, out, errs = call(t, "log", "set-aside", "-c", path, "--why", "somebody wrote in it", "--who", "dora")
	if code != 0 || !strings.Contains(out, ".set-aside-") {
		t.Errorf("code %d, %s\n%s", code, errs, out)
	}
	if code, out, errs = call(t, "log", "-c", path); code != 0 || !strings.Contains(out, "damaged") || !strings.Contains(out, "dora") || !strings.Contains(out, "somebody wrote in it") {
		t.Errorf("code %d, %s\n%s", code, errs, out)
	}
	if code, out, _ = call(t, "log", "verify", "-c", path); code != 0 {
		t.Errorf("the new log: %s", out)
	}
	if err := held.Log.Record(t.Context(), models.Custody{Who: "x", Act: models.ActViewed}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestKeysRotate(t *testing.T) {
	path, held := custodySite(t)
	before := held.Keys.Public()[0]
	if code, _, errs := call(t, "keys", "rotate", "-c", path); code != 1 || !strings.Contains(errs, "stop vedette first") {
		t.Errorf("while it runs: code %d, %s", code, errs)
	}
	held.Close()
	// A key is never younger than the one before it, to the second.
	old := before.Since.Add(-time.Hour)
	list := filepath.Join(filepath.Dir(path), "data", "keys", "public.json")
	before.Since = old
	text, err := custody.MarshalPublicKeys([]custody.PublicKey{before})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, list, string(text))
	code, out, errs := call(t, "keys", "rotate", "-c", path, "--who", "dora", "--why", "a year is over")
	if code != 0 || !strings.Contains(out, before.ID) {
		t.Fatalf("code %d, %s\n%s", code, errs, out)
	}
	if _, out, _ := call(t, "keys", "list", "-c", path); strings.Count(out, "in use") != 1 || strings.Count(out, "\n") != 3 {
		t.Errorf("list:\n%s", out)
	}
	if _, out, _ := call(t, "keys", "export", "-c", path); strings.Count(out, "BEGIN PUBLIC KEY") != 2 {
		t.Errorf("export:\n%s", out)
	}
	if _, out, _ := call(t, "keys", "export", "-c", path, "--key", before.ID); strings.Count(out, "BEGIN PUBLIC KEY") != 1 {
		t.Errorf("export of one:\n%s", out)
	}
	if code, _, _ := call(t, "keys", "export", "-c", path, "--key", "none"); code != 1 {
		t.Error("exported a key that is not there")
	}
	_, out, _ = call(t, "keys", "export", "-c", path, "--json")
	if list, err := custody.ParsePublicKeys([]byte(out)); err != nil || len(list) != 2 {
		t.Errorf("%v:\n%s", err, out)
	}
	if _, out, _ := call(t, "log", "-c", path, "-n", "1"); !strings.Contains(out, "key_rotated") || !strings.Contains(out, "a year is over") {
		t.Errorf("log:\n%s", out)
	}
	if code, out, _ := call(t, "log", "verify", "-c", path); code != 0 || !strings.Contains(out, "(2 of them)") {
		t.Errorf("verify: code %d\n%s", code, out)
	}
}
