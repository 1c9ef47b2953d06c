package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/detectors/object"
)

// objectDetector opens the object detector that all cameras share. Without weights or
// library it says so once and returns nil: rules then run on motion alone.
func objectDetector(cfg *config.Config, log *slog.Logger) (detectors.ObjectDetector, func()) {
	alone := func() {}
	if !slices.ContainsFunc(cfg.Cameras, func(c config.Camera) bool { return c.Detect.Objects }) {
		return nil, alone
	}
	name := cfg.Models.Weights
	path, err := findWeights(name, weightFolders(cfg))
	if err != nil {
		log.Warn("motion alone: no weights for the object detector", "err", err, "hint", "vedette models pull "+name)
		return nil, alone
	}
	d, err := object.Open(object.Options{Weights: path, SHA256: published(name), Also: namedLabels(cfg), Rate: rateOf(cfg.Models.Budget)})
	switch {
	case errors.Is(err, object.ErrNoLibrary):
		log.Warn("motion alone: the object detector has no ONNX Runtime", "err", err, "hint", "make setup, or set "+object.LibraryVariable)
		return nil, alone
	case err != nil:
		log.Error("motion alone: the object detector does not start", "err", err, "hint", "vedette models verify")
		return nil, alone
	}
	info := d.Info()
	log.Debug("object detector", "weights", info.Path, "sha256", info.SHA256, "input", info.Input, "classes", len(info.Classes),
		"library", info.Library, "version", info.Version)
	return d, func() {
		st := d.Stats()
		log.Debug("object detector stops", "inferences", st.Inferences, "parts", st.Parts, "over_budget", st.OverBudget, "invalid", st.Invalid)
		if err := d.Close(); err != nil {
			log.Error("close object detector", "err", err)
		}
	}
}

// rateOf is a budget of inferences a second, of which 0 is no limit.
func rateOf(budget float64) float64 {
	if budget == 0 {
		return -1
	}
	return budget
}

// namedLabels are all labels that rules ask for.
func namedLabels(cfg *config.Config) []string {
	var labels []string
	for _, cam := range cfg.Cameras {
		for _, z := range cam.Zones {
			for _, r := range z.Rules {
				labels = append(labels, r.Labels...)
			}
		}
	}
	return labels
}

// weightFolders are where weights are looked for, best first. cfg may be nil.
func weightFolders(cfg *config.Config) []string {
	var dirs []string
	if cfg != nil {
		dirs = append(dirs, cfg.Models.Path...)
	}
	if dir, err := userWeights(); err == nil {
		dirs = append(dirs, dir)
	}
	return append(dirs, "/usr/share/vedette/models")
}

// userWeights is the folder that vedette models pull fills.
func userWeights() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "vedette", "models"), err
}

// findWeights returns the path of the first file of that name.
func findWeights(name string, dirs []string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, name+".onnx")
		switch st, err := os.Stat(path); {
		case err == nil && st.Mode().IsRegular():
			return path, nil
		case err == nil:
			return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", &missingWeights{name, dirs}
}

// missingWeights says where weights were looked for in vain.
type missingWeights struct {
	name string
	dirs []string
}

func (e *missingWeights) Error() string {
	text := "no " + e.name + ".onnx in"
	for i, dir := range e.dirs {
		if i > 0 {
			text += ","
		}
		text += " " + dir
	}
	return text
}

func (e *missingWeights) Unwrap() error { return fs.ErrNotExist }
