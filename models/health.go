package models

import "time"

// Connection is the state of the connection to a camera.
type Connection string

// The states of a connection.
const (
	Connecting   Connection = "connecting"
	Connected    Connection = "connected"
	Disconnected Connection = "disconnected"
)

// Health is what is known about one camera right now. Counters run from the start of
// the program.
type Health struct {
	Camera     CameraID      `json:"camera"`
	Connection Connection    `json:"connection"`
	Since      time.Time     `json:"since"`           // of this state
	Error      string        `json:"error,omitempty"` // why it is not connected; never with credentials
	Codec      Codec         `json:"codec,omitempty"`
	Width      int           `json:"width,omitempty"`
	Height     int           `json:"height,omitempty"`
	LastFrame  time.Time     `json:"last_frame,omitzero"`
	Clock      Clock         `json:"clock,omitempty"`
	Offset     time.Duration `json:"clock_offset_ns"` // camera clock minus ours, by its sender reports; 0 when it sends none
	// Drift is how fast Offset changes, in parts per million; 0 while unknown.
	Drift float64 `json:"clock_drift_ppm"`
	// Recording says that continuous footage is being written, and Archived since when
	// there is some.
	Recording  bool          `json:"recording"`
	Archived   time.Time     `json:"archived_since,omitzero"`
	Sessions   int           `json:"sessions"`
	Bytes      uint64        `json:"bytes"`
	Units      uint64        `json:"access_units"`
	Lost       uint64        `json:"packets_lost"`
	Broken     uint64        `json:"decode_errors"`
	Frames     uint64        `json:"frames"`
	Analysed   uint64        `json:"frames_analysed"`
	Troubles   []Kind        `json:"troubles,omitempty"` // of the camera itself, that go on now
	Looks      uint64        `json:"object_looks"`       // frames that the object detector looked at
	LooksOver  uint64        `json:"object_looks_over"`  // refused because the budget was used up
	LooksBad   uint64        `json:"object_looks_failed"`
	Shed       uint64        `json:"frames_shed"` // dropped for a newer one, or for want of a worker
	Buffered   time.Duration `json:"buffered_ns"` // length of the pre-roll buffer
	BufferSize int64         `json:"buffer_bytes"`
}
