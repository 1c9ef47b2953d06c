package rtsp

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/vedette-cctv/vedette/models"
)

// params keeps the parameter sets that are in force: those of the session description
// until the stream brings its own.
type params struct {
	codec models.Codec
	sets  [3][][]byte // VPS, SPS, PPS; a camera may send several of a kind
}

var kinds = [...]class{classVPS, classSPS, classPPS}

// kinds are the parameter sets that a decoder needs before a key unit, in their order.
func (p *params) kinds() []class {
	if p.codec == models.H265 {
		return kinds[:]
	}
	return kinds[1:]
}

func (p *params) of(kind class) *[][]byte { return &p.sets[kind-classVPS] }

// learn takes over the parameter sets in nalus and says whether the SPS changed. A unit
// that brings one set of a kind replaces all of that kind.
func (p *params) learn(nalus [][]byte) (changed bool) {
	for _, kind := range p.kinds() {
		known := p.of(kind)
		first := slices.IndexFunc(nalus, func(n []byte) bool { return classify(p.codec, n) == kind })
		if first < 0 || p.same(*known, nalus[first:], kind) {
			continue
		}
		// Copied, because a small NAL unit may hold on to the packet it came in.
		fresh := make([][]byte, 0, 1)
		for _, nalu := range nalus[first:] {
			if classify(p.codec, nalu) == kind {
				fresh = append(fresh, bytes.Clone(nalu))
			}
		}
		*known = fresh
		changed = changed || kind == classSPS
	}
	return changed
}

// same says whether the sets of a kind in nalus are those that are known.
func (p *params) same(known, nalus [][]byte, kind class) bool {
	i := 0
	for _, nalu := range nalus {
		if classify(p.codec, nalu) != kind {
			continue
		}
		if i == len(known) || !bytes.Equal(known[i], nalu) {
			return false
		}
		i++
	}
	return i == len(known)
}

// complete returns nalus with the parameter sets inserted that a key unit lacks. It
// reports false when they are not known.
func (p *params) complete(nalus [][]byte) ([][]byte, bool) {
	at := 0
	if len(nalus) > 0 && delimiter(p.codec, nalus[0]) {
		at = 1
	}
	for _, kind := range p.kinds() {
		last := -1
		for i, nalu := range nalus {
			if classify(p.codec, nalu) == kind {
				last = i
			}
		}
		if last >= 0 {
			at = max(at, last+1)
			continue
		}
		known := *p.of(kind)
		if len(known) == 0 {
			return nalus, false
		}
		nalus = slices.Insert(nalus, at, known...)
		at += len(known)
	}
	return nalus, true
}

// size reads the picture size in pixels from the newest SPS.
func (p *params) size() (width, height int, err error) {
	known := *p.of(classSPS)
	if len(known) == 0 {
		return 0, 0, nil
	}
	if p.codec == models.H265 {
		var sps h265.SPS
		if err := sps.Unmarshal(known[0]); err != nil {
			return 0, 0, fmt.Errorf("sequence parameter set: %w", err)
		}
		return sps.Width(), sps.Height(), nil
	}
	var sps h264.SPS
	if err := sps.Unmarshal(known[0]); err != nil {
		return 0, 0, fmt.Errorf("sequence parameter set: %w", err)
	}
	return sps.Width(), sps.Height(), nil
}
