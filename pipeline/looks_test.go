package pipeline_test

import (
	"errors"
	"testing"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
)

// moody is an object detector that has no room, then fails, then works. It is asked by one
// camera, so by one goroutine at a time.
type moody struct{ asked int }

func (m *moody) Detect(models.Frame, []models.Box) (models.Sight, error) {
	switch m.asked++; m.asked {
	case 1:
		return models.Sight{}, nil
	case 2:
		return models.Sight{}, errors.New("no session")
	}
	return models.Sight{Parts: []models.Box{{W: 1, H: 1}}, Cost: 1}, nil
}

// What became of each look, and of the frames that nobody looked at, is counted.
func TestLooksAndFramesAreCounted(t *testing.T) {
	cam := settings("gate", camera(t, camtest.Clip{}.Load(t), nil).URL(), "")
	cam.Detect = config.Detect{FPS: 2, Objects: true}
	s := watch(t, &config.Config{Hash: "1", Workers: 1, Cameras: []config.Camera{cam}},
		func(p *pipeline.Parts) { p.Objects = &moody{} })
	var h models.Health
	until(t, "it has looked", func() bool {
		if all := s.service.Health(); len(all) == 1 {
			h = all[0]
		}
		return h.Looks > 0
	})
	if h.LooksOver != 1 || h.LooksBad != 1 || h.Analysed < 3 {
		t.Errorf("%d looks, %d refused, %d failed on %d frames; want the first refused and the second failed", h.Looks, h.LooksOver, h.LooksBad, h.Analysed)
	}
	if h.Frames < 2*h.Analysed || h.LastFrame.IsZero() {
		t.Errorf("%d frames, %d of them analysed, the newest of %v; want many that were only decoded", h.Frames, h.Analysed, h.LastFrame)
	}
}
