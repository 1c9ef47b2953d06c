package motion_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"testing"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

// watch calls each with every frame of a video until it returns false.
func watch(t testing.TB, path string, each func(f models.Frame) bool) {
	t.Helper()
	file, err := decode.OpenFile(path, decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for {
		f, err := file.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !each(f) {
			return
		}
	}
}

// bmp reads the two kinds of uncompressed BMP that the ground truth comes in.
func bmp(path string) (*image.Gray, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	offset, w, h, bits := int(le.Uint32(b[10:])), int(le.Uint32(b[18:])), int(le.Uint32(b[22:])), int(le.Uint16(b[28:]))
	bytes := bits / 8
	if bytes != 1 && bytes != 3 {
		return nil, fmt.Errorf("%s: %d bits a pixel", path, bits)
	}
	stride := (w*bytes + 3) &^ 3
	g := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := b[offset+(h-1-y)*stride+x*bytes]
			if bytes == 1 { // through the palette
				v = b[14+int(le.Uint32(b[14:]))+4*int(v)]
			}
			g.Pix[y*w+x] = v
		}
	}
	return g, nil
}
