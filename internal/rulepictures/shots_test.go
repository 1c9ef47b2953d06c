package main

import (
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// Each kind of rule has footage that shows it and a picture that loads quickly.
func TestEveryKindHasItsPicture(t *testing.T) {
	for _, kind := range models.RuleKinds() {
		if s := shots()[kind]; (s.film == "") == (s.scene == nil) {
			t.Errorf("%s: want either a film or a scene", kind)
		}
		f, err := os.Open(filepath.Join("../../docs/pictures/rules", string(kind)+".jpg"))
		if err != nil {
			t.Error(err)
			continue
		}
		picture, err := jpeg.DecodeConfig(f)
		if err != nil || picture.Width != width {
			t.Errorf("%s: a picture %d wide, want %d: %v", kind, picture.Width, width, err)
		}
		if info, err := f.Stat(); err != nil || info.Size() > limit {
			t.Errorf("%s: a picture of %d bytes, want %d at most: %v", kind, info.Size(), limit, err)
		}
		f.Close()
	}
}
