package pipeline

import (
	"bufio"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/detectors/object"
	films "github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// truthBox is where somebody is in a picture, by the data set.
type truthBox struct {
	frame int // from 0
	id    int
	box   models.Box
}

// truthOf reads a file in MOTChallenge form.
func truthOf(t *testing.T, path string, w, h float64) []truthBox {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []truthBox
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var frame, id int
		var x, y, bw, bh float64
		if _, err := fmt.Sscanf(lines.Text(), "%d,%d,%f,%f,%f,%f", &frame, &id, &x, &y, &bw, &bh); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		box := models.Box{X: x / w, Y: y / h, W: bw / w, H: bh / h}.Intersect(models.Box{W: 1, H: 1})
		if !box.Empty() {
			out = append(out, truthBox{frame - 1, id, box})
		}
	}
	return out
}

// weights opens the object detector, nil where it is not present.
func weights(t *testing.T) detectors.ObjectDetector {
	t.Helper()
	path, ok := films.Find(t, "models/yolox_nano.onnx")
	if !ok {
		return nil
	}
	d, err := object.Open(object.Options{Weights: path, Rate: -1})
	if err != nil {
		t.Logf("motion alone: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// covered is the share of a box that lies in any of the others, by samples.
func covered(b models.Box, by []models.Box) float64 {
	const side = 20
	in := 0
	for i := range side * side {
		x, y := b.X+b.W*(float64(i%side)+0.5)/side, b.Y+b.H*(float64(i/side)+0.5)/side
		for _, o := range by {
			if x >= o.X && x < o.X+o.W && y >= o.Y && y < o.Y+o.H {
				in++
				break
			}
		}
	}
	return float64(in) / (side * side)
}

// On real footage, everybody else is hidden, and the one who is kept is not: somebody
// counts as hidden in a picture when three quarters of the box are, which the data set drew
// generously, and of the head likewise.
func TestOthersAreHidden(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at every picture of two minutes of footage")
	}
	film := films.Path(t, "pets/pets_s2l1.mp4")
	truth := truthOf(t, films.Path(t, "pets/gt.txt"), 768, 576)
	objects := weights(t)
	p, err := FindPeople(t.Context(), film, PeopleOptions{Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	at := func(frame int) time.Time { return time.Unix(0, 0).Add(time.Duration(frame) * time.Second / 7) }
	// The subject is whoever is there longest; the rule that found him gives his path.
	count, subject := map[int]int{}, 0
	for _, b := range truth {
		if count[b.id]++; count[b.id] > count[subject] {
			subject = b.id
		}
	}
	var path []models.PathPoint
	for _, b := range truth {
		if b.id == subject {
			path = append(path, models.PathPoint{At: models.Instant{Wall: at(b.frame)}, Box: b.box, Foot: b.box.Foot(), Seen: true})
		}
	}
	keep := p.Subjects(models.Incident{Events: []models.Event{{Path: path}}})
	if len(keep) == 0 {
		t.Fatal("the subject has no track")
	}
	everybody, others := p.Others(nil), p.Others(keep)
	all, one, own, shown, area := tally{}, tally{}, tally{}, 0.0, 0.0
	whole := models.Box{W: 1, H: 1}
	for _, b := range truth {
		hide, hideOthers := everybody(at(b.frame)), others(at(b.frame))
		all.add(b.box, hide)
		if b.id == subject {
			own.add(b.box, hideOthers)
			shown += 1 - covered(b.box, hideOthers)
			area += covered(whole, hide)
		} else {
			one.add(b.box, hideOthers)
		}
	}
	t.Logf("with objects: %v; everybody hidden: %s; others hidden: %s; the subject by mistake: %s, shown %.0f%%; %.0f%% of the picture hidden; %d tracks kept of %d",
		objects != nil, all, one, own, 100*shown/float64(own.boxes), 100*area/float64(own.boxes), len(keep), len(p.Tracks()))
	for what, c := range map[string]tally{"everybody": all, "others": one} {
		if least := 0.99 * float64(c.boxes); float64(c.hidden) < least || float64(c.heads) < least {
			t.Errorf("%s: %s are hidden, want 99%%", what, c)
		}
	}
	if shown < 0.4*float64(own.boxes) {
		t.Errorf("%.0f%% of the subject is shown", 100*shown/float64(own.boxes))
	}
	if area > 0.3*float64(own.boxes) {
		t.Errorf("%.0f%% of the picture is hidden: that is no redaction of people", 100*area/float64(own.boxes))
	}
}

// tally counts who is hidden.
type tally struct{ boxes, hidden, heads int }

func (c *tally) add(b models.Box, by []models.Box) {
	c.boxes++
	if covered(b, by) >= 0.75 {
		c.hidden++
	}
	if b.H /= 4; covered(b, by) >= 0.75 {
		c.heads++
	}
}

func (c tally) String() string {
	return fmt.Sprintf("%.2f%% of %d boxes, %.2f%% of the heads", 100*float64(c.hidden)/float64(c.boxes), c.boxes, 100*float64(c.heads)/float64(c.boxes))
}
