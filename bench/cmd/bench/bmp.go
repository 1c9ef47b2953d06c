package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
)

// readBMP reads an uncompressed Windows bitmap of 8 or 24 bits as grey levels: that is
// how Wallflower and CDnet publish their masks.
func readBMP(path string) (*image.Gray, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	img, err := parseBMP(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// parseBMP follows BITMAPFILEHEADER and BITMAPINFOHEADER of the Windows API.
func parseBMP(data []byte) (*image.Gray, error) {
	if len(data) < 54 || string(data[:2]) != "BM" {
		return nil, errors.New("not a bitmap")
	}
	le := binary.LittleEndian
	from, header := int(le.Uint32(data[10:])), int(le.Uint32(data[14:]))
	w, h := int(int32(le.Uint32(data[18:]))), int(int32(le.Uint32(data[22:])))
	bits, packed := int(le.Uint16(data[28:])), le.Uint32(data[30:])
	up := h > 0 // the bottom line comes first
	if !up {
		h = -h
	}
	if packed != 0 || (bits != 8 && bits != 24) || w < 1 || h < 1 || w > 1<<14 || h > 1<<14 {
		return nil, fmt.Errorf("%dx%d, %d bits, compression %d: not read here", w, h, bits, packed)
	}
	palette, stride := 14+header, (w*bits/8+3)&^3
	if from < palette || header < 40 || len(data)-from < stride*h || (bits == 8 && from-palette < 4) {
		return nil, errors.New("truncated")
	}
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		line := y
		if up {
			line = h - 1 - y
		}
		row := data[from+line*stride:]
		for x := range w {
			var bgr []byte
			if bits == 24 {
				bgr = row[3*x : 3*x+3]
			} else {
				at := palette + 4*int(row[x])
				if at+4 > from {
					return nil, errors.New("a colour that the palette does not hold")
				}
				bgr = data[at : at+3]
			}
			img.Pix[y*img.Stride+x] = uint8((299*int(bgr[2]) + 587*int(bgr[1]) + 114*int(bgr[0]) + 500) / 1000)
		}
	}
	return img, nil
}
