package clip

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/vedette-cctv/vedette/models"
)

// NAL unit types of parameter sets (H.264 table 7-1, H.265 table 7-1).
const (
	avcSPS  = 7
	avcPPS  = 8
	hevcVPS = 32
	hevcSPS = 33
	hevcPPS = 34
)

// track is what the sample description says of the video.
type track struct {
	codec         models.Codec
	width, height int // 0 when the parameter set cannot be parsed
	entry         []byte
}

// newTrack makes the sample entry from the parameter sets of a key unit. Every set is
// kept, also when there are several of a kind. Later sets stay in the samples.
func newTrack(au models.AccessUnit) (track, error) {
	switch au.Codec {
	case models.H264:
		return avcTrack(au.NALUs)
	case models.H265:
		return hevcTrack(au.NALUs)
	}
	return track{}, fmt.Errorf("codec %q cannot be stored in MP4", au.Codec)
}

// avcTrack writes avc1 with an avcC (ISO/IEC 14496-15, 5.3.3).
func avcTrack(nalus [][]byte) (track, error) {
	var sps, pps [][]byte
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch n[0] & 0x1f {
		case avcSPS:
			sps = addSet(sps, n)
		case avcPPS:
			pps = addSet(pps, n)
		}
	}
	if len(sps) == 0 || len(pps) == 0 || len(sps[0]) < 4 {
		return track{}, errors.New("key unit carries no H.264 parameter sets")
	}
	t := track{codec: models.H264}
	var parsed h264.SPS
	known := parsed.Unmarshal(sps[0]) == nil
	if known {
		t.width, t.height = parsed.Width(), parsed.Height()
	}
	var w boxes
	w.beginVisual("avc1", t.width, t.height)
	w.begin("avcC")
	w.u8(1)
	w.raw(sps[0][1:4]) // profile, compatibility, level
	w.u8(0xfc | 3)     // NAL unit lengths take 4 bytes
	w.u8(0xe0 | uint8(min(len(sps), 31)))
	w.sets(sps[:min(len(sps), 31)])
	w.u8(uint8(min(len(pps), 255)))
	w.sets(pps[:min(len(pps), 255)])
	if known && highProfile(sps[0][1]) {
		w.u8(0xfc | uint8(parsed.ChromaFormatIdc))
		w.u8(0xf8 | uint8(parsed.BitDepthLumaMinus8))
		w.u8(0xf8 | uint8(parsed.BitDepthChromaMinus8))
		w.u8(0) // no SPS extensions
	}
	w.end()
	w.end()
	t.entry = w.b
	return t, nil
}

// highProfile names the profiles whose avcC also gives chroma format and bit depth.
func highProfile(idc byte) bool {
	return idc == 100 || idc == 110 || idc == 122 || idc == 144
}

// hevcTrack writes hvc1 with an hvcC (ISO/IEC 14496-15, 8.3.3). Apple's players refuse
// the hev1 tag.
func hevcTrack(nalus [][]byte) (track, error) {
	var vps, sps, pps [][]byte
	for _, n := range nalus {
		if len(n) < 2 {
			continue
		}
		switch n[0] >> 1 & 0x3f {
		case hevcVPS:
			vps = addSet(vps, n)
		case hevcSPS:
			sps = addSet(sps, n)
		case hevcPPS:
			pps = addSet(pps, n)
		}
	}
	if len(vps) == 0 || len(sps) == 0 || len(pps) == 0 {
		return track{}, errors.New("key unit carries no H.265 parameter sets")
	}
	// Two bytes of NAL unit header and one of identifiers precede profile_tier_level
	// (H.265, 7.3.2.2.1).
	rbsp := h264.EmulationPreventionRemove(sps[0][:min(len(sps[0]), 32)])
	if len(rbsp) < 15 {
		return track{}, errors.New("H.265 sequence parameter set is too short")
	}
	t := track{codec: models.H265}
	var parsed h265.SPS
	chroma, luma8, chroma8 := uint8(1), uint8(0), uint8(0)
	if parsed.Unmarshal(sps[0]) == nil {
		t.width, t.height = parsed.Width(), parsed.Height()
		chroma, luma8, chroma8 = uint8(parsed.ChromaFormatIdc), uint8(parsed.BitDepthLumaMinus8), uint8(parsed.BitDepthChromaMinus8)
	}
	layers, nested := rbsp[2]>>1&7+1, rbsp[2]&1
	var w boxes
	w.beginVisual("hvc1", t.width, t.height)
	w.begin("hvcC")
	w.u8(1)
	w.raw(rbsp[3:15]) // general profile, compatibility, constraints, level
	w.u16(0xf000)     // min_spatial_segmentation_idc unknown
	w.u8(0xfc)        // parallelism unknown
	w.u8(0xfc | chroma&3)
	w.u8(0xf8 | luma8&7)
	w.u8(0xf8 | chroma8&7)
	w.u16(0) // average frame rate unknown
	w.u8(layers<<3 | nested<<2 | 3)
	w.u8(3)
	for _, a := range []struct {
		typ  uint8
		sets [][]byte
	}{{hevcVPS, vps}, {hevcSPS, sps}, {hevcPPS, pps}} {
		w.u8(0x80 | a.typ) // hvc1 demands array_completeness
		w.u16(uint16(len(a.sets)))
		w.sets(a.sets)
	}
	w.end()
	w.end()
	t.entry = w.b
	return t, nil
}

// addSet adds a parameter set unless it is there already or too long for its length field.
func addSet(sets [][]byte, n []byte) [][]byte {
	if len(n) > 0xffff {
		return sets
	}
	for _, s := range sets {
		if string(s) == string(n) {
			return sets
		}
	}
	return append(sets, n)
}

func (w *boxes) sets(sets [][]byte) {
	for _, s := range sets {
		w.u16(uint16(len(s)))
		w.raw(s)
	}
}

// beginVisual begins a VisualSampleEntry (ISO/IEC 14496-12, 12.1.3).
func (w *boxes) beginVisual(typ string, width, height int) {
	w.begin(typ)
	w.zero(6)
	w.u16(1) // data reference
	w.zero(16)
	w.u16(uint16(width))
	w.u16(uint16(height))
	w.u32(72 << 16) // dots per inch
	w.u32(72 << 16)
	w.u32(0)
	w.u16(1)   // pictures in a sample
	w.zero(32) // no compressor name
	w.u16(24)  // colour, no alpha
	w.u16(0xffff)
}

// movie is what a moov box is made of.
type movie struct {
	codec         models.Codec
	width, height int
	entry         []byte   // the sample entry
	more          [][]byte // the others, where the parameter sets change on the way
	info          Info     // From and Meta
	tables        *tables
}

// moov writes the movie box: with sample tables for a finished clip, or announcing
// fragments when there are none.
func (w *boxes) moov(m movie, dataOffset int64) {
	created := creationTime(m.info.From)
	var shown, decoded, start uint64 // ticks
	if m.tables != nil {
		shown, decoded, start = m.tables.shown, m.tables.decoded, m.tables.start
	}
	w.begin("moov")

	w.beginFull("mvhd", 1, 0)
	w.u64(created)
	w.u64(created)
	w.u32(timescale)
	w.u64(shown)
	w.u32(1 << 16) // rate
	w.u16(1 << 8)  // volume
	w.zero(10)
	w.matrix()
	w.zero(24)
	w.u32(trackID + 1)
	w.end()

	w.begin("trak")
	w.beginFull("tkhd", 1, 3) // enabled, in movie
	w.u64(created)
	w.u64(created)
	w.u32(trackID)
	w.u32(0)
	w.u64(shown)
	w.zero(16) // layer, alternate group, volume
	w.matrix()
	w.u32(uint32(m.width) << 16)
	w.u32(uint32(m.height) << 16)
	w.end()
	if m.tables != nil {
		w.begin("edts")
		w.beginFull("elst", 1, 0)
		w.u32(1)
		w.u64(shown)
		w.u64(start)
		w.u32(1 << 16) // rate
		w.end()
		w.end()
	}
	w.begin("mdia")
	w.beginFull("mdhd", 1, 0)
	w.u64(created)
	w.u64(created)
	w.u32(timescale)
	w.u64(decoded)
	w.u16(0x55c4) // language: und
	w.u16(0)
	w.end()
	w.handler("vide", "VideoHandler")
	w.begin("minf")
	w.beginFull("vmhd", 0, 1)
	w.zero(8)
	w.end()
	w.begin("dinf")
	w.beginFull("dref", 0, 0)
	w.u32(1)
	w.beginFull("url ", 0, 1) // in this file
	w.end()
	w.end()
	w.end()
	w.begin("stbl")
	w.beginFull("stsd", 0, 0)
	w.u32(uint32(1 + len(m.more)))
	w.raw(m.entry)
	for _, entry := range m.more {
		w.raw(entry)
	}
	w.end()
	if m.tables != nil {
		m.tables.write(w, dataOffset)
	} else {
		for _, typ := range []string{"stts", "stsc", "stsz", "stco"} {
			w.beginFull(typ, 0, 0)
			w.u32(0)
			if typ == "stsz" {
				w.u32(0)
			}
			w.end()
		}
	}
	w.end()
	w.end()
	w.end()
	w.end()

	if m.tables == nil {
		w.begin("mvex")
		w.beginFull("trex", 0, 0)
		w.u32(trackID)
		w.u32(1) // sample description
		w.zero(12)
		w.end()
		w.end()
	}
	w.metadata(m.info)
	w.end()
}

const trackID = 1

func (w *boxes) matrix() {
	for _, v := range [9]uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30} {
		w.u32(v)
	}
}

func (w *boxes) handler(typ, name string) {
	w.beginFull("hdlr", 0, 0)
	w.u32(0)
	w.text(typ)
	w.zero(12)
	w.text(name)
	w.u8(0)
	w.end()
}

// metadata writes QuickTime metadata (the mdta keys of Apple's "QuickTime File Format",
// read by ffprobe, ExifTool and players): what the clip is, and its exact start.
func (w *boxes) metadata(info Info) {
	type item struct{ key, value string }
	var items []item
	add := func(key, value string) {
		if value != "" {
			items = append(items, item{"com.apple.quicktime." + key, value})
		}
	}
	add("title", info.Meta.Title)
	add("camera.identifier", string(info.Meta.Camera))
	add("software", info.Meta.Software)
	if !info.From.IsZero() {
		add("creationdate", info.From.UTC().Format(wallFormat))
	}
	if len(items) == 0 {
		return
	}
	w.beginFull("meta", 0, 0)
	w.handler("mdta", "")
	w.beginFull("keys", 0, 0)
	w.u32(uint32(len(items)))
	for _, it := range items {
		w.begin("mdta")
		w.text(it.key)
		w.end()
	}
	w.end()
	w.begin("ilst")
	for i, it := range items {
		w.begin(string([]byte{0, 0, 0, byte(i + 1)})) // the type of an item is its key's index
		w.begin("data")
		w.u32(1) // UTF-8
		w.u32(0)
		w.text(it.value)
		w.end()
		w.end()
	}
	w.end()
	w.end()
}

// wallFormat is RFC 3339 with all nine digits of the second.
const wallFormat = "2006-01-02T15:04:05.000000000Z07:00"
