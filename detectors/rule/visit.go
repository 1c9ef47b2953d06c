package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// visit is one stay of one thing in one zone.
type visit struct {
	tracks   []models.TrackID // the numbers it had, newest last
	start    models.Instant   // arrival in the zone
	inside   models.Instant   // last seen in the zone
	seen     models.Instant   // last seen anywhere
	outside  bool             // when last seen, it was outside
	believed bool             // has been confirmed
	absent   time.Duration    // longest stretch not in the zone
	sight    time.Duration    // for how long it has been in sight, in all
	label    string           // when last seen
	score    float64          // of the label
	box      models.Box       // when last seen
	path     series[models.PathPoint]
	curve    series[models.Sample] // of what the rule observes
	recent   []models.PathPoint    // of the last second
	event    *models.Event         // the began phase, while it goes on
	done     bool                  // has raised the alarm of this visit

	movement movement // motion
	place    place    // loitering
	looks    looks    // returning
	passage  passage  // line
	counts   bool     // crowd: when last seen, it was one of them
}

// second is the time over which movement is told from standing and a size is measured.
const second = time.Second

func newVisit(start models.Instant) *visit {
	return &visit{start: start,
		path:  series[models.PathPoint]{limit: maxPath},
		curve: series[models.Sample]{limit: maxCurve}}
}

func (v *visit) track() models.TrackID {
	if len(v.tracks) == 0 {
		return 0
	}
	return v.tracks[len(v.tracks)-1]
}

// maxNumbers bounds the numbers that a visit remembers of the same thing; the oldest go.
const maxNumbers = 16

func (v *visit) take(id models.TrackID) {
	if v.track() == id && len(v.tracks) > 0 {
		return
	}
	if len(v.tracks) == maxNumbers {
		v.tracks = slices.Delete(v.tracks, 0, 1)
	}
	v.tracks = append(v.tracks, id)
}

// see records a sight of the thing.
func (v *visit) see(at models.Instant, t *models.Track, in bool) {
	if len(v.path.kept) > 0 {
		if gap := at.Since(v.seen); gap <= second {
			v.sight += gap
		}
		if in {
			v.absent = max(v.absent, at.Since(v.inside))
		}
	}
	if in {
		v.inside = at
	}
	v.seen, v.outside, v.box, v.label, v.score = at, !in, t.Box, t.Label, t.Score
	v.believed = v.believed || t.State == models.TrackConfirmed
	p := models.PathPoint{At: at, Foot: t.Box.Foot(), Box: t.Box, Seen: true, Score: t.LastScore}
	v.path.add(at.Media, p)
	old := 0
	for old < len(v.recent) && at.Since(v.recent[old].At) > second {
		old++
	}
	v.recent = append(slices.Delete(v.recent, 0, old), p)
}

// size is the median area of the boxes of the last second, as a share of the picture.
func (v *visit) size() float64 {
	var room [32]float64
	areas := room[:0]
	for _, p := range v.recent {
		areas = append(areas, p.Box.Area())
	}
	slices.Sort(areas)
	return areas[len(areas)/2]
}

// identity names the tracks that a visit was joined from; empty when there was one.
func (v *visit) identity() string {
	if len(v.tracks) < 2 {
		return ""
	}
	ids := make([]string, len(v.tracks))
	for i, id := range v.tracks {
		ids[i] = strconv.FormatInt(int64(id), 10)
	}
	return fmt.Sprintf("tracks %s", strings.Join(ids, "+"))
}
