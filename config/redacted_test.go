package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

const confiding = `# the password is hunter2
data: /var/lib/vedette
storage:
  bucket:
    s3:
      endpoint: minio:9000
      bucket: evidence
      access_key: AKhunter2
      secret_key: "SK\x68unter2"  # written in another way
  index:
    postgres: {dsn: "postgres://vedette:hunter2@db/vedette"}
defaults: &all
  pre_roll: 7s
cameras:
  gate:
    name: 'North: "gate"'
    url: rtsp://viewer:hunter2@192.0.2.10:554/main
    detect:
      url: rtsp://192.0.2.10/user=admin_password=hunter2_channel=1.sdp
    zones:
      door:
        polygon: [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]
        rules:
          - {kind: loitering, dwell: 30s, labels: [person]}
  yard:
    url: rtsp://192.0.2.11/live?token=hunter2
    zones: {}
  hall:
    url: |
      rtsp://viewer:hunter2@192.0.2.12/
`

func TestRedacted(t *testing.T) {
	got, err := config.Redacted([]byte(confiding))
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	if strings.Contains(text, "unter2") || strings.Contains(text, "viewer") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	for _, want := range []string{
		"data: \"/var/lib/vedette\"\n", "      bucket: \"evidence\"\n", `secret_key: "[secret]"`, `access_key: "[secret]"`, `dsn: "[secret]"`,
		`name: "North: \"gate\""`, `url: "rtsp://[secret]@192.0.2.10:554/main"`, `url: "rtsp://192.0.2.10/[secret]"`,
		`url: "rtsp://192.0.2.11/[secret]"`, `url: "rtsp://[secret]@192.0.2.12/`,
		"polygon: [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]", `dwell: "30s"`, `labels: ["person"]`, "zones: {}", `pre_roll: "7s"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %s:\n%s", want, text)
		}
	}
	// It is still a configuration in its form: shown again it is the same.
	again, err := config.Redacted(got)
	if err != nil || string(again) != text {
		t.Errorf("shown again (%v):\n%s", err, again)
	}
}

// What cannot be understood is not shown at all.
func TestRedactedRefuses(t *testing.T) {
	for _, source := range []string{"", "hunter2", "- hunter2", "a: [hunter2", "a: \xff"} {
		if got, err := config.Redacted([]byte(source)); err == nil {
			t.Errorf("%q was shown as %q", source, got)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows it: %v", source, err)
		}
	}
}

func TestSamplesAreRedacted(t *testing.T) {
	files, err := filepath.Glob("../configs/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := config.Redacted(source)
		if err != nil || !strings.Contains(string(got), "cameras:\n") || strings.Contains(string(got), "#") {
			t.Errorf("%s: %v\n%s", file, err, got)
		}
	}
}
