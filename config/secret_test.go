package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

func TestSecretIsNeverShown(t *testing.T) {
	const password = "hunter2"
	secret := config.Secret(password)
	camera := config.Camera{URL: "rtsp://u:" + password + "@h/"}
	whole := &config.Config{Source: secret, Cameras: []config.Camera{camera},
		Storage: config.Storage{
			Bucket: config.Bucket{S3: &config.S3{AccessKey: secret, SecretKey: secret}},
			Index:  config.Index{Postgres: &config.Postgres{DSN: secret}},
		}}
	for _, held := range []any{secret, &secret, []config.Secret{secret}, map[string]config.Secret{"k": secret}, camera, &camera, *whole, whole, whole.Storage, &whole.Storage,
		struct{ C *config.Camera }{&camera}, struct{ C *config.Config }{whole}, []*config.Camera{&camera}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%08.3f"} {
			if got := fmt.Sprintf(verb, held, held); strings.Contains(got, password) || strings.Contains(got, fmt.Sprintf("%x", password)) {
				t.Errorf("Sprintf %s of %T: %s", verb, held, got)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "held", held)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "held", held)
		encoded, err := json.Marshal(held)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{log.String(), string(encoded), fmt.Sprint(held)} {
			if strings.Contains(got, password) {
				t.Errorf("%T is shown: %s", held, got)
			}
		}
	}
	same(t, secret.Reveal(), password)
}
