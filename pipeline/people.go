package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

const (
	// holdBox is how long a box stays before something is first and after it is last seen:
	// longer than a track takes to be believed, and than somebody is missed behind a post.
	holdBox = 1500 * time.Millisecond
	// smearBox is how far back and ahead the boxes of a track are joined to one: the filter
	// of a track runs a little behind somebody who turns.
	smearBox = 250 * time.Millisecond
	// growBox is by how much a box grows on each side, in shares of its width and height:
	// hands, hats and shadows' feet.
	growBox = 0.15
	// growLeast is the least of that, as a share of the picture: far people are small, and
	// their boxes are wrong by as much.
	growLeast = 0.006
	// sameBox is how much of a detection must lie in the box of somebody who stays visible
	// for it to be of him.
	sameBox = 0.6
	// samePath is the mean overlap (IoU) with an incident's path from which a track is that
	// of its subject. Two people side by side have less than a fifth.
	samePath = 0.35
)

// People is where things were in a film: the tracks of everything that moves or has a
// name, and what was detected without becoming one. It is made afresh from the pictures,
// because what drives a redaction must see also whom no rule was about.
type People struct {
	walks []walk
	loose []sighting
}

// walk is the path of one track, oldest first.
type walk struct {
	id    models.TrackID
	label string
	path  []sighting
}

// sighting is where something was at a time.
type sighting struct {
	at  time.Time
	box models.Box
}

// PeopleOptions say how they are looked for.
type PeopleOptions struct {
	Camera  models.CameraID
	Masks   []models.Polygon // areas in which motion is ignored
	Objects detectors.ObjectDetector
	Log     *slog.Logger
	// Progress, when set, is told how many pictures are done, of about how many.
	Progress func(done, total int)
}

// FindPeople runs the detection chain over every picture of the clip in a file.
func FindPeople(ctx context.Context, path string, o PeopleOptions) (p *People, err error) {
	film, err := decode.OpenFile(path, decode.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, film.Close()) }()
	_, moments, err := readMoments(path)
	if err != nil {
		return nil, err
	}
	chain, err := detectors.New(detectors.Options{Objects: o.Objects, Log: o.Log,
		Watch: models.Watch{Camera: o.Camera, Masks: o.Masks, Objects: o.Objects != nil}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, chain.Close()) }()
	p = &People{}
	walks := map[models.TrackID]*walk{}
	for n, total := 0, film.Info().Frames; ; n++ {
		f, err := film.Next(ctx)
		if errors.Is(err, io.EOF) || errors.Is(err, decode.ErrTruncated) && n > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		moments.date(&f)
		res, err := chain.Process(f)
		if err != nil {
			return nil, err
		}
		p.add(walks, f.At.Wall, res)
		if o.Progress != nil {
			o.Progress(n+1, max(total, n+1))
		}
	}
	for _, w := range walks {
		p.walks = append(p.walks, *w)
	}
	slices.SortFunc(p.walks, func(a, b walk) int { return cmp.Compare(a.id, b.id) })
	return p, nil
}

// add takes what one picture showed. A track that is not seen in it is left out: the time
// between two sightings is filled in from both sides.
func (p *People) add(walks map[models.TrackID]*walk, at time.Time, res detectors.Result) {
	for _, t := range res.Tracks {
		if !t.Seen || t.State == models.TrackFinished {
			continue
		}
		w := walks[t.ID]
		if w == nil {
			w = &walk{id: t.ID}
			walks[t.ID] = w
		}
		w.label = t.Label
		w.path = append(w.path, sighting{at, t.Box})
	}
	for _, d := range res.Detections {
		p.loose = append(p.loose, sighting{at, d.Box})
	}
}

// Track is one of the tracks that were found, for somebody who chooses whom to keep.
type Track struct {
	ID       models.TrackID
	Label    string
	From, To time.Time
}

// Tracks are all of them, by rising ID.
func (p *People) Tracks() []Track {
	out := make([]Track, len(p.walks))
	for i, w := range p.walks {
		out[i] = Track{w.id, w.label, w.path[0].at, w.path[len(w.path)-1].at}
	}
	return out
}

// Subjects are the tracks that follow the paths of an incident's events: those whom it is
// about. A track that does so for part of its life is one of them.
func (p *People) Subjects(in models.Incident) []models.TrackID {
	var keep []models.TrackID
	for _, e := range in.Events {
		var subject walk
		for _, at := range e.Path {
			subject.path = append(subject.path, sighting{at.At.Wall, at.Box})
		}
		if len(subject.path) == 0 {
			continue
		}
		from, to := subject.path[0].at, subject.path[len(subject.path)-1].at
		for _, w := range p.walks {
			sum, n := 0.0, 0
			for _, s := range w.path {
				if s.at.Before(from) || s.at.After(to) {
					continue
				}
				if b, ok := subject.box(s.at, 0); ok {
					sum += b.IoU(s.box)
					n++
				}
			}
			if n > 0 && sum/float64(n) >= samePath && !slices.Contains(keep, w.id) {
				keep = append(keep, w.id)
			}
		}
	}
	slices.Sort(keep)
	return keep
}

// Others returns what RedactOptions.Boxes asks for: the grown boxes of everything but the
// tracks to keep. Where somebody to hide stands before somebody to keep, both are hidden.
func (p *People) Others(keep []models.TrackID) func(at time.Time) []models.Box {
	return func(at time.Time) []models.Box {
		var kept, out []models.Box
		for _, w := range p.walks {
			b, ok := w.box(at, holdBox)
			switch {
			case !ok:
			case slices.Contains(keep, w.id):
				kept = append(kept, grown(b))
			default:
				out = append(out, grown(b))
			}
		}
		for _, s := range p.near(at) {
			own := slices.ContainsFunc(kept, func(k models.Box) bool { return k.Intersect(s.box).Area() >= sameBox*s.box.Area() })
			if !own {
				out = append(out, grown(s.box))
			}
		}
		return out
	}
}

// near are the detections around a time.
func (p *People) near(at time.Time) []sighting {
	from, _ := slices.BinarySearchFunc(p.loose, at.Add(-smearBox), func(s sighting, at time.Time) int { return s.at.Compare(at) })
	to := from
	for to < len(p.loose) && !p.loose[to].at.After(at.Add(smearBox)) {
		to++
	}
	return p.loose[from:to]
}

// box is where the track was at a time: between two sightings on the straight line, and up
// to hold before the first and after the last where that was. What it covered shortly
// before and after is added.
func (w walk) box(at time.Time, hold time.Duration) (models.Box, bool) {
	n := len(w.path)
	if n == 0 || at.Before(w.path[0].at.Add(-hold)) || at.After(w.path[n-1].at.Add(hold)) {
		return models.Box{}, false
	}
	b := w.line(at)
	if hold > 0 {
		b = b.Union(w.line(at.Add(-smearBox))).Union(w.line(at.Add(smearBox)))
	}
	return b, true
}

// line is the box on the straight line between the sightings around a time.
func (w walk) line(at time.Time) models.Box {
	i, found := slices.BinarySearchFunc(w.path, at, func(s sighting, at time.Time) int { return s.at.Compare(at) })
	switch {
	case found || i == 0:
		return w.path[i].box
	case i == len(w.path):
		return w.path[i-1].box
	}
	a, b := w.path[i-1], w.path[i]
	t := float64(at.Sub(a.at)) / float64(b.at.Sub(a.at))
	mix := func(x, y float64) float64 { return x + t*(y-x) }
	return models.Box{X: mix(a.box.X, b.box.X), Y: mix(a.box.Y, b.box.Y), W: mix(a.box.W, b.box.W), H: mix(a.box.H, b.box.H)}
}

func grown(b models.Box) models.Box {
	dx, dy := max(growBox*b.W, growLeast), max(growBox*b.H, growLeast)
	return models.Box{X: b.X - dx, Y: b.Y - dy, W: b.W + 2*dx, H: b.H + 2*dy}
}
