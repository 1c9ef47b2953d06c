package archive

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// tolerance is how long nothing may be there before it is a hole: one picture of a slow
// camera.
const tolerance = 500 * time.Millisecond

// Coverage says for a span of a camera's time where footage is, and what is missing. Gaps
// are sorted and may overlap; each has its cause. Together the two cover the whole span.
func (a *Archive) Coverage(cam models.CameraID, span models.Span) (have []models.Span, gaps []models.Gap, err error) {
	// What is missing at the end of the span is told by the segment that comes next.
	wide := models.Span{From: span.From, To: span.To.Add(longest)}
	segments, err := a.Segments(cam, wide)
	if err != nil {
		return nil, nil, err
	}
	var live time.Time // up to when what is being written reaches
	for _, s := range segments {
		have = append(have, models.Span{From: s.From, To: s.To})
		if s.Open && s.To.After(live) {
			live = s.To
		}
		for _, g := range s.Gaps {
			if g, ok := clipGap(g, span); ok {
				gaps = append(gaps, g)
			}
		}
	}
	gaps = sortGaps(gaps)
	have = without(merge(have, tolerance), gaps)
	have = within(have, span)
	deleted, err := a.deletedUntil(cam)
	if err != nil {
		return nil, nil, err
	}
	explained := slices.Clone(have)
	for _, g := range gaps {
		explained = append(explained, models.Span{From: g.From, To: g.To})
	}
	for _, hole := range holes(span, merge(explained, tolerance)) {
		named := explain(hole, deleted)
		if last := &named[len(named)-1]; !live.IsZero() && !last.From.Before(live) {
			last.Note = "not written yet"
		}
		gaps = append(gaps, named...)
	}
	return have, sortGaps(gaps), nil
}

// explain names a hole that no segment says anything about.
func explain(hole models.Span, deleted time.Time) []models.Gap {
	gone := models.Gap{From: hole.From, To: hole.To, Cause: models.CauseDeleted, Note: "deleted by retention"}
	never := models.Gap{From: hole.From, To: hole.To, Cause: models.CauseNotRecorded, Note: "no continuous footage of that time was recorded"}
	switch {
	case !hole.To.After(deleted):
		return []models.Gap{gone}
	case hole.From.Before(deleted):
		gone.To, never.From = deleted, deleted
		return []models.Gap{gone, never}
	}
	return []models.Gap{never}
}

func clipGap(g models.Gap, span models.Span) (models.Gap, bool) {
	if g.From.Before(span.From) {
		g.From = span.From
	}
	if g.To.After(span.To) {
		g.To = span.To
	}
	return g, g.To.After(g.From)
}

func sortGaps(gaps []models.Gap) []models.Gap {
	slices.SortStableFunc(gaps, func(a, b models.Gap) int { return a.From.Compare(b.From) })
	return gaps
}

// merge joins spans that overlap, or that lie no more than apart from each other.
func merge(spans []models.Span, apart time.Duration) []models.Span {
	slices.SortFunc(spans, func(a, b models.Span) int { return a.From.Compare(b.From) })
	var out []models.Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From.Sub(out[n-1].To) <= apart {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// without cuts the gaps that are long enough to be seen out of merged spans.
func without(spans []models.Span, gaps []models.Gap) []models.Span {
	for _, g := range gaps {
		if g.To.Sub(g.From) <= tolerance {
			continue
		}
		var rest []models.Span
		for _, s := range spans {
			if !g.From.Before(s.To) || !s.From.Before(g.To) {
				rest = append(rest, s)
				continue
			}
			if s.From.Before(g.From) {
				rest = append(rest, models.Span{From: s.From, To: g.From})
			}
			if g.To.Before(s.To) {
				rest = append(rest, models.Span{From: g.To, To: s.To})
			}
		}
		spans = rest
	}
	return spans
}

func within(spans []models.Span, span models.Span) []models.Span {
	var out []models.Span
	for _, s := range spans {
		if s.From.Before(span.From) {
			s.From = span.From
		}
		if s.To.After(span.To) {
			s.To = span.To
		}
		if s.To.After(s.From) {
			out = append(out, s)
		}
	}
	return out
}

// holes are the stretches of a span that merged spans leave open.
func holes(span models.Span, spans []models.Span) []models.Span {
	var out []models.Span
	at := span.From
	for _, s := range spans {
		if s.From.Sub(at) > tolerance {
			out = append(out, models.Span{From: at, To: s.From})
		}
		if s.To.After(at) {
			at = s.To
		}
	}
	if span.To.Sub(at) > tolerance {
		out = append(out, models.Span{From: at, To: span.To})
	}
	return out
}
