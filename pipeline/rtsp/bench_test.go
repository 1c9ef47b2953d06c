package rtsp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtp"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// benchFPS is the rate at which the figures below are said: 1080p at 15 a second and
// 3 Mbit/s, a common setting of cameras.
const benchFPS = 15

// recording is two seconds of such a stream as it runs over TCP: a key frame of 120 KB,
// 29 pictures of 22 KB.
type recording struct {
	data  []byte
	heads []int // where each packet's RTP header begins
	units int
}

func record(b *testing.B) *recording {
	b.Helper()
	enc := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1}
	if err := enc.Init(); err != nil {
		b.Fatal(err)
	}
	sps := []byte{0x67, 0x4d, 0x40, 0x0d, 0xec, 0xa0, 0xa0, 0xfd, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0x50, 0x78, 0xa1, 0x4c, 0xb0}
	rec := &recording{units: 2 * benchFPS}
	for i := range rec.units {
		unit := [][]byte{append([]byte{0x41, 0x9a}, bytes.Repeat([]byte{0x5a}, 22000)...)}
		if i == 0 {
			unit = [][]byte{sps, {0x68, 0xeb, 0xe3, 0xcb, 0x20}, append([]byte{0x65, 0x88}, bytes.Repeat([]byte{0x5a}, 120000)...)}
		}
		pkts, err := enc.Encode(unit)
		if err != nil {
			b.Fatal(err)
		}
		for _, pkt := range pkts {
			pkt.SSRC, pkt.Timestamp = 7, uint32(i)*90000/benchFPS
			raw, err := pkt.Marshal()
			if err != nil {
				b.Fatal(err)
			}
			rec.data = append(rec.data, '$', 0, byte(len(raw)>>8), byte(len(raw)))
			rec.heads = append(rec.heads, len(rec.data))
			rec.data = append(rec.data, raw...)
		}
	}
	return rec
}

// serve sends the recording over and over, numbered and dated on, as fast as it is taken.
func (rec *recording) serve(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		answering(sdpH264, "1", nil, func(conn net.Conn, _ *bufio.Reader) {
			for lap := 0; ; lap++ {
				for i, at := range rec.heads {
					binary.BigEndian.PutUint16(rec.data[at+2:], uint16(lap*len(rec.heads)+i))
					if lap > 0 {
						stamp := binary.BigEndian.Uint32(rec.data[at+4:])
						binary.BigEndian.PutUint32(rec.data[at+4:], stamp+2*90000)
					}
				}
				if _, err := conn.Write(rec.data); err != nil {
					return
				}
			}
		})(conn)
	}()
	return "rtsp://" + ln.Addr().String() + "/cam"
}

// report adds what one camera costs. Both sides include the sender, which is the same.
func report(b *testing.B, before time.Duration) {
	perUnit := (cpuTime(b) - before).Seconds() / float64(b.N)
	b.ReportMetric(perUnit*1e6, "cpu-µs/unit")
	b.ReportMetric(perUnit*benchFPS*100, "%core/camera")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIngest compares a Source with gortsplib alone: its client and its decoder
// joining packets to access units.
func BenchmarkIngest(b *testing.B) {
	b.Run("gortsplib", func(b *testing.B) {
		rec := record(b)
		address := rec.serve(b)
		b.ReportAllocs()
		u, err := base.ParseURL(address)
		if err != nil {
			b.Fatal(err)
		}
		transport := gortsplib.TransportTCP
		client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &transport}
		if err := client.Start2(); err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		desc, _, err := client.Describe(u)
		if err != nil {
			b.Fatal(err)
		}
		var form *format.H264
		media := desc.FindFormat(&form)
		dec, err := form.CreateDecoder()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.Setup(desc.BaseURL, media, 0, 0); err != nil {
			b.Fatal(err)
		}
		done, n := make(chan struct{}), 0
		client.OnPacketRTP(media, form, func(pkt *rtp.Packet) {
			if _, err := dec.Decode(pkt); err == nil {
				if n++; n == b.N {
					close(done)
				}
			}
		})
		before := cpuTime(b)
		b.ResetTimer()
		if _, err := client.Play(nil); err != nil {
			b.Fatal(err)
		}
		<-done
		b.StopTimer()
		report(b, before)
	})
	b.Run("source", func(b *testing.B) {
		rec := record(b)
		src := &rtsp.Source{Camera: "gate", URL: rec.serve(b)}
		b.ReportAllocs()
		n := 0
		before := cpuTime(b)
		b.ResetTimer()
		err := src.Run(context.Background(), func(models.AccessUnit) error {
			if n++; n == b.N {
				return errEnough
			}
			return nil
		})
		b.StopTimer()
		report(b, before)
		if !errors.Is(err, errEnough) || src.Stats().Lost != 0 {
			b.Fatalf("%v, stats %+v", err, src.Stats())
		}
	})
}
