package rtsp

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Stats are the counters of one Source since it began to run.
type Stats struct {
	Sessions  int    // connections that came as far as playing
	Units     uint64 // access units emitted
	Bytes     uint64 // of all RTP packets, headers included
	Packets   uint64 // RTP packets received
	Lost      uint64 // RTP packets known to be lost on the way
	Malformed uint64 // packets and pictures that broke their format or the limits
	Discarded uint64 // access units not emitted: damaged, or before a session's first key
	LastUnit  time.Time
	Clock     models.Clock // which the last unit's wall time came from
	// Offset is the camera's clock minus ours by the last sender report, less the shortest
	// network delay, whether or not the report was believed. OffsetKnown is false before
	// one.
	Offset      time.Duration
	OffsetKnown bool
	// Drift is how fast Offset changes, in parts per million, by the sender reports of the
	// last ten minutes; 0 while unknown, which it is for the first.
	Drift float64
}

// counters are Stats while they are being counted.
type counters struct {
	units, bytes, packets, lost, malformed, discarded atomic.Uint64

	begin time.Time    // of the run
	whole atomic.Int64 // when the last whole unit arrived, emitted or not, in ns since begin

	mu          sync.Mutex
	sessions    int
	lastUnit    time.Time
	clock       models.Clock
	cameraAhead time.Duration
	reported    bool
	drift       drift
}

func (c *counters) packet(size int) {
	c.packets.Add(1)
	c.bytes.Add(uint64(size))
}

// progress notes that a whole unit arrived.
func (c *counters) progress(at time.Time) { c.whole.Store(int64(at.Sub(c.begin))) }

// silence is how long ago that was. It takes no notice when somebody sets our clock.
func (c *counters) silence(now time.Time) time.Duration {
	return now.Sub(c.begin) - time.Duration(c.whole.Load())
}

func (c *counters) unit(au models.AccessUnit) {
	c.units.Add(1)
	c.mu.Lock()
	c.lastUnit, c.clock = au.Arrival, au.Clock
	c.mu.Unlock()
}

// offset notes by how much the camera's clock was ahead of ours at a time of ours.
func (c *counters) offset(at time.Time, ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cameraAhead, c.reported = ahead, true
	c.drift.compare(at, ahead)
}

func (c *counters) session() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions++
	return c.sessions
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Sessions:    c.sessions,
		Units:       c.units.Load(),
		Bytes:       c.bytes.Load(),
		Packets:     c.packets.Load(),
		Lost:        c.lost.Load(),
		Malformed:   c.malformed.Load(),
		Discarded:   c.discarded.Load(),
		LastUnit:    c.lastUnit,
		Clock:       c.clock,
		Offset:      c.cameraAhead,
		OffsetKnown: c.reported,
		Drift:       c.drift.ppm,
	}
}
