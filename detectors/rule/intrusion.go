package rule

import "github.com/vedette-cctv/vedette/models"

// intrusion: somebody came into the zone, or was there when the camera started, and has
// stayed for the dwell; without one, the alarm comes as soon as the tracker believes in
// what it sees. The event starts with the arrival, which is the first sight in the zone,
// also of a track that was not believed in yet. It ends with the visit.
type intrusion struct{ oneAlarm }

func (intrusion) observe(_ *watcher, f *frame, v *visit, _ *models.Track, _ bool) float64 {
	return f.at.Since(v.start).Seconds()
}

func (intrusion) due(w *watcher, f *frame, v *visit) (models.Instant, []models.Fact, bool) {
	stay := f.at.Since(v.start)
	if stay < w.rule.Dwell {
		return models.Instant{}, nil, false
	}
	return v.start, []models.Fact{
		{Name: "stay", Observed: stay.Seconds(), Threshold: w.rule.Dwell.Seconds(), Unit: "s"},
	}, true
}
