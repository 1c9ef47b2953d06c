package motion

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"math"
	"math/bits"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Options configure a detector. The zero value works.
type Options struct {
	// Masks are areas in which motion is ignored.
	Masks []models.Polygon
	// Hold bounds how long a protected region is kept out of the background. Default 2 min.
	Hold time.Duration
	Log  *slog.Logger // default: none
}

// Result is what one frame shows.
type Result struct {
	// Regions are the moving regions, from the top of the picture to its bottom. Score is
	// the share of the box that moves.
	Regions []models.Detection
	// Statics are the changes of the scene that stay: things put down, and the places of
	// things taken away.
	Statics []models.Static
	// Foreground is the mask at analysis size, 255 where the picture is not background.
	// It is valid until the next frame.
	Foreground *image.Gray
	// Share of the unmasked picture that is foreground, 0..1.
	Share float64
	// Blind says that the background is being learnt (start, light switched): Regions are
	// then empty whatever the picture shows.
	Blind bool
	// Shift is by how much the picture is displaced against the scene, in pixels of the
	// picture: a camera that shakes. All boxes are where things are in the scene, Foreground
	// is where the picture shows it.
	Shift image.Point
	// Idle says that the picture was found unchanged from samples alone.
	Idle bool
}

// Detector finds motion in the frames of one camera. It is not safe for concurrent use.
type Detector struct {
	opt Options
	log *slog.Logger

	picture *image.YCbCr // while it is analysed
	in      *input
	model   *model
	light   *light
	field   field
	scene   *scenes
	shape   *shape
	busy    *busy
	static  *statics
	aligned *align
	rain    *rain

	noise   noise
	meter   meter
	prevY   []uint8    // luma of the last analysed frame
	olderY  []uint8    // and of the one before
	gains   [2]float64 // of the light in those two
	raw     *plane     // foreground of the model
	clean   *plane     // foreground after all tests
	scratch *plane
	shown   []uint8 // clean, where the picture shows it
	mask    []uint8 // 1 where motion is ignored, nil without masks
	open    int     // unmasked pixels
	hold    []uint8
	held    []uint16 // how long each pixel has been held, in 1/16 s
	ghost   []uint8  // how long each pixel has looked like a hole, in 1/32 s

	last     time.Duration // media time of the last frame
	started  bool
	blind    time.Duration // media time left in which nothing is reported
	recalled bool          // the background was taken from the store at the last change
	crowded  time.Duration // how long much of the picture has been foreground
	measured time.Duration // since the noise was last read
	skipped  time.Duration // since the model was last stepped
	quiet    bool          // the last full analysis found nothing
}

// New returns a detector that learns its background from the first frames it sees.
func New(o Options) *Detector {
	if o.Hold <= 0 {
		o.Hold = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Detector{opt: o, log: o.Log, noise: startNoise}
}

// Close frees the memory that OpenCV holds.
func (d *Detector) Close() error {
	var errs []error
	if d.in != nil {
		errs = append(errs, d.in.Close(), d.raw.Close(), d.clean.Close(), d.scratch.Close(), d.shape.Close(), d.rain.Close())
		d.in = nil
	}
	return errors.Join(errs...)
}

// Set changes masks and hold between two frames; the background stays.
func (d *Detector) Set(masks []models.Polygon, hold time.Duration) {
	d.opt.Masks = masks
	if hold > 0 {
		d.opt.Hold = hold
	}
	if d.in != nil {
		d.drawMask()
	}
}

const (
	// warmUp is how long a new model is not believed: its first picture may have held
	// anything, and the camera's noise is not known yet.
	warmUp = time.Second
	// relearn is the same after a change of the whole picture, when noise is known;
	// auto-exposure settles within it.
	relearn = 700 * time.Millisecond
	// maxGap is the longest step from one frame to the next that the model still follows;
	// after a longer one it counts as this long, and the guard against global change
	// decides whether the scene is still the same.
	maxGap = 2 * time.Second
	// readNoise is how often the camera's noise is estimated anew.
	readNoise = 2 * time.Second
	// maxIdle is the longest that the model rests while samples say that nothing happens.
	maxIdle = time.Second
)

// Guide is what the caller has made of the frames before.
type Guide struct {
	// Protect are the regions of tracked things. They are not learnt into the background,
	// for at most Options.Hold.
	Protect []models.Box
	// Real are regions in which something moved before it was known to be a thing.
	Real []models.Box
}

// Detect analyses the next frame. A change of picture size or a step back in time starts
// anew.
func (d *Detector) Detect(f models.Frame, g Guide) (Result, error) {
	if err := check(f); err != nil {
		return Result{}, err
	}
	size := f.Picture.Rect.Size()
	if d.in == nil || d.in.source != size {
		if err := d.resize(size, f.FullRange); err != nil {
			return Result{}, err
		}
	}
	d.picture = f.Picture
	defer func() { d.picture = nil }() // it is the caller's
	d.load(d.aligned.shift)
	dt := f.At.Media - d.last
	d.last = f.At.Media
	if !d.started || dt < 0 {
		d.start()
		return d.result(Result{Blind: true}, nil), nil
	}
	dt = min(dt, maxGap)
	d.align(dt)
	if d.idle(dt) {
		d.skipped += dt
		return d.result(Result{Idle: true, Statics: d.static.report(f.At, true)}, nil), nil
	}
	idle := d.skipped
	d.skipped = 0
	d.blind = max(d.blind-dt, 0)

	d.protect(g.Protect, dt)
	for _, b := range g.Real {
		d.busy.forgive(pixels(b, d.model.w, d.model.h))
	}
	d.measureLight(dt)
	d.clearRain()
	d.model.step(d.in.y.Pix, d.in.cb.Pix, d.in.cr.Pix, &d.light.lut, d.light.sigmas(), d.hold, d.raw.Pix, d.noise, dt, idle)
	d.applyMask(d.raw)
	d.aligned.blank(d.raw)
	if d.guard(g.Protect, dt) {
		d.aligned.fresh = false
		d.static.other = true
		d.keep()
		return d.result(Result{Blind: true, Statics: d.static.report(f.At, false)}, nil), nil
	}
	d.measureNoise(dt)
	d.countFlashes(dt)
	comps := d.refine(dt)
	d.keep()
	d.quiet = len(comps) == 0
	d.look(f.At, g.Protect)
	return d.result(Result{Blind: d.blind > 0, Statics: d.static.report(f.At, false)}, comps), nil
}

// resize makes everything that depends on the size of the picture.
func (d *Detector) resize(size image.Point, fullRange bool) error {
	old := d.model
	if err := d.Close(); err != nil {
		return fmt.Errorf("free the planes of the old picture size: %w", err)
	}
	in, err := newInput(size)
	if err != nil {
		return err
	}
	w, h := in.size.X, in.size.Y
	if err := planes(w, h, &d.raw, &d.clean, &d.scratch); err != nil {
		in.Close()
		return err
	}
	d.in = in
	d.model = newModel(w, h)
	d.light = newLight(fullRange)
	d.scene = &scenes{}
	d.shape = newShape(in.size)
	d.busy = newBusy(w, h)
	next := int64(0)
	if d.static != nil {
		next = d.static.nextID
	}
	d.static = newStatics(w, h)
	d.static.nextID = next
	d.aligned = &align{}
	d.rain = newRain(in.factor)
	d.shown = make([]uint8, w*h)
	d.prevY = make([]uint8, w*h)
	d.olderY = make([]uint8, w*h)
	d.hold = make([]uint8, w*h)
	d.held = make([]uint16, w*h)
	d.ghost = make([]uint8, w*h)
	d.drawMask()
	if !d.started || old == nil || !sameShape(image.Pt(old.w, old.h), in.size) {
		d.started = false
		return nil
	}
	return d.carry(old)
}

// load brings the picture to analysis size; what it shows at shift comes to lie at the origin.
func (d *Detector) load(shift image.Point) {
	d.in.load(d.picture, shift)
	d.field.uneven = false
}

// sameShape says whether two sizes may show the same view: a stream that changes its
// resolution keeps its aspect ratio, to within what whole pixels allow.
func sameShape(a, b image.Point) bool {
	x, y := a.X*b.Y, b.X*a.Y
	return 50*max(x-y, y-x) < x
}

// carry takes a background of another size over, so that who stands there while the
// camera changes its resolution does not become part of it.
func (d *Detector) carry(old *model) error {
	from := make([]*plane, 3)
	if err := planes(old.w, old.h, &from[0], &from[1], &from[2]); err != nil {
		return err
	}
	for k, colour := range [][]float32{old.bg.y, old.bg.b, old.bg.r} {
		for i, v := range colour {
			from[k].Pix[i] = uint8(v + 0.5)
		}
	}
	for k, to := range []*plane{d.raw, d.clean, d.scratch} {
		from[k].scaleTo(to)
	}
	d.model.begin(d.raw.Pix, d.clean.Pix, d.scratch.Pix, d.noise)
	d.model.age = old.age
	clear(d.raw.Pix)
	clear(d.clean.Pix)
	d.keep()
	d.blind = relearn
	return errors.Join(from[0].Close(), from[1].Close(), from[2].Close())
}

// start takes the loaded frame as the first of a new scene.
func (d *Detector) start() {
	d.model.begin(d.in.y.Pix, d.in.cb.Pix, d.in.cr.Pix, d.noise)
	d.light.reset()
	d.field.reset()
	d.scene.clear()
	d.busy.clear()
	d.static.begin()
	*d.aligned = align{points: d.aligned.points}
	clear(d.held)
	clear(d.ghost)
	clear(d.raw.Pix)
	clear(d.clean.Pix)
	d.meter = meter{}
	d.noise = startNoise
	d.started, d.blind, d.recalled, d.crowded, d.skipped, d.quiet = true, warmUp, true, 0, 0, false
	d.keep()
	d.keep()
}

func (d *Detector) keep() {
	d.prevY, d.olderY = d.olderY, d.prevY
	copy(d.prevY, d.in.y.Pix)
	d.gains[0], d.gains[1] = d.light.gain, d.gains[0]
}

// Changed says whether anything in the box changed from the last but one analysed frame to
// the last. Where nothing changed nothing moved, whatever the background makes of it.
func (d *Detector) Changed(b models.Box) bool {
	if d.in == nil {
		return false
	}
	w := d.in.size.X
	r := pixels(b, w, d.in.size.Y)
	limit := int(4*d.noise.luma + 3)
	changed := 0
	older := d.light.ratio(d.gains[0] / d.gains[1])
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := y*w + r.Min.X; i < y*w+r.Max.X; i++ {
			if diff(d.prevY[i], older[d.olderY[i]]) > limit {
				changed++
			}
		}
	}
	// A hundredth: half of the outline of a body that has moved by a tenth of a pixel.
	return changed*100 > r.Dx()*r.Dy()
}

// protect marks the pixels that must not be learnt. A pixel that has been foreground under
// protection for Options.Hold is let go until it has been background for as long.
func (d *Detector) protect(boxes []models.Box, dt time.Duration) {
	w, h := d.in.size.X, d.in.size.Y
	step := uint16(max(dt*16/time.Second, 1))
	limit := uint16(min(d.opt.Hold*16/time.Second, 1<<15))
	clear(d.hold)
	for _, b := range boxes {
		each(pixels(b, w, h), w, func(i int) { d.hold[i] = 1 })
	}
	countHeld(d.held, d.hold, d.clean.Pix, step, limit)
}

// pixels is the rectangle of the pixels that a box covers, within the picture.
func pixels(b models.Box, w, h int) image.Rectangle {
	if b = b.Clamp(); b.Empty() {
		return image.Rectangle{}
	}
	return image.Rect(int(b.X*float64(w)), int(b.Y*float64(h)),
		int((b.X+b.W)*float64(w)+0.999), int((b.Y+b.H)*float64(h)+0.999)).
		Intersect(image.Rect(0, 0, w, h))
}

// measureLight takes the common gain out, when enough of the picture agrees on one, and
// what the light differs by from place to place.
func (d *Detector) measureLight(dt time.Duration) {
	bg := func(i int) float32 { return d.model.bg.y[i] }
	gain, agree := d.light.measure(bg, d.in.y.Pix, d.clean.Pix, d.model.w, sampling(d.model.w, d.model.h))
	if agree < 0.5 {
		gain = 1
	}
	d.light.set(gain, dt)
	d.even(dt)
}

// measureNoise compares background pixels with the frame before.
func (d *Detector) measureNoise(dt time.Duration) {
	w, h := d.model.w, d.model.h
	const step = 6
	before := d.light.ratio(d.light.gain / d.gains[0])
	for y := step / 2; y < h; y += step {
		for i := y*w + step/2; i < (y+1)*w; i += step {
			if d.raw.Pix[i] == 0 && d.in.y.Pix[i] > 20 && d.in.y.Pix[i] < 235 {
				d.meter.add(diff(d.in.y.Pix[i], before[d.prevY[i]]), int(abs32(float32(d.in.cb.Pix[i])-d.model.bg.b[i])+0.5))
			}
		}
	}
	if d.measured += dt; d.measured >= readNoise {
		d.measured = 0
		d.noise = d.meter.read(d.noise)
	}
}

// idle says whether samples of the frame are like those of the last analysed one. It is
// only asked when that one showed nothing, and the model still gets a frame a second.
func (d *Detector) idle(dt time.Duration) bool {
	if !d.quiet || d.blind > 0 || d.skipped+dt >= maxIdle {
		return false
	}
	limit := int(5*d.noise.luma + 4)
	w, n, changed := d.model.w, len(d.prevY), 0
	// Every fifth pixel of every third row: a region of the least size that is reported
	// holds at least one.
	for row := 0; row < n; row += 3 * w {
		for i := row; i < row+w; i += 5 {
			if diff(d.in.y.Pix[i], d.prevY[i]) > limit && (d.mask == nil || d.mask[i] == 0) {
				changed++
			}
		}
	}
	return changed <= n/15/2000
}

func (d *Detector) result(r Result, comps []component) Result {
	w, h := d.in.size.X, d.in.size.Y
	// A background out of the store is right at once, so the mask is, too.
	if r.Idle || r.Blind && (comps == nil || !d.recalled) {
		clear(d.clean.Pix)
	}
	r.Foreground = &image.Gray{Pix: d.show(), Stride: w, Rect: image.Rect(0, 0, w, h)}
	r.Shift = d.aligned.shift
	area := 0
	for _, c := range comps {
		area += c.area
		if r.Blind {
			continue
		}
		r.Regions = append(r.Regions, models.Detection{
			Box: models.Box{
				X: float64(c.box.Min.X) / float64(w), Y: float64(c.box.Min.Y) / float64(h),
				W: float64(c.box.Dx()) / float64(w), H: float64(c.box.Dy()) / float64(h),
			}.Clamp(),
			Label: models.LabelUnknown,
			Score: float64(c.area) / float64(c.box.Dx()*c.box.Dy()),
			By:    models.ByMotion,
		})
	}
	r.Share = float64(area) / float64(max(d.open, 1))
	return r
}

// show is the mask where the picture shows it.
func (d *Detector) show() []uint8 {
	w, h := d.in.size.X, d.in.size.Y
	round := func(n int) int { return int(math.Round(float64(n) / float64(d.in.factor))) }
	dx, dy := round(d.aligned.shift.X), round(d.aligned.shift.Y)
	if dx == 0 && dy == 0 {
		return d.clean.Pix
	}
	clear(d.shown)
	for y := max(-dy, 0); y < min(h, h-dy); y++ {
		from, to := max(-dx, 0), min(w, w-dx)
		copy(d.shown[(y+dy)*w+from+dx:], d.clean.Pix[y*w+from:y*w+to])
	}
	return d.shown
}

// drawMask draws the polygons in which motion is ignored.
func (d *Detector) drawMask() {
	w, h := d.in.size.X, d.in.size.Y
	d.mask, d.open = nil, w*h
	if len(d.opt.Masks) == 0 {
		return
	}
	clear(d.scratch.Pix)
	for _, pg := range d.opt.Masks {
		points := make([]image.Point, len(pg))
		for i, p := range pg {
			points[i] = image.Pt(int(p.X*float64(w)), int(p.Y*float64(h)))
		}
		d.scratch.fillPolygon(points, 1)
	}
	d.mask = append([]uint8(nil), d.scratch.Pix...)
	for _, v := range d.mask {
		d.open -= int(v)
	}
}

func (d *Detector) applyMask(p *plane) {
	for i, v := range d.mask {
		if v != 0 {
			p.Pix[i] = 0
		}
	}
}

// diff and abs32 do without a branch: the sign of noise is a coin, and a processor that guesses
// it wrong loses as much time as ten pixels take.
func diff(a, b uint8) int {
	d := int(a) - int(b)
	sign := d >> (bits.UintSize - 1)
	return (d ^ sign) - sign
}

func abs32(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
