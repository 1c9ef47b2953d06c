package motion_test

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"testing"

	"github.com/vedette-cctv/vedette/detectors/motion"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// CDnet 2014 baseline/highway, frames 470 to 1700 inside the region of interest; shadow
// counts as background, unknown is not scored.
func TestHighway(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	video := footage.Path(t, "background/highway/highway.mp4")
	roi, err := bmp(footage.Path(t, "background/highway/ROI.bmp"))
	if err != nil {
		t.Fatal(err)
	}
	d := motion.New(motion.Options{})
	defer d.Close()
	var tp, fp, fn, sh int
	watch(t, video, func(f models.Frame) bool {
		r, err := d.Detect(f, motion.Guide{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Index < 469 {
			return true
		}
		file, err := os.Open(footage.Path(t, fmt.Sprintf("background/highway/groundtruth/gt%06d.png", f.Index+1)))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		img, err := png.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		truth := image.NewGray(img.Bounds())
		draw.Draw(truth, truth.Rect, img, image.Point{}, draw.Src)
		for i, v := range truth.Pix {
			if roi.Pix[i] == 0 || v == 85 || v == 170 {
				continue
			}
			got := r.Foreground.Pix[i] != 0
			switch {
			case got && v == 255:
				tp++
			case got:
				fp++
				if v == 50 {
					sh++
				}
			case v == 255:
				fn++
			}
		}
		return true
	})
	got := 2 * float64(tp) / float64(2*tp+fp+fn)
	t.Logf("F %.3f, precision %.3f, recall %.3f; of the false pixels %.0f %% are shadow",
		got, float64(tp)/float64(tp+fp), float64(tp)/float64(tp+fn), 100*float64(sh)/float64(fp))
	if got < 0.92 {
		t.Errorf("F %.3f, want at least 0.92 (OpenCV's KNN reaches 0.876)", got)
	}
}

// The wrong pixels of the one hand-drawn mask of each Wallflower clip (Toyama et al. 1999).
func TestWallflower(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	total := 0
	for _, c := range []struct {
		name  string
		frame int
	}{{"Camouflage", 251}, {"ForegroundAperture", 489}, {"LightSwitch", 1865}, {"MovedObject", 985}, {"TimeOfDay", 1850}, {"WavingTrees", 247}} {
		video := footage.Path(t, "background/wallflower/"+c.name+".mp4")
		truth, err := bmp(footage.Path(t, "background/wallflower/"+c.name+".bmp"))
		if err != nil {
			t.Fatal(err)
		}
		d := motion.New(motion.Options{})
		fp, fn := 0, 0
		watch(t, video, func(f models.Frame) bool {
			r, err := d.Detect(f, motion.Guide{})
			if err != nil {
				t.Fatal(err)
			}
			if f.Index != c.frame {
				return true
			}
			for i, v := range truth.Pix {
				switch got := r.Foreground.Pix[i] != 0; {
				case got && v == 0:
					fp++
				case !got && v != 0:
					fn++
				}
			}
			return false
		})
		d.Close()
		t.Logf("%-20s fp %5d fn %5d", c.name, fp, fn)
		total += fp + fn
	}
	t.Logf("total %d", total)
	if total > 9000 {
		t.Errorf("%d wrong pixels, want at most 9000 (OpenCV's MOG2: 25814)", total)
	}
}
