package camtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/vedette-cctv/vedette/models"
)

// Auth says how a Camera asks for credentials.
type Auth string

// The ways to ask for credentials.
const (
	AuthEither Auth = ""       // offers both
	AuthBasic  Auth = "basic"  // RFC 7617
	AuthDigest Auth = "digest" // RFC 7616 with MD5, as nearly all cameras do
)

// Camera is an RTSP server that plays one Media. The exported fields are set before
// Start. Fault knobs count access units from the first one that was sent, from 1, over
// the life of the camera; 0 means never.
type Camera struct {
	Media *Media
	Path  string // default "/cam"
	Addr  string // host:port; default "127.0.0.1:0", a free port
	User  string // empty: no authentication
	Pass  string
	Auth  Auth
	TLS   *tls.Config // set: rtsps
	UDP   bool        // offer UDP beside TCP
	Loop  bool        // play without end; otherwise fall silent after the last picture
	// Speed is how much faster than at the true rate (default 1) the file plays. RTP time
	// runs at that speed, too, so wall times made from it mean little after a while.
	Speed float64

	// SenderReports sends an RTCP sender report after the first picture and then once a
	// second of media time. Its clock starts with the stream and runs at Speed.
	SenderReports bool
	NTPOffset     time.Duration // what the camera's clock is ahead of ours
	// NTPJump, when set, is added to that when the report after the i-th unit (from 1) is
	// sent: somebody sets the camera's clock.
	NTPJump func(i int) time.Duration

	FirstTimestamp uint32 // RTP timestamp of media time 0
	NoMarker       bool   // never set the RTP marker bit
	NoParams       bool   // no parameter sets in the session description
	Drop           func(seq int) bool
	StallAfter     int // then send nothing until a viewer comes (back)
	ResetAfter     int // then reset all TCP connections, once
	GarbageAfter   int // then write 4 KiB of noise into all TCP connections, once
	// Alter may change the unit that is sent as the i-th (from 1); the NAL units of the
	// file must not be written to, only replaced.
	Alter func(i int, u Unit) Unit
	// OnSent is called after all packets of the i-th unit (from 1) were handed to the
	// network. at is read just before.
	OnSent func(i int, at time.Time)

	server   *gortsplib.Server
	listener *listener
	stream   *gortsplib.ServerStream
	media    *description.Media
	packer   packer
	stop     context.CancelFunc
	stopped  sync.Once
	played   sync.WaitGroup
	viewers  chan struct{} // one token for each PLAY; a full channel already says enough
	finished chan struct{}
}

// packer cuts access units into RTP packets.
type packer interface {
	Encode(au [][]byte) ([]*rtp.Packet, error)
}

// writeQueue is how many packets may wait for one viewer. A unit of 8 MiB makes 5 900.
const writeQueue = 8192

// Start listens and returns; the pictures begin with the first viewer.
func (c *Camera) Start() error {
	if c.Media == nil || len(c.Media.Units) == 0 {
		return errors.New("camera without media")
	}
	if c.Path == "" {
		c.Path = "/cam"
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Speed <= 0 {
		c.Speed = 1
	}
	c.viewers = make(chan struct{}, 1)
	c.finished = make(chan struct{})

	form, err := c.prepare()
	if err != nil {
		return err
	}
	if err := c.listen(); err != nil {
		return fmt.Errorf("listen %s: %w", c.Addr, err)
	}
	c.media = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{form}}
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: &description.Session{Medias: []*description.Media{c.media}}}
	if err := c.stream.Initialize(); err != nil {
		c.server.Close()
		return err
	}
	c.listener.open()

	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.played.Go(func() { c.play(ctx) })
	return nil
}

// prepare makes the session description's format and its packer.
func (c *Camera) prepare() (format.Format, error) {
	first := uint16(rand.Uint32())
	switch c.Media.Codec {
	case models.H264:
		form := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
		if !c.NoParams {
			form.SPS, form.PPS = param(c.Media, 7), param(c.Media, 8)
		}
		packer := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1, InitialSequenceNumber: &first}
		c.packer = packer
		return form, packer.Init()
	case models.H265:
		form := &format.H265{PayloadTyp: 96}
		if !c.NoParams {
			form.VPS, form.SPS, form.PPS = param(c.Media, 32), param(c.Media, 33), param(c.Media, 34)
		}
		packer := &rtph265.Encoder{PayloadType: 96, InitialSequenceNumber: &first}
		c.packer = packer
		return form, packer.Init()
	}
	return nil, fmt.Errorf("codec %q is not supported", c.Media.Codec)
}

// param finds the first parameter set of a NAL unit type.
func param(m *Media, typ byte) []byte {
	for _, nalu := range m.Params {
		t := nalu[0] & 0x1f
		if m.Codec == models.H265 {
			t = nalu[0] >> 1 & 0x3f
		}
		if t == typ {
			return nalu
		}
	}
	return nil
}

// listen starts the server. UDP needs an even port and the next one, which nobody can
// reserve as a pair, so it is tried a few times.
func (c *Camera) listen() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return err
	}
	var methods []auth.VerifyMethod
	switch c.Auth {
	case AuthBasic:
		methods = []auth.VerifyMethod{auth.VerifyMethodBasic}
	case AuthDigest:
		methods = []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
	}
	for try := 0; ; try++ {
		c.listener = nil
		c.server = &gortsplib.Server{
			Handler:                  (*handler)(c),
			RTSPAddress:              c.Addr,
			TLSConfig:                c.TLS,
			WriteQueueSize:           writeQueue,
			AuthMethods:              methods,
			DisableRTCPSenderReports: true, // they count nanoseconds where RFC 3550 wants 1/2^32 s
			Listen: func(network, address string) (net.Listener, error) {
				ln, err := net.Listen(network, address)
				if err != nil {
					return nil, err
				}
				c.listener = newListener(ln)
				return c.listener, nil
			},
		}
		if c.UDP {
			port := 20000 + 2*rand.IntN(20000)
			c.server.UDPRTPAddress = net.JoinHostPort(host, strconv.Itoa(port))
			c.server.UDPRTCPAddress = net.JoinHostPort(host, strconv.Itoa(port+1))
		}
		err := c.server.Start()
		if err == nil || !c.UDP || try == 20 || c.listener != nil {
			return err
		}
	}
}

// URL is the stream's address without credentials.
func (c *Camera) URL() string { return c.url(nil) }

// URLWithCredentials is the stream's address with User and Pass in it.
func (c *Camera) URLWithCredentials() string { return c.url(url.UserPassword(c.User, c.Pass)) }

func (c *Camera) url(user *url.Userinfo) string {
	scheme := "rtsp"
	if c.TLS != nil {
		scheme = "rtsps"
	}
	return (&url.URL{Scheme: scheme, User: user, Host: c.listener.Addr().String(), Path: c.Path}).String()
}

// Done is closed once the last picture was sent; never when Loop is set.
func (c *Camera) Done() <-chan struct{} { return c.finished }

// Stop closes the camera and waits for it. A second call does nothing.
func (c *Camera) Stop() {
	c.stopped.Do(func() {
		c.stop()
		c.played.Wait()
		c.stream.Close()
		c.server.Close()
	})
}

// Reset cuts all TCP connections with a reset, as a camera does that reboots.
func (c *Camera) Reset() { c.listener.reset() }

// play sends the units at their time until the context ends.
func (c *Camera) play(ctx context.Context) {
	defer func() {
		if ctx.Err() == nil {
			close(c.finished)
		}
	}()
	if !c.awaitViewer(ctx) {
		return
	}
	start, reported := time.Now(), int64(-1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent, packets := 0, 0
	for base := int64(0); ; base += c.Media.Ticks {
		for _, u := range c.Media.Units {
			due := c.span(base + u.DTS)
			timer.Reset(time.Until(start.Add(due)))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			sent++
			u.DTS, u.PTS = base+u.DTS, base+u.PTS
			if c.Alter != nil {
				u = c.Alter(sent, u)
			}
			at := time.Now()
			packets = c.send(u, packets)
			if c.SenderReports && u.DTS-reported >= ClockRate || sent == 1 && c.SenderReports {
				reported = u.DTS
				ahead := c.NTPOffset
				if c.NTPJump != nil {
					ahead += c.NTPJump(sent)
				}
				c.report(u, start.Add(time.Duration(u.DTS)*time.Second/ClockRate+ahead))
			}
			if c.OnSent != nil {
				c.OnSent(sent, at)
			}
			if c.misbehave(sent) {
				paused := time.Now()
				if !c.awaitViewer(ctx) {
					return
				}
				start = start.Add(time.Since(paused))
			}
		}
		if !c.Loop {
			return
		}
	}
}

// span is how long ticks of media time take at Speed.
func (c *Camera) span(ticks int64) time.Duration {
	return time.Duration(float64(ticks) / ClockRate / c.Speed * float64(time.Second))
}

func (c *Camera) awaitViewer(ctx context.Context) bool {
	select { // one that came earlier does not count
	case <-c.viewers:
	case <-ctx.Done():
		return false
	}
	return true
}

// send hands one unit to all viewers and returns how many packets there were so far.
func (c *Camera) send(u Unit, seq int) int {
	pkts, err := c.packer.Encode(u.NALUs)
	if err != nil {
		return seq // an Alter that left nothing to send
	}
	for _, pkt := range pkts {
		pkt.Timestamp = c.FirstTimestamp + uint32(u.PTS)
		pkt.Marker = pkt.Marker && !c.NoMarker
		if c.Drop == nil || !c.Drop(seq) {
			// Fails only when the stream is closed, which play learns from its context.
			_ = c.stream.WritePacketRTP(c.media, pkt)
		}
		seq++
	}
	return seq
}

// report sends the RTCP sender report that ties the unit's decoding time to now on the
// camera's clock.
func (c *Camera) report(u Unit, now time.Time) {
	stats := c.stream.Stats().Medias[c.media].Formats[c.media.Formats[0]]
	ntp := uint64(now.Unix()+2208988800)<<32 | uint64(now.Nanosecond())<<32/1e9
	_ = c.stream.WritePacketRTCP(c.media, &rtcp.SenderReport{
		SSRC:        stats.LocalSSRC,
		NTPTime:     ntp,
		RTPTime:     c.FirstTimestamp + uint32(u.DTS),
		PacketCount: uint32(stats.RTPPacketsSent),
	})
}

// misbehave does what the fault knobs ask for and says whether to stall.
func (c *Camera) misbehave(sent int) bool {
	if sent == c.ResetAfter {
		c.listener.reset()
	}
	if sent == c.GarbageAfter {
		c.listener.garbage()
	}
	if sent != c.StallAfter {
		return false
	}
	select { // viewers who came before the stall do not end it
	case <-c.viewers:
	default:
	}
	return true
}

// handler answers the requests of viewers.
type handler Camera

func (h *handler) allowed(conn *gortsplib.ServerConn, req *base.Request) (*base.Response, error) {
	if h.User == "" || conn.VerifyCredentials(req, h.User, h.Pass) {
		return nil, nil
	}
	return &base.Response{StatusCode: base.StatusUnauthorized}, errAuth
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (h *handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := h.allowed(ctx.Conn, ctx.Request); err != nil {
		return res, nil, err
	}
	if ctx.Path != h.Path {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := h.allowed(ctx.Conn, ctx.Request); err != nil {
		return res, nil, err
	}
	if ctx.Path != h.Path {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (h *handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	ctx.Conn.SetUserData(playing{})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// playing marks a connection whose PLAY was accepted and not yet answered.
type playing struct{}

// OnResponse implements gortsplib.ServerHandlerOnResponse. The viewer of a PLAY receives
// packets from here on, not yet in OnPlay.
func (h *handler) OnResponse(conn *gortsplib.ServerConn, _ *base.Response) {
	if _, ok := conn.UserData().(playing); !ok {
		return
	}
	conn.SetUserData(nil)
	select {
	case h.viewers <- struct{}{}:
	default:
	}
}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError. A viewer that
// cannot keep up loses packets, as from a real camera.
func (h *handler) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}
