package motion

import (
	"image"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"

	drawn "github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// BenchmarkMOG2 is what is measured against: OpenCV's MOG2 with its defaults, opening and
// contours, on the luma of the same frames at the same analysis size.
func BenchmarkMOG2(b *testing.B) {
	s := drawn.Scene{Width: 640, Height: 360, Seed: 1, Noise: 2, Length: 10 * time.Second, Actors: []drawn.Actor{
		{Stops: drawn.Walk(models.Point{X: 0, Y: 0.8}, models.Point{X: 1, Y: 0.8}, 0, 10*time.Second)},
		{Stops: drawn.Walk(models.Point{X: 1, Y: 0.6}, models.Point{X: 0, Y: 0.7}, 0, 10*time.Second), Shirt: drawn.Blue},
	}}
	var frames []models.Frame
	for f := range s.Frames() {
		frames = append(frames, f)
	}
	in, err := newInput(image.Pt(640, 360))
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	mog := gocv.NewBackgroundSubtractorMOG2()
	defer mog.Close()
	mask := gocv.NewMat()
	defer mask.Close()
	kernel := gocv.GetStructuringElement(gocv.MorphEllipse, image.Pt(3, 3))
	defer kernel.Close()
	b.ReportAllocs()
	start := processor()
	for i := 0; b.Loop(); i++ {
		in.load(frames[i%len(frames)].Picture, image.Point{})
		mog.Apply(in.y.mat, &mask)
		gocv.Threshold(mask, &mask, 200, 255, gocv.ThresholdBinary)
		gocv.MorphologyEx(mask, &mask, gocv.MorphOpen, kernel)
		contours := gocv.FindContours(mask, gocv.RetrievalExternal, gocv.ChainApproxSimple)
		contours.Close()
	}
	b.ReportMetric(float64((processor()-start).Microseconds())/1000/float64(b.N), "cpu-ms/frame")
}

func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
