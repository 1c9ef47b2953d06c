package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name, text string
		want       config.Retention
	}{
		{"nothing is said: for ever", "", config.Retention{}},
		{"forever is a word", "retention: {default: forever, kinds: {motion: 30d}}",
			config.Retention{Kinds: map[models.Kind]time.Duration{models.KindMotion: 30 * day}}},
		{"by kind and severity", "retention: {default: 30d, kinds: {loitering: 90d, storage: forever, camera_lost: 36h}, severities: {critical: 365d}}",
			config.Retention{Default: 30 * day,
				Kinds:      map[models.Kind]time.Duration{models.KindLoitering: 90 * day, models.KindStorage: 0, models.KindCameraLost: 36 * time.Hour},
				Severities: map[models.Severity]time.Duration{models.SeverityCritical: 365 * day}}},
	} {
		if got := parse(t, camera()+"\n"+tc.text+"\n").Retention; !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v", tc.name, got)
		}
	}
	for text, want := range map[string]string{
		"retention: {default: ever}":            "an age such as 30d",
		"retention: {default: -3d}":             "an age such as 30d",
		"retention: {kinds: {loitring: 3d}}":    "loitering",
		"retention: {severities: {urgent: 3d}}": "urgent",
	} {
		if ms := mistakes(t, camera()+"\n"+text+"\n"); len(ms) != 1 || !strings.Contains(ms[0].Error(), want) {
			t.Errorf("%s: got %v", text, ms)
		}
	}
}

func TestObjectLock(t *testing.T) {
	const s3 = "storage: {bucket: {s3: {endpoint: host, bucket: evidence, access_key: a, secret_key: b%s}}}\n"
	for text, want := range map[string]string{"": "auto", ", object_lock: {mode: compliance}": "compliance"} {
		if got := parse(t, camera()+"\n"+strings.Replace(s3, "%s", text, 1)).Storage.Bucket.S3.ObjectLock.Mode; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if ms := mistakes(t, camera()+"\n"+strings.Replace(s3, "%s", ", object_lock: {mode: strict}", 1)); len(ms) != 1 || !strings.Contains(ms[0].Error(), "governance") {
		t.Errorf("got %v", ms)
	}
}
