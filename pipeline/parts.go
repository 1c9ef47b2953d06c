package pipeline

import (
	"context"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/models"
)

// Source delivers the access units of one camera stream.
type Source interface {
	// Run blocks until ctx ends, reconnecting for ever. emit returns at once.
	Run(ctx context.Context, emit func(models.AccessUnit) error) error
	Stats() SourceStats
}

// SourceState is what a source says of its connection.
type SourceState struct {
	Connection    models.Connection
	Err           error // why it is not connected; without credentials
	Codec         models.Codec
	Width, Height int // pixels of the coded picture
	Session       int
}

// SourceStats counts since the source began.
type SourceStats struct {
	Sessions  int
	Units     uint64
	Bytes     uint64
	Lost      uint64 // packets
	Discarded uint64 // access units that arrived damaged or too large
	Clock     models.Clock
	// Offset is the camera's clock minus ours, and Drift how fast that changes, in parts
	// per million; nothing is known while OffsetKnown is false.
	Offset      time.Duration
	OffsetKnown bool
	Drift       float64
}

// Decoder turns the access units of one stream into frames.
type Decoder interface {
	// Decode emits the frames that the unit completes and that are wanted; none for a
	// damaged picture.
	Decode(au models.AccessUnit, emit func(models.Frame)) error
	// Reset forgets the reference pictures: the next unit is a key unit.
	Reset()
	// Frames counts the sound pictures, wanted or not, and Broken those that were damaged.
	Frames() uint64
	Broken() uint64
	Close()
}

// Parts are the outer rooms that a stream is joined with.
type Parts struct {
	// Source makes the source for one URL of a camera. epoch is where the media axis is
	// zero: two streams of one camera share it, so that their media times compare.
	Source func(cam config.Camera, url config.Secret, epoch time.Time, onState func(SourceState)) Source
	// Decoder makes a decoder for analysis. want is asked once for each picture, in
	// presentation order, before it is taken out of the decoder.
	Decoder func(codec models.Codec, want func(at models.Instant) bool) (Decoder, error)
	// Objects is the object detector that all cameras share; nil when there are no weights.
	Objects detectors.ObjectDetector
}
