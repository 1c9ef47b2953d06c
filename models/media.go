package models

import (
	"image"
	"time"
)

// Codec is a video codec that cameras send and vedette keeps.
type Codec string

// The codecs that the pipeline accepts.
const (
	H264 Codec = "h264"
	H265 Codec = "h265"
)

// AccessUnit is all NAL units of one coded picture, as the camera sent them: never
// stripped, never reordered, because cameras sign their video in SEI units.
// It is immutable once sent.
type AccessUnit struct {
	Camera CameraID
	Codec  Codec
	// Session counts the connections to the camera from 1. Decoder and writer state
	// does not carry over from one session to the next.
	Session int
	// At is the presentation time. Units come in decoding order, so with B-frames At
	// is not monotonic.
	At      Instant
	Clock   Clock     // which clock At.Wall came from
	Arrival time.Time // our own clock at the first packet, whatever Clock says
	// Key is true when decoding can begin here (IDR, or IRAP in H.265). A key unit
	// carries its parameter sets, prepended from the session description if the camera
	// does not repeat them.
	Key   bool
	NALUs [][]byte // without start codes, in the camera's order
	// Loss is set on the first unit after something was lost.
	Loss *Gap
}

// Size is the number of bytes in all NAL units.
func (au AccessUnit) Size() int {
	n := 0
	for _, nalu := range au.NALUs {
		n += len(nalu)
	}
	return n
}

// Frame is one decoded picture at analysis size. It is immutable once sent.
type Frame struct {
	Camera  CameraID
	Session int
	Index   int // counts the frames of one session (or file) from 0, before any are shed
	At      Instant
	Clock   Clock
	Arrival time.Time
	// Source is the size of the coded picture in pixels; Picture may be smaller by an
	// integer factor.
	Source image.Point
	// Picture is 4:2:0. Its Y plane is the grey image.
	Picture *image.YCbCr
	// FullRange is true when luma runs 0..255, false when it runs 16..235 (BT.601/709).
	FullRange bool
}

// Cause says why footage is missing.
type Cause string

// The causes of a gap.
const (
	CausePacketLoss Cause = "packet_loss"  // packets lost between camera and us
	CauseCameraLost Cause = "camera_lost"  // no connection to the camera
	CauseRestart    Cause = "restart"      // vedette itself stopped or was killed
	CauseDisk       Cause = "disk"         // the spool could not take the footage
	CauseOverrun    Cause = "overrun"      // the evidence lane itself could not keep up
	CauseNotYet     Cause = "not_buffered" // asked for footage from before the buffer began
	CauseStream     Cause = "stream"       // the camera sent pictures that cannot be stored
	// CauseNotRecorded says that nobody asked for footage of that time to be kept, and
	// CauseDeleted that retention has deleted it.
	CauseNotRecorded Cause = "not_recorded"
	CauseDeleted     Cause = "deleted"
)

// Gap is a stretch of time for which footage is missing.
type Gap struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Cause Cause     `json:"cause"`
	Lost  int       `json:"lost,omitempty"` // packets or access units known to be lost
	Note  string    `json:"note,omitempty"`
}
