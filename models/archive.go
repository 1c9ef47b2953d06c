package models

import "time"

// Span is a stretch of wall time: From belongs to it, To does not.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Segment is one file of continuous footage of a camera.
type Segment struct {
	Camera CameraID  `json:"camera"`
	Name   string    `json:"name"` // unique within the camera; sorts by time
	From   time.Time `json:"from"` // of its first picture
	To     time.Time `json:"to"`   // end of its last picture
	Size   int64     `json:"size"`
	SHA256 string    `json:"sha256,omitempty"` // hex; empty while it is written
	Frames int       `json:"frames"`
	Codec  Codec     `json:"codec"`
	Width  int       `json:"width"`
	Height int       `json:"height"`
	Clock  Clock     `json:"clock"`
	Open   bool      `json:"open,omitempty"` // still being written
	Gaps   []Gap     `json:"gaps,omitempty"`
}

// Recalled says what a recall of continuous footage got: what was asked for, what is there,
// and what is missing.
type Recalled struct {
	Camera CameraID `json:"camera"`
	Asked  Span     `json:"asked"`
	Got    Span     `json:"got"` // first to last picture; it may begin earlier, on a key frame
	Codec  Codec    `json:"codec,omitempty"`
	Width  int      `json:"width,omitempty"`
	Height int      `json:"height,omitempty"`
	Frames int      `json:"frames"`
	Gaps   []Gap    `json:"gaps"` // empty: nothing is missing
	Size   int64    `json:"size"`
}

// GridSize is the number of cells of a motion grid on each axis.
const GridSize = 16

// MotionGrid says where in the picture something moved in one stretch of time. Cells run in
// rows from the top left corner; a cell holds the largest share of it that moved in any
// analysed frame, 0..255.
type MotionGrid struct {
	Span
	Cells [GridSize * GridSize]uint8 `json:"cells"`
	// Analysed is how many frames were looked at; 0 says that nothing is known.
	Analysed int `json:"analysed"`
}

// GridStep is how long a stretch of time one motion grid is for.
const GridStep = 10 * time.Second

// Moved is a stretch of time in which something moved in a region.
type Moved struct {
	Span
	// Strength is the largest share of a cell of the region that moved, 0..1.
	Strength float64 `json:"strength"`
}
