package rtsp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"

	"github.com/vedette-cctv/vedette/models"
)

// Limits of one access unit. The largest key frames of 8K cameras are about 4 MiB; H.264
// allows a slice per macroblock row, which makes 270 of them at 4320 lines.
const (
	maxUnitBytes = 8 << 20
	maxUnitNALUs = 512
)

// maxDropout is how many sequence numbers may be missing before they count as restarted
// instead of lost (MAX_DROPOUT in RFC 3550, A.1).
const maxDropout = 3000

// depacketizer takes the NAL units out of RTP packets. gortsplib's decoders would also
// join them to access units, but they lose track of packets missing between NAL units,
// and the H.265 one relies on the marker bit alone; so every packet is handed over as if
// it were a unit of its own, and the joining is done here.
type depacketizer interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

// assembler joins the packets of one session to access units. It is owned by the
// goroutine that reads the session.
type assembler struct {
	camera  models.CameraID
	codec   models.Codec
	session int
	depack  depacketizer
	params  params
	line    *timeline
	wall    *wall
	stats   *counters
	// lost is what is missing before the next unit. It outlives the session.
	lost *loss
	emit func(models.AccessUnit)
	// announce is called before the session's first unit and before a key unit whose SPS
	// is new.
	announce func()
	// reports returns the sender report that came since it was last asked, if any.
	reports func() (report, bool)

	sequenced bool
	next      uint16 // expected sequence number
	missed    bool   // packets are missing just before this one
	ssrc      uint32 // of the last packet

	open     bool // a unit is being joined
	stamp    uint32
	arrival  time.Time
	nalus    [][]byte
	size     int
	picture  bool // nalus hold a slice
	key      bool // … at which decoding can begin
	sets     bool // nalus hold parameter sets
	damaged  bool // something is missing from the unit
	headless bool // packets were lost just before the unit: were they of it?
	fragment bool // a NAL unit has begun and not ended

	// Some cameras set the marker on every slice. Once that shows, only a new timestamp
	// ends a unit.
	ignoreMarker bool
	ended        bool // a unit ended by its marker, with timestamp endedStamp
	endedStamp   uint32

	begun   bool // a key unit was emitted
	resized bool // the SPS changed since the last key unit
}

// loss is what went missing since the last emitted unit.
type loss struct {
	packets  int  // lost on the way
	restarts int  // breaks in the numbering after which the number is unknown
	units    int  // pictures dropped for a reason other than lost packets
	away     bool // the connection was lost
	notes    []string
}

func (l *loss) note(s string) {
	// One reason each is enough: a camera that fails fails the same way all the time.
	for _, n := range l.notes {
		if n == s {
			return
		}
	}
	if len(l.notes) < 4 {
		l.notes = append(l.notes, s)
	}
}

// gap describes the loss, or nil if there was none.
func (l *loss) gap(from, to time.Time) *models.Gap {
	var cause models.Cause
	lost := 0
	switch {
	case l.away:
		cause = models.CauseCameraLost
	case l.packets > 0 || l.restarts > 0:
		cause, lost = models.CausePacketLoss, l.packets
	case l.units > 0 || len(l.notes) > 0:
		cause, lost = models.CauseStream, l.units
	default:
		return nil
	}
	return &models.Gap{From: from, To: to, Cause: cause, Lost: lost, Note: strings.Join(l.notes, "; ")}
}

const brokeOff = "a NAL unit broke off"

// packet takes the next packet in the order of arrival.
func (a *assembler) packet(pkt *rtp.Packet, now time.Time) {
	if !a.sequence(pkt.SequenceNumber) {
		return
	}
	a.ssrc = pkt.SSRC
	if len(pkt.Payload) == 0 {
		return // padding, which some servers send to keep the connection open
	}
	a.damaged = a.damaged || a.open && a.missed
	if a.open && pkt.Timestamp != a.stamp {
		// Some cameras never set the marker bit (FLIR M400), so a new timestamp also ends
		// a unit. Others give parameter sets a timestamp of their own: they wait for their
		// picture.
		if a.picture || a.damaged || a.fragment {
			a.finish()
		} else {
			a.stamp = pkt.Timestamp
		}
	}
	if !a.open {
		a.open, a.stamp, a.arrival, a.headless = true, pkt.Timestamp, now, a.missed
	}
	a.missed = false
	marker := pkt.Marker
	a.unpack(pkt)
	if marker && !a.ignoreMarker && (a.picture || a.damaged) {
		a.finish()
		a.ended, a.endedStamp = true, pkt.Timestamp
	}
}

// sequence checks the sequence number. It reports false for a packet that was there
// before.
func (a *assembler) sequence(n uint16) bool {
	missing := int16(n - a.next)
	switch {
	case !a.sequenced:
		a.sequenced, a.missed = true, true // nobody knows what was before
	case missing == -1:
		return false
	case missing < 0 || missing > maxDropout:
		a.lost.restarts++
		a.lost.note("packet numbers broke off")
		a.missed = true
	case missing > 0:
		a.lost.packets += int(missing)
		a.stats.lost.Add(uint64(missing))
		a.missed = true
	}
	a.next = n + 1
	return true
}

// unpack adds the packet's NAL units to the open unit.
func (a *assembler) unpack(pkt *rtp.Packet) {
	goesOn := continuesFragment(a.codec, pkt.Payload)
	if a.fragment && !goesOn {
		a.broken(brokeOff)
	}
	pkt.Marker = true // see depacketizer
	nalus, err := a.depack.Decode(pkt)
	switch {
	case err == nil:
		a.fragment = false
	case errors.Is(err, rtph264.ErrMorePacketsNeeded), errors.Is(err, rtph265.ErrMorePacketsNeeded):
		a.fragment = true
		return
	case a.damaged || a.headless && goesOn:
		a.damaged, a.fragment = true, false // the consequence of packets already counted
		return
	case errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious), errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious):
		a.damaged = true // the session began in the middle of a picture
		return
	default:
		a.broken(err.Error())
		return
	}
	if a.damaged {
		return
	}
	for _, nalu := range nalus {
		if len(nalu) == 0 {
			continue
		}
		if !a.add(nalu) {
			return
		}
	}
}

// broken marks the open unit as damaged by the camera itself, unless it already misses
// packets, of which this may be the consequence.
func (a *assembler) broken(why string) {
	a.fragment = false
	if a.damaged {
		return
	}
	a.damaged = true
	a.stats.malformed.Add(1)
	a.lost.units++
	a.lost.note(why)
}

// add puts a NAL unit into the open unit. It reports false if the unit is damaged by it.
func (a *assembler) add(nalu []byte) bool {
	if a.size+len(nalu) > maxUnitBytes || len(a.nalus) == maxUnitNALUs {
		a.broken(fmt.Sprintf("picture of more than %d MiB or %d NAL units", maxUnitBytes>>20, maxUnitNALUs))
		a.nalus = nil // the rest of it need not be kept either
		return false
	}
	switch c := classify(a.codec, nalu); c {
	case classVPS, classSPS, classPPS:
		a.sets = true
	case classPicture, classKey:
		if !a.picture && !opensPicture(a.codec, nalu) {
			switch {
			case a.headless:
				a.damaged = true // the first slice was among the lost packets
				return false
			case a.ended && a.stamp == a.endedStamp:
				a.ignoreMarker = true
				a.broken("the camera marks every slice as the end of a picture: marker bits are ignored from here")
				return false
			}
		}
		a.picture, a.key = true, a.key || c == classKey
	}
	a.nalus = append(a.nalus, nalu)
	a.size += len(nalu)
	return true
}

// finish ends the open unit and emits it if it is whole.
func (a *assembler) finish() {
	if a.fragment {
		a.broken(brokeOff)
	}
	if a.damaged {
		a.stats.discarded.Add(1)
	} else {
		a.whole()
	}
	// The NAL units are the receiver's now. The next picture has about as many.
	a.nalus, a.size = make([][]byte, 0, len(a.nalus)), 0
	a.open, a.picture, a.key, a.sets, a.damaged, a.headless, a.ended = false, false, false, false, false, false, false
}

// whole dates the open unit, of which nothing is missing, and emits it.
func (a *assembler) whole() {
	nalus, stamp, arrival, key := a.nalus, a.stamp, a.arrival, a.key
	a.stats.progress(arrival)
	if a.sets && a.params.learn(nalus) {
		a.resized = true
	}
	if key {
		nalus, key = a.params.complete(nalus)
	}
	if !key && !a.begun {
		a.stats.discarded.Add(1)
		return
	}

	first, before := !a.line.started, a.line.media
	set := clockSet(a.line.arrival, arrival)
	media, jump := a.line.at(stamp, arrival)
	if jump != "" {
		a.lost.note(jump)
		a.wall.remapped()
	}
	r, reported := a.reports()
	if reported = reported && r.ssrc == a.ssrc && !r.ntp.IsZero(); reported {
		a.wall.report(r, media, stamp)
	}
	at, clock := a.wall.at(media, arrival, set, key)
	if reported {
		a.stats.offset(arrival, a.wall.ahead())
	}
	au := models.AccessUnit{
		Camera:  a.camera,
		Codec:   a.codec,
		Session: a.session,
		At:      models.Instant{Media: media, Wall: at},
		Clock:   clock,
		Arrival: arrival,
		Key:     key,
		NALUs:   nalus,
	}
	if !first {
		// The gap is as long as media time says and ends with this unit, on this unit's
		// clock, because the clock may have changed with the connection.
		au.Loss = a.lost.gap(at.Add(min(0, before-media)), at)
	}
	*a.lost = loss{}
	if key && (a.resized || !a.begun) {
		a.resized = false
		a.announce()
	}
	a.begun = true
	a.stats.unit(au)
	a.emit(au)
}
