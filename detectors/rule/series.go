package rule

import "time"

// Bounds of what an event carries.
const (
	maxPath  = 256 // points of a path
	maxCurve = 64  // samples of a curve
)

// series keeps at most limit values over time, evenly thinned: when it is full, every
// other value goes and the distance between kept values doubles.
type series[T any] struct {
	limit int
	at    []time.Duration
	kept  []T
	every time.Duration // least distance of two kept values
}

func (s *series[T]) add(at time.Duration, v T) {
	n := len(s.kept)
	// The newest value always stands at the end; it replaces its forerunner while that is
	// too close to the one before.
	if n >= 2 && s.at[n-1]-s.at[n-2] < s.every {
		s.at[n-1], s.kept[n-1] = at, v
		return
	}
	if n == s.limit {
		k := 0
		for i := 0; i < n; i += 2 {
			s.at[k], s.kept[k] = s.at[i], s.kept[i]
			k++
		}
		s.at, s.kept = s.at[:k], s.kept[:k]
		span := s.at[k-1] - s.at[0]
		s.every = max(2*s.every, span/time.Duration(k-1))
	}
	s.at, s.kept = append(s.at, at), append(s.kept, v)
}

func (s *series[T]) copy() []T { return append([]T(nil), s.kept...) }
