package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// What check prints is what the file means, also for values that it leaves to the defaults.
func TestCheckSaysWhatTheFileMeans(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "c.yml"), `cameras:
  gate:
    name: Main gate
    url: rtsp://viewer:hunter2@192.0.2.10/main
    buffer: {memory: 90MB, disk: 0}
    health: {frozen: {enabled: false}, defocused: {enabled: false}}
    zones:
      door:
        rules:
          - {kind: loitering, dwell: 80s, labels: [person], schedule: [{days: [weekdays], from: "22:00", to: "06:00", time_zone: Europe/Vienna}]}
          - {kind: line, line: [[0, 0.5], [1, 0.5]], direction: to_left}
      drawn:
  yard:
    url: rtsp://192.0.2.11/main
    pre_roll: 0s
    health:
      camera_lost: {enabled: false}
      frozen: {enabled: false}
      covered: {enabled: false}
      defocused: {enabled: false}
      moved: {enabled: false}
      blank: {enabled: false}
      clock: {enabled: false}
`)
	code, stdout, stderr := call(t, "check", path)
	want := `gate: Main gate at rtsp://192.0.2.10
  zone door
    loitering (medium): a person stays for 1m20s, with absences of up to 3s; weekdays 22:00–06:00 Europe/Vienna
    line (medium): anything crosses the line to its left side; always
  zone drawn
    no rules: it is only drawn
  health: camera_lost after 15s (high), covered after 5s (high), moved after 10s (high), blank after 5s (high), clock more than 2s off after 1m (medium); off: frozen, defocused
  buffer: 1m30s of footage for the slowest of these, which fits up to 8 Mbit/s
yard: yard at rtsp://192.0.2.11
  no zones: it is not watched for anything but its own health
  health: off: camera_lost, frozen, covered, defocused, moved, blank, clock
desk
  critical: acknowledged within 1m, responded to within 5m, resolved within 4h; clocks run always
  high: acknowledged within 2m, responded to within 10m, resolved within 8h; clocks run always
  medium: acknowledged within 10m, responded to within 30m, resolved within 24h; clocks run always
  low: acknowledged within 1h, resolved within 72h; clocks run always
`
	if got, ok := strings.CutSuffix(stdout[:max(0, strings.LastIndex(stdout, ", hash"))], path+": good: 2 cameras, 2 zones, 2 rules"); code != 0 || !ok || got != want {
		t.Errorf("code %d, %s\ngot:\n%s\nwant:\n%s", code, stderr, stdout, want)
	}
	code, quiet, _ := call(t, "check", "-q", path)
	if code != 0 || strings.Count(quiet, "\n") != 1 || !strings.HasSuffix(stdout, quiet) {
		t.Errorf("-q: code %d, got %q", code, quiet)
	}
}
