package rtsp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"

	"github.com/vedette-cctv/vedette/models"
)

// epoch is when the tests' first packet arrives.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const frame = clockRate / 10 // ticks from picture to picture

// Parameter sets of a 320x240 and a 640x480 stream, by x264.
var (
	sps320 = []byte{0x67, 0x4d, 0x40, 0x0d, 0xec, 0xa0, 0xa0, 0xfd, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0x50, 0x78, 0xa1, 0x4c, 0xb0}
	sps640 = []byte{0x67, 0x4d, 0x40, 0x1e, 0xec, 0xa0, 0x50, 0x1e, 0xd8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x05, 0x07, 0x8b, 0x16, 0xcb}
	pps    = []byte{0x68, 0xeb, 0xe3, 0xcb, 0x20}
)

// The pictures of the tests: a letter names what a NAL unit is, so that a unit reads
// like "SPI": SPS, PPS, IDR slice.
//
//	S s  SPS of 320x240, of 640x480     P  PPS     D  access unit delimiter   E  SEI
//	I  IDR slice, first of its picture    i  IDR slice, not the first
//	B  other slice, first of its picture  b  other slice, not the first
//	L  an IDR slice of several packets
func nalu(r rune) []byte {
	switch r {
	case 'S':
		return sps320
	case 's':
		return sps640
	case 'P':
		return pps
	case 'D':
		return []byte{9, 0xf0}
	case 'E':
		return []byte{6, 5, 1, 0, 0x80}
	case 'I':
		return append([]byte{0x65, 0x88}, bytes.Repeat([]byte{1}, 50)...)
	case 'i':
		return append([]byte{0x65, 0x28}, bytes.Repeat([]byte{1}, 50)...)
	case 'B':
		return append([]byte{0x41, 0x9a}, bytes.Repeat([]byte{2}, 50)...)
	case 'b':
		return append([]byte{0x41, 0x2a}, bytes.Repeat([]byte{2}, 50)...)
	case 'L':
		return append([]byte{0x65, 0x88}, bytes.Repeat([]byte{3}, 5000)...)
	}
	panic("no such picture: " + string(r))
}

// spell is the inverse of nalu.
func spell(nalus [][]byte) string {
	var b strings.Builder
	for _, n := range nalus {
		letter := "?"
		for _, r := range "SsPDEIiBbL" {
			if bytes.Equal(n, nalu(r)) {
				letter = string(r)
			}
		}
		b.WriteString(letter)
	}
	return b.String()
}

// bench is an assembler on a table: packets in, spelled units out.
type bench struct {
	asm     *assembler
	stats   counters
	line    timeline
	wall    wall
	lost    loss
	units   []models.AccessUnit
	sizes   []string
	pending []report

	seq   uint16
	stamp uint32
	now   time.Time
}

func newBench(codec models.Codec) *bench {
	b := &bench{seq: 65000, now: epoch}
	b.session(codec)
	return b
}

// session begins another connection.
func (b *bench) session(codec models.Codec) {
	b.line.session()
	b.wall.session()
	b.asm = &assembler{
		camera: "gate", codec: codec, session: 1, params: params{codec: codec},
		line: &b.line, wall: &b.wall, stats: &b.stats, lost: &b.lost,
		emit: func(au models.AccessUnit) { b.units = append(b.units, au) },
		reports: func() (report, bool) {
			if len(b.pending) == 0 {
				return report{}, false
			}
			r := b.pending[0]
			b.pending = b.pending[1:]
			return r, true
		},
	}
	b.asm.announce = func() {
		w, h, err := b.asm.params.size()
		b.sizes = append(b.sizes, fmt.Sprint(w, "x", h, " ", err))
	}
	if codec == models.H265 {
		b.asm.depack = &rtph265.Decoder{}
	} else {
		b.asm.depack = &rtph264.Decoder{}
	}
}

// picture sends NAL units, each in packets of its own, with the marker on the last one.
// lose names packets, counted from 0, that do not arrive.
func (b *bench) picture(spelled string, lose ...int) {
	pkts := b.packets(spelled)
	for i, pkt := range pkts {
		if !slices.Contains(lose, i) {
			b.asm.packet(pkt, b.now)
		}
	}
}

// packets cuts a picture a tenth of a second after the last one.
func (b *bench) packets(spelled string) []*rtp.Packet {
	b.stamp += frame
	b.now = b.now.Add(time.Second / 10)
	var pkts []*rtp.Packet
	for _, r := range spelled {
		first := uint16(0)
		enc := &rtph264.Encoder{PayloadType: 96, InitialSequenceNumber: &first, PacketizationMode: 1}
		if err := enc.Init(); err != nil {
			panic(err)
		}
		cut, err := enc.Encode([][]byte{nalu(r)})
		if err != nil {
			panic(err)
		}
		for _, pkt := range cut {
			pkt.SequenceNumber, pkt.Timestamp, pkt.Marker, pkt.SSRC = b.seq, b.stamp, false, 7
			b.seq++
			pkts = append(pkts, pkt)
		}
	}
	pkts[len(pkts)-1].Marker = true
	return pkts
}

// story tells what came out: "SPI B B!2" is a key unit and two more, two packets lost
// before the last.
func (b *bench) story() string {
	var words []string
	for _, au := range b.units {
		w := spell(au.NALUs)
		if au.Loss != nil {
			w += "!" + string(au.Loss.Cause) + fmt.Sprint(au.Loss.Lost)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestAssembler(t *testing.T) {
	send := func(pictures ...string) func(*bench) {
		return func(b *bench) {
			for _, p := range pictures {
				b.picture(p)
			}
		}
	}
	for _, tt := range []struct {
		name      string
		send      func(*bench)
		want      string
		discarded uint64
		malformed uint64
		lost      uint64
	}{
		{name: "as sent, in order", send: send("DSPEI", "DEB", "B"), want: "DSPEI DEB B"},
		{name: "a session begins with a key unit", send: send("B", "B", "SPI", "B"), want: "SPI B", discarded: 2},
		{name: "not with an IDR of which no parameter sets are known", send: send("I", "B", "SPI", "B"), want: "SPI B", discarded: 2},
		{name: "a later key unit gets its parameter sets", send: send("SPI", "B", "I", "B"), want: "SPI B SPI B"},
		{name: "after the delimiter", send: send("DSPI", "DB", "DEI"), want: "DSPI DB DSPEI"},
		{name: "only those that it lacks", send: send("SPI", "sI"), want: "SPI sPI"},
		{name: "PPS in front of its SPS", send: send("SPI", "PI"), want: "SPI SPI"},
		{name: "the newest ones", send: send("SPI", "sPB", "I"), want: "SPI sPB sPI"},
		{name: "parameter sets as a picture of their own", send: send("SP", "I", "B"), want: "SPI B"},
		{name: "SEI as a picture of its own belongs to the next", send: send("SPI", "E", "B"), want: "SPI EB"},
		{name: "several slices", send: send("SPIii", "Bbb"), want: "SPIii Bbb"},
		{name: "fragments", send: send("SPL", "B"), want: "SPL B"},

		{name: "lost slice", send: func(b *bench) {
			b.picture("SPI")
			b.picture("Bbb", 1)
			b.picture("B")
		}, want: "SPI B!packet_loss1", discarded: 1, lost: 1},
		{name: "lost first slice", send: func(b *bench) {
			b.picture("SPI")
			b.picture("Bbb", 0)
			b.picture("B")
		}, want: "SPI B!packet_loss1", discarded: 1, lost: 1},
		{name: "lost last slice, and with it the marker", send: func(b *bench) {
			b.picture("SPI")
			b.picture("Bbb", 2)
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!packet_loss1 B", discarded: 1, lost: 1},
		{name: "lost picture", send: func(b *bench) {
			b.picture("SPI")
			b.picture("Bbb", 0, 1, 2)
			b.picture("B")
		}, want: "SPI B!packet_loss3", lost: 3},
		{name: "lost fragment", send: func(b *bench) {
			b.picture("SPI")
			b.picture("L", 1)
			b.picture("B")
		}, want: "SPI B!packet_loss1", discarded: 1, lost: 1},
		{name: "lost first fragment", send: func(b *bench) {
			b.picture("SPI")
			b.picture("L", 0)
			b.picture("B")
		}, want: "SPI B!packet_loss1", discarded: 1, lost: 1},
		{name: "lost last fragment", send: func(b *bench) {
			b.picture("SPI")
			b.picture("L", 3)
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!packet_loss1 B", discarded: 1, lost: 1},
		{name: "lost parameter sets are made up for", send: func(b *bench) {
			b.picture("SPI")
			b.picture("SPI", 0, 1)
		}, want: "SPI SPI!packet_loss2", lost: 2},
		{name: "losses in a row are one gap", send: func(b *bench) {
			b.picture("SPI")
			b.picture("Bbb", 1)
			b.picture("Bbb", 0, 2)
			b.picture("Bbb", 2)
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!packet_loss4 B", discarded: 3, lost: 4},
		{name: "loss before the first key unit is nobody's", send: func(b *bench) {
			b.picture("Bb", 1)
			b.picture("SPI")
			b.picture("B")
		}, want: "SPI B", discarded: 1, lost: 1},

		{name: "numbers that begin again", send: func(b *bench) {
			b.picture("SPI")
			b.seq -= 30000
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!packet_loss0 B"},
		{name: "a packet twice", send: func(b *bench) {
			b.picture("SPI")
			for _, pkt := range b.packets("Bbb") {
				twice := *pkt
				b.asm.packet(pkt, b.now)
				b.asm.packet(&twice, b.now)
			}
		}, want: "SPI Bbb"},
		{name: "empty packets", send: func(b *bench) {
			b.picture("SPI")
			b.asm.packet(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq, Timestamp: b.stamp + 1, SSRC: 7}}, b.now)
			b.seq++
			b.picture("B")
		}, want: "SPI B"},
		{name: "no marker bits (FLIR M400)", send: func(b *bench) {
			for _, p := range []string{"SPI", "Bb", "B", "B"} {
				pkts := b.packets(p)
				pkts[len(pkts)-1].Marker = false
				for _, pkt := range pkts {
					b.asm.packet(pkt, b.now)
				}
			}
		}, want: "SPI Bb B"},
		{name: "a marker on every slice", send: func(b *bench) {
			for _, p := range []string{"SPIi", "Bb", "Bb", "Bb", "Bb"} {
				for _, pkt := range b.packets(p) {
					pkt.Marker = true
					b.asm.packet(pkt, b.now)
				}
			}
			// The first picture is cut; from then on the next picture ends one.
		}, want: "SPI Bb!stream1 Bb Bb", discarded: 1, malformed: 1},
		{name: "parameter sets with a timestamp of their own", send: func(b *bench) {
			for _, pkt := range b.packets("SP") {
				pkt.Timestamp -= 3000
				b.asm.packet(pkt, b.now)
			}
			b.stamp -= frame
			b.picture("I")
			b.picture("B")
		}, want: "SPI B"},

		{name: "a fragmented NAL unit that never ends", send: func(b *bench) {
			b.picture("SPI")
			cut := b.packets("L")[:3]
			for _, pkt := range cut {
				b.asm.packet(pkt, b.now)
			}
			b.seq -= 1 // the fourth was never sent
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!stream1 B", discarded: 1, malformed: 1},
		{name: "garbage in a packet", send: func(b *bench) {
			b.picture("SPI")
			pkt := b.packets("B")[0]
			pkt.Payload = []byte{24, 0xff, 0xff, 1} // STAP-A that promises 64 KiB
			b.asm.packet(pkt, b.now)
			b.picture("B")
		}, want: "SPI B!stream1", discarded: 1, malformed: 1},
		{name: "an access unit of 9 MiB", send: func(b *bench) {
			b.picture("SPI")
			pkts := b.packets(strings.Repeat("L", 9<<20/5002))
			for _, pkt := range pkts {
				b.asm.packet(pkt, b.now)
			}
			b.picture("B")
			b.picture("B")
		}, want: "SPI B!stream1 B", discarded: 1, malformed: 1},
		{name: "a thousand NAL units", send: func(b *bench) {
			b.picture("SPI")
			b.picture("B" + strings.Repeat("b", 999))
			b.picture("B")
		}, want: "SPI B!stream1", discarded: 1, malformed: 1},
		{name: "a thousand NAL units without a picture", send: func(b *bench) {
			b.picture("SPI")
			for range 600 {
				b.picture("E")
			}
			b.picture("B")
		}, want: "SPI " + strings.Repeat("E", 600-maxUnitNALUs-1) + "B!stream1", discarded: 1, malformed: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(models.H264)
			tt.send(b)
			if got := b.story(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			st := b.stats.snapshot()
			if st.Discarded != tt.discarded || st.Malformed != tt.malformed || st.Lost != tt.lost {
				t.Errorf("discarded %d, malformed %d, lost %d; want %d, %d, %d", st.Discarded, st.Malformed, st.Lost, tt.discarded, tt.malformed, tt.lost)
			}
			if int(st.Units) != len(b.units) {
				t.Errorf("counted %d units of %d", st.Units, len(b.units))
			}
		})
	}
}

func TestAssemblerNamesTheGap(t *testing.T) {
	b := newBench(models.H264)
	b.picture("SPI")
	b.picture("B")
	before := b.units[1].At
	b.picture("Bb", 1)
	b.picture("Bb", 0, 1)
	b.picture("B")
	au := b.units[2]
	if au.Loss == nil {
		t.Fatal("no loss")
	}
	want := models.Gap{From: before.Wall, To: au.At.Wall, Cause: models.CausePacketLoss, Lost: 3}
	if g := *au.Loss; !g.From.Equal(want.From) || !g.To.Equal(want.To) || g.Cause != want.Cause || g.Lost != want.Lost {
		t.Errorf("gap %+v, want %+v", g, want)
	}
	if d := au.Loss.To.Sub(au.Loss.From); d != 300*time.Millisecond {
		t.Errorf("gap of %v, want 300ms", d)
	}
}

func TestAssemblerAnnouncesEachPictureSize(t *testing.T) {
	b := newBench(models.H264)
	for _, p := range []string{"SPI", "B", "SPI", "B", "sPI", "B", "I", "SPI"} {
		b.picture(p)
	}
	want := []string{"320x240 <nil>", "640x480 <nil>", "320x240 <nil>"}
	if !slices.Equal(b.sizes, want) {
		t.Errorf("announced %q, want %q", b.sizes, want)
	}
}

func TestAssemblerContinuesInTheNextSession(t *testing.T) {
	b := newBench(models.H264)
	b.picture("SPI")
	b.picture("B")
	before := b.units[1]
	b.lost.away = true
	b.lost.note("read: connection reset by peer")
	b.session(models.H264)
	b.seq, b.stamp = 99, 1<<31 // a new session numbers anew
	b.now = b.now.Add(5*time.Second - time.Second/10)
	b.picture("B")
	b.picture("SPI")
	b.picture("B")
	if got, want := b.story(), "SPI B SPI!camera_lost0 B"; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	au := b.units[2]
	if d := au.At.Media - before.At.Media; d != 5100*time.Millisecond {
		t.Errorf("media time went on by %v, want 5.1s", d)
	}
	if d := au.Loss.To.Sub(au.Loss.From); d != 5100*time.Millisecond || !au.Loss.From.Equal(before.At.Wall) {
		t.Errorf("gap %+v after %v", au.Loss, before.At.Wall)
	}
	if au.Loss.Note != "read: connection reset by peer" {
		t.Errorf("note %q", au.Loss.Note)
	}
}

func TestAssemblerChecksWhoseReportItIs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*report)
		want   models.Clock
		offset time.Duration
	}{
		{"the stream's", func(*report) {}, models.ClockCamera, 2 * time.Second},
		{"another stream's", func(r *report) { r.ssrc++ }, models.ClockArrival, 0},
		{"of a camera without a clock", func(r *report) { r.ntp = time.Time{} }, models.ClockArrival, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(models.H264)
			b.picture("SPI")
			r := report{ntp: b.now.Add(2 * time.Second), stamp: b.stamp, arrival: b.now, ssrc: 7}
			tt.change(&r)
			b.pending = []report{r}
			b.picture("SPI")
			st := b.stats.snapshot()
			if got := b.units[1].Clock; got != tt.want || st.Offset != tt.offset || st.OffsetKnown != (tt.offset != 0) {
				t.Errorf("clock %v, stats %+v", got, st)
			}
		})
	}
}

func TestAssemblerBeginsANewTimelineAfterAJump(t *testing.T) {
	for _, tt := range []struct {
		name string
		jump int64 // ticks
		gap  bool
	}{
		{"an hour ahead", 3600 * clockRate, true},
		{"an hour back", -3600 * clockRate, true},
		{"eleven seconds ahead", 11 * clockRate, true},
		{"two seconds back", -2 * clockRate, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(models.H264)
			b.picture("SPI")
			b.picture("B")
			b.stamp += uint32(tt.jump)
			b.picture("SPI")
			b.picture("B")
			step := b.units[2].At.Media - b.units[1].At.Media
			loss := b.units[2].Loss
			if !tt.gap {
				if loss != nil || step != 100*time.Millisecond+ticks(tt.jump) {
					t.Errorf("step %v, loss %+v", step, loss)
				}
				return
			}
			if loss == nil || loss.Cause != models.CauseStream || !strings.Contains(loss.Note, "timestamps jumped") {
				t.Fatalf("loss %+v", loss)
			}
			if step != 100*time.Millisecond {
				t.Errorf("media time stepped by %v, want 100ms as the arrival clock says", step)
			}
			if step := b.units[3].At.Media - b.units[2].At.Media; step != 100*time.Millisecond {
				t.Errorf("then by %v", step)
			}
		})
	}
}

func TestAssemblerJoinsH265(t *testing.T) {
	vps, sps, pps := []byte{32 << 1, 1, 9}, []byte{33 << 1, 1, 9}, []byte{34 << 1, 1, 9}
	idr, cra, slice := []byte{19 << 1, 1, 0x80, 5}, []byte{21 << 1, 1, 0x80, 5}, []byte{1 << 1, 1, 0x80, 5}
	aud, suffix := []byte{35 << 1, 1, 0x50}, []byte{40 << 1, 1, 0x80}
	b := newBench(models.H265)
	first := uint16(0)
	enc := &rtph265.Encoder{PayloadType: 96, InitialSequenceNumber: &first}
	if err := enc.Init(); err != nil {
		t.Fatal(err)
	}
	for i, unit := range [][][]byte{{vps, sps, pps, idr}, {slice, suffix}, {aud, cra}, {slice}} {
		pkts, err := enc.Encode(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, pkt := range pkts {
			pkt.Timestamp = uint32(i) * frame
			b.asm.packet(pkt, epoch)
		}
	}
	want := [][][]byte{{vps, sps, pps, idr}, {slice, suffix}, {aud, vps, sps, pps, cra}, {slice}}
	if len(b.units) != len(want) {
		t.Fatalf("%d units, want %d", len(b.units), len(want))
	}
	for i, au := range b.units {
		if !slices.EqualFunc(au.NALUs, want[i], bytes.Equal) {
			t.Errorf("unit %d: %x, want %x", i, au.NALUs, want[i])
		}
		if au.Key != (i%2 == 0) {
			t.Errorf("unit %d: key %v", i, au.Key)
		}
	}
}

// FuzzAssembler sends packets of any content, number and time.
func FuzzAssembler(f *testing.F) {
	f.Add(false, []byte{4, 0x65, 0x88, 1, 2, 0x80 | 3, 0x41, 0x9a, 1})
	f.Add(true, []byte{5, 19 << 1, 1, 0x80, 5, 6, 0x80 | 4, 49 << 1, 1, 0x93, 7})
	f.Fuzz(func(t *testing.T, h265 bool, data []byte) {
		codec := models.H264
		if h265 {
			codec = models.H265
		}
		b := newBench(codec)
		// Each packet: a byte of flags and length, then the payload.
		for len(data) > 0 {
			head := data[0]
			n := min(int(head&0x1f), len(data)-1)
			pkt := &rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq, Timestamp: b.stamp, Marker: head&0x80 != 0}, Payload: bytes.Clone(data[1 : 1+n])}
			b.asm.packet(pkt, b.now)
			b.seq++
			if head&0x40 != 0 {
				b.seq += uint16(n)
			}
			if head&0x20 != 0 {
				b.stamp += frame << (n % 12)
				b.now = b.now.Add(time.Second / 10)
			}
			data = data[1+n:]
		}
		top := time.Duration(-1 << 62)
		for i, au := range b.units {
			if i == 0 && !au.Key {
				t.Fatal("a session began without a key unit")
			}
			picture, sets := false, 0
			for _, n := range au.NALUs {
				switch classify(codec, n) {
				case classPicture, classKey:
					picture = true
				case classSPS, classPPS:
					sets++
				}
			}
			if !picture || au.Key && sets < 2 {
				t.Fatalf("unit %d: picture %v, key %v with %d parameter sets", i, picture, au.Key, sets)
			}
			if au.Loss != nil && au.Loss.To.Before(au.Loss.From) {
				t.Fatalf("unit %d: gap %+v ends before it begins", i, au.Loss)
			}
			if au.At.Media < top-jumpBound*time.Duration(i+1) {
				t.Fatalf("unit %d: media time %v far behind %v", i, au.At.Media, top)
			}
			top = max(top, au.At.Media)
		}
	})
}
