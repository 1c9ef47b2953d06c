package detectors_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// The chain tells of trouble with the camera beside what the zones' rules tell, under the
// same numbers, and takes neither a cover nor a turned camera for things left behind.
func TestChainHealth(t *testing.T) {
	const seconds = time.Second
	w := models.Watch{Camera: "c", ConfigHash: "h",
		Health: []models.Rule{
			{Kind: models.KindCovered, For: 5 * seconds, Severity: models.SeverityHigh},
			{Kind: models.KindMoved, For: 10 * seconds, Severity: models.SeverityHigh},
		},
		Zones: []models.Zone{{ID: "all", Polygon: whole, Rules: []models.Rule{
			{Kind: models.KindMotion, Dwell: seconds, Grace: seconds},
			{Kind: models.KindLeftObject, For: 8 * seconds},
			{Kind: models.KindRemovedObject, For: 8 * seconds},
		}}},
	}
	elsewhere := &scene.Scene{FPS: 5, Length: 80 * seconds, Seed: 8, Noise: 2, Leaves: []models.Box{{W: 1, H: 0.3}},
		Posts: []models.Box{{X: 0.6, Y: 0.2, W: 0.2, H: 0.7}, {X: 0.1, Y: 0.5, W: 0.3, H: 0.1}}}
	for _, c := range []struct {
		name    string
		spoiled func(f *models.Frame, i int)
		want    models.Kind
		start   time.Duration
	}{
		{name: "nothing"},
		{"cloth", func(f *models.Frame, i int) {
			for k := range f.Picture.Y {
				f.Picture.Y[k] = uint8(50 + k%f.Picture.YStride/6 + (k*7+i)%3)
			}
		}, models.KindCovered, 30 * seconds},
		{"turned", func(f *models.Frame, i int) {
			other, _ := elsewhere.Frame(i)
			f.Picture = other.Picture
		}, models.KindMoved, 30 * seconds},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			here := &scene.Scene{FPS: 5, Length: 80 * seconds, Seed: 3, Noise: 2, Actors: []scene.Actor{
				{Stops: scene.Walk(models.Point{X: -0.1, Y: 0.8}, models.Point{X: 1.1, Y: 0.7}, 3*seconds, 12*seconds)},
			}}
			chain, err := detectors.New(detectors.Options{Watch: w})
			if err != nil {
				t.Fatal(err)
			}
			defer chain.Close()
			ids := map[int64]bool{}
			var trouble []models.Event
			take := func(events []models.Event) {
				for _, e := range events {
					if e.Phase == models.PhaseBegan {
						if ids[e.ID] {
							t.Errorf("two events have the number %d", e.ID)
						}
						ids[e.ID] = true
					}
					switch {
					case slices.Contains(models.HealthKinds(), e.Rule.Kind):
						trouble = append(trouble, e)
					case e.Rule.Kind != models.KindMotion:
						t.Errorf("%s %s from %s, box %.2f", e.Rule.Kind, e.Phase, e.Start.Media, e.Box)
					}
				}
			}
			var last models.Instant
			for i := range here.Count() {
				f, _ := here.Frame(i)
				spoil := f.At.Media >= 30*seconds && f.At.Media < 60*seconds
				if spoil && c.spoiled != nil {
					c.spoiled(&f, i)
				}
				r, err := chain.Process(f)
				if err != nil {
					t.Fatal(err)
				}
				last = f.At
				take(r.Events)
				if f.At.Media == 55*seconds {
					if got := chain.Troubles(); c.want == "" && len(got) > 0 || c.want != "" && !slices.Equal(got, []models.Kind{c.want}) {
						t.Errorf("at 55 s: got troubles %q, want %q", got, c.want)
					}
				}
			}
			take(chain.Flush(last))
			if len(chain.Troubles()) > 0 {
				t.Error("trouble goes on after the end")
			}
			if c.want == "" {
				if len(trouble) > 0 {
					t.Errorf("got %v", trouble)
				}
				return
			}
			if len(trouble) != 2 || trouble[0].Rule.Kind != c.want || trouble[1].Phase != models.PhaseEnded || trouble[0].ID != trouble[1].ID {
				t.Fatalf("got %v, want %s that begins and ends", trouble, c.want)
			}
			e := trouble[1]
			if (e.Start.Media-c.start).Abs() > 3*seconds || (e.End.Media-60*seconds).Abs() > 2*seconds || e.Config != "h" || e.Zone != "" || e.Track != 0 || len(e.Why) == 0 || len(e.Curve) == 0 {
				t.Errorf("got %+v", e)
			}
		})
	}
}
