package main

import (
	"slices"
	"testing"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/incident"
)

// What the configuration lets a type require is what the desk knows to look for, and its
// stages are those of the desk.
func TestConfigurationAndDeskAgree(t *testing.T) {
	for _, field := range incident.Fields() {
		source := "cameras: {a: {url: rtsp://192.0.2.1/}}\ndesk: {types: {own: {required: [" + field + "]}}}\n"
		if _, err := config.Parse("x.yml", []byte(source), nil); err != nil {
			t.Errorf("%s cannot be required: %v", field, err)
		}
	}
	cfg, err := config.Parse("x.yml", []byte("cameras: {a: {url: rtsp://192.0.2.1/}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range cfg.Policy().Types {
		for _, field := range kind.Required {
			if !slices.Contains(incident.Fields(), field) {
				t.Errorf("%s requires %s, which nobody looks for", kind.ID, field)
			}
		}
		for _, step := range kind.Checklist {
			if !slices.Contains(incident.Stages(), step.Stage) {
				t.Errorf("%s has a step of the stage %s", kind.ID, step.Stage)
			}
		}
	}
}
