package scene

import (
	"image"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Scene describes the footage. Zero values leave an effect out.
type Scene struct {
	Width, Height int     // default 320x240
	FPS           float64 // default 10
	Length        time.Duration
	Seed          uint64
	Start         time.Time // wall time of the first frame

	Actors []Actor
	Posts  []models.Box // things that stand in front of everything
	Noise  float64      // standard deviation of the sensor's noise, in grey levels
	Shake  float64      // standard deviation of the camera's position, in pixels
	Rain   int          // streaks in each frame
	// Leaves are areas whose texture moves to and fro without cease.
	Leaves []models.Box
	// Light gives the gain of the whole picture at a time; nil is 1 throughout.
	Light func(time.Duration) float64

	wall  []colour
	noise []int8
}

// Actor is something that appears at its first stop and disappears after its last.
type Actor struct {
	Stops  []Stop
	Height float64 // fraction of the picture's height; default 0.3
	Shirt  Colour
	Legs   Colour
	// Rigid draws a box (a crate, a vehicle) of Width instead of a person.
	Rigid bool
	Width float64 // fraction of the picture's width; default 0.4 of the height
}

// Stop says where an actor's foot point is at a time. Between stops it moves evenly.
type Stop struct {
	At   time.Duration
	Foot models.Point
}

// Colour is a colour in Y'CbCr.
type Colour struct{ Y, Cb, Cr uint8 }

// Clothes that differ.
var (
	Dark  = Colour{40, 128, 128}
	Red   = Colour{90, 105, 190}
	Blue  = Colour{80, 180, 105}
	Green = Colour{100, 105, 100}
	White = Colour{220, 128, 128}
)

// Truth is where an actor really is.
type Truth struct {
	Actor int
	Box   models.Box
	// Visible is the share of the box that is inside the picture and before no post.
	Visible float64
}

type colour struct{ y, b, r float32 }

// Stay makes an actor who stands at a place for a time.
func Stay(at models.Point, from, to time.Duration) []Stop {
	return []Stop{{from, at}, {to, at}}
}

// Walk makes the stops of one who walks from a to b.
func Walk(a, b models.Point, from, to time.Duration) []Stop { return []Stop{{from, a}, {to, b}} }

func (s *Scene) prepare() {
	if s.wall != nil {
		return
	}
	if s.Width == 0 {
		s.Width, s.Height = 320, 240
	}
	if s.FPS == 0 {
		s.FPS = 10
	}
	if s.Start.IsZero() {
		s.Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	for i := range s.Actors {
		a := &s.Actors[i]
		if a.Height == 0 {
			a.Height = 0.3
		}
		if a.Shirt == (Colour{}) {
			a.Shirt = Red
		}
		if a.Legs == (Colour{}) {
			a.Legs = Dark
		}
		if a.Width == 0 {
			a.Width = 0.4 * a.Height * float64(s.Height) / float64(s.Width)
		}
	}
	s.paint()
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	// A prime length: no two rows repeat it alike.
	s.noise = make([]int8, 65521)
	for i := range s.noise {
		s.noise[i] = int8(min(max(math.Round(rng.NormFloat64()*s.Noise), -127), 127))
	}
}

// paint draws the empty scene: a wall above, a tiled floor below, and a door.
func (s *Scene) paint() {
	s.wall = make([]colour, s.Width*s.Height)
	h := float64(s.Height)
	for y := range s.Height {
		for x := range s.Width {
			fx, fy := float64(x)/float64(s.Width), float64(y)/h
			c := colour{150, 126, 130}
			// In units of a picture 320 wide: the same scene at every resolution.
			tx, ty := fx*320, fy*h*320/float64(s.Width)
			grain := 10 * float32(s.texture(tx, ty, 9))
			if fy > 0.45 {
				c = colour{110, 124, 132}
				// Tiles, larger towards the camera.
				depth := (fy - 0.42) * 8
				if math.Mod(fx*12/depth+100, 1) < 0.06 || math.Mod(6/depth, 1) < 0.08 {
					c.y -= 25
				}
			} else if fx > 0.75 && fx < 0.9 && fy > 0.12 {
				c = colour{95, 115, 145}
			}
			c.y += grain + 4*float32(s.texture(tx, ty, 3))
			s.wall[y*s.Width+x] = c
		}
	}
}

// texture is value noise in -1..1 with features of the given size.
func (s *Scene) texture(x, y, size float64) float64 {
	cell := func(i, j int) float64 {
		v := uint64(i)*0x9E3779B97F4A7C15 ^ uint64(j)*0xC2B2AE3D27D4EB4F ^ s.Seed*0x165667B19E3779F9 ^ uint64(size)
		v ^= v >> 31
		v *= 0xBF58476D1CE4E5B9
		v ^= v >> 29
		return float64(v%2001)/1000 - 1
	}
	x, y = x/size, y/size
	i, j := int(math.Floor(x)), int(math.Floor(y))
	u, v := x-float64(i), y-float64(j)
	return (cell(i, j)*(1-u)+cell(i+1, j)*u)*(1-v) + (cell(i, j+1)*(1-u)+cell(i+1, j+1)*u)*v
}

// Count is the number of frames.
func (s *Scene) Count() int {
	s.prepare()
	return int(s.Length.Seconds()*s.FPS + 0.5)
}

// Frames yields all frames with their truth.
func (s *Scene) Frames() iter.Seq2[models.Frame, []Truth] {
	return func(yield func(models.Frame, []Truth) bool) {
		for i := range s.Count() {
			if !yield(s.Frame(i)) {
				return
			}
		}
	}
}

// Frame draws frame i.
func (s *Scene) Frame(i int) (models.Frame, []Truth) {
	s.prepare()
	at := time.Duration(float64(i) / s.FPS * float64(time.Second))
	c := canvas{scene: s, w: s.Width, h: s.Height, pix: append([]colour(nil), s.wall...)}
	rng := rand.New(rand.NewPCG(s.Seed, uint64(i)+2))
	c.leaves(at)
	var truth []Truth
	for k := range s.Actors {
		box, ok := s.Actors[k].box(at, float64(s.Width)/float64(s.Height))
		if !ok {
			continue
		}
		c.actor(&s.Actors[k], box, at)
		truth = append(truth, Truth{Actor: k, Box: box, Visible: s.visible(box)})
	}
	for _, p := range s.Posts {
		c.fill(p, colour{70, 128, 128})
	}
	c.rain(rng)
	light := 1.0
	if s.Light != nil {
		light = s.Light(at)
	}
	instant := models.Instant{Media: at, Wall: s.Start.Add(at)}
	return models.Frame{
		Camera: "scene", Session: 1, Index: i, At: instant, Clock: models.ClockFile, Arrival: instant.Wall,
		Source:  image.Pt(s.Width, s.Height),
		Picture: c.picture(light, rng), FullRange: true,
	}, truth
}

// box is where the actor is at a time.
func (a *Actor) box(at time.Duration, aspect float64) (models.Box, bool) {
	n := len(a.Stops)
	if n == 0 || at < a.Stops[0].At || at > a.Stops[n-1].At {
		return models.Box{}, false
	}
	foot := a.Stops[n-1].Foot
	for k := 1; k < n; k++ {
		p, q := a.Stops[k-1], a.Stops[k]
		if at > q.At || q.At == p.At {
			continue
		}
		u := float64(at-p.At) / float64(q.At-p.At)
		foot = models.Point{X: p.Foot.X + u*(q.Foot.X-p.Foot.X), Y: p.Foot.Y + u*(q.Foot.Y-p.Foot.Y)}
		break
	}
	return models.Box{X: foot.X - a.Width/2, Y: foot.Y - a.Height, W: a.Width, H: a.Height}, true
}

// moving says whether the actor is on the way between two stops.
func (a *Actor) moving(at time.Duration) bool {
	for k := 1; k < len(a.Stops); k++ {
		if p, q := a.Stops[k-1], a.Stops[k]; at >= p.At && at < q.At {
			return p.Foot != q.Foot
		}
	}
	return false
}

func (s *Scene) visible(b models.Box) float64 {
	share := b.Clamp().Area()
	for _, p := range s.Posts {
		share -= b.Clamp().Intersect(p).Area()
	}
	return max(share, 0) / b.Area()
}
