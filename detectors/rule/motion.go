package rule

import (
	"math"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// motion: something travels in the zone, for the dwell. It ends when the thing has stood
// still, or been away, for the grace; setting out again is another event.
type motion struct{ oneAlarm }

// movement is what motion knows of a visitor.
type movement struct {
	going bool
	since models.Instant // of the movement that goes on
	last  models.Instant // last movement in the zone
	here  bool           // last is set
}

const (
	// stir is how far, in box heights, something must get within a second: a third of a
	// walk. The box of a person who stands still, and moves the arms, shifts by a tenth.
	stir = 0.25
	// border is how near to the edge of the picture the end of a box says nothing.
	border = 0.02
)

func (motion) observe(_ *watcher, f *frame, v *visit, _ *models.Track, in bool) float64 {
	m := &v.movement
	if v.travels(f.aspect) {
		if !m.going {
			m.going, m.since = true, v.recent[0].At
			if m.since.Media < v.start.Media {
				m.since = v.start
			}
		}
		if in {
			m.last, m.here = f.at, true
		}
	}
	return m.lasted().Seconds()
}

// lasted is for how long the thing has moved, as far as it was seen to.
func (m *movement) lasted() time.Duration {
	if !m.going || !m.here {
		return 0
	}
	return max(0, m.last.Since(m.since))
}

// travels says whether the thing has moved within the last second.
func (v *visit) travels(aspect float64) bool {
	now := v.recent[len(v.recent)-1].Box
	for _, p := range v.recent {
		dx, dy := p.Box.Travel(now, border)
		if math.Hypot(dx*aspect, dy) > stir*now.H {
			return true
		}
	}
	return false
}

func (motion) due(w *watcher, f *frame, v *visit) (models.Instant, []models.Fact, bool) {
	m := &v.movement
	moved := m.lasted()
	if !m.going || !m.here || m.last.Media != f.at.Media || moved < w.rule.Dwell {
		return models.Instant{}, nil, false
	}
	return m.since, []models.Fact{
		{Name: "movement", Observed: moved.Seconds(), Threshold: w.rule.Dwell.Seconds(), Unit: "s"},
	}, true
}

func (motion) lapsed(w *watcher, f *frame, v *visit) bool {
	m := &v.movement
	return m.going && m.here && f.at.Since(m.last) > w.rule.Grace
}

func (motion) until(v *visit) models.Instant { return v.movement.last }
