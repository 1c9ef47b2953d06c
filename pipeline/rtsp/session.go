package rtsp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// libraryTimeouts is how many times our time-out gortsplib is given, and
	// libraryTimeout the least: it counts in whole seconds, and its errors say less than
	// ours. Before the camera plays, dialer watches; after, watch does.
	libraryTimeouts = 2
	libraryTimeout  = 3 * time.Second
	// farewell is how long a camera may take to accept our TEARDOWN.
	farewell = time.Second
)

// play is one session: it connects, reads until something fails, and returns why.
func (s *Source) play(ctx context.Context, emit func(models.AccessUnit) error) error {
	u, err := s.parseURL()
	if err != nil {
		return err
	}
	tlsConfig, err := s.tls(u)
	if err != nil {
		return err
	}
	transport := gortsplib.TransportTCP
	switch s.Transport {
	case "", TCP:
	case UDP:
		transport = gortsplib.TransportUDP
	default:
		return &fault{err: fmt.Errorf("transport %q is unknown", s.Transport), hint: "use tcp or udp", slow: true}
	}
	dialer := &dialer{host: u.Hostname(), timeout: s.Timeout}
	client := &gortsplib.Client{
		Scheme:            u.Scheme,
		Host:              u.Host,
		TLSConfig:         tlsConfig,
		Transport:         &transport,
		ReadTimeout:       max(libraryTimeouts*s.Timeout, libraryTimeout),
		WriteTimeout:      max(libraryTimeouts*s.Timeout, libraryTimeout),
		UserAgent:         "vedette",
		DialContext:       dialer.dial,
		ListenPacket:      dialer.listen,
		OnPacketsLost:     func(uint64) {}, // the assembler counts, packet by packet
		OnTransportSwitch: func(error) {},
		OnDecodeError:     func(error) { s.stats.malformed.Add(1) },
	}
	if err := client.Start2(); err != nil {
		return explain("start", err)
	}
	leave := sync.OnceFunc(func() {
		// TEARDOWN lets a camera free its place for us at once. One that does not take it
		// must not hold up a shut-down.
		impatient := time.AfterFunc(farewell, dialer.cut)
		client.Close()
		impatient.Stop()
	})
	defer leave()
	defer cancelling(ctx, leave)()

	desc, _, err := client.Describe(u)
	if err != nil {
		return explain("describe", err)
	}
	media, form, asm, err := s.pick(desc)
	if err != nil {
		return err
	}
	if _, err := client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return explain("setup", err)
	}
	failed := make(chan error, 1) // the first error of emit; nothing is emitted after it
	s.attach(client, media, form, asm, emit, failed)
	if _, err = client.Play(nil); err != nil {
		err = explain("play", err)
	} else {
		dialer.plays()
		err = s.watch(ctx, client, leave, failed)
	}
	select {
	case err = <-failed: // whatever else failed at the same time
	default:
	}
	return err
}

// cancelling calls leave when ctx ends. The returned function ends that and waits.
func cancelling(ctx context.Context, leave func()) func() {
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(left)
		leave()
	})
	return func() {
		if !stop() {
			<-left
		}
	}
}

// parseURL never quotes the URL in its error: what does not parse is often the password.
func (s *Source) parseURL() (*base.URL, error) {
	u, err := base.ParseURL(s.URL)
	if err == nil && u.Hostname() == "" {
		err = errors.New("no host")
	}
	if err != nil {
		return nil, &fault{
			err:  errors.New("the URL cannot be read"),
			hint: "it begins with rtsp:// or rtsps://, and special characters in user name and password must be percent-encoded",
			slow: true,
		}
	}
	return u, nil
}

func (s *Source) tls(u *base.URL) (*tls.Config, error) {
	if u.Scheme != "rtsps" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, &fault{step: "ca_file", err: err, slow: true}
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, &fault{step: "ca_file " + s.CAFile, err: errors.New("no certificate in PEM form in it"), slow: true}
	}
	return config, nil
}

// pick chooses the first video that vedette can keep and prepares its assembler.
func (s *Source) pick(desc *description.Session) (*description.Media, format.Format, *assembler, error) {
	var others []string
	for _, media := range desc.Medias {
		if media.IsBackChannel {
			continue
		}
		for _, form := range media.Formats {
			asm := &assembler{}
			var err error
			switch form := form.(type) {
			case *format.H264:
				asm.codec = models.H264
				asm.params.sets[1], asm.params.sets[2] = one(form.SPS), one(form.PPS)
				asm.depack, err = form.CreateDecoder()
			case *format.H265:
				asm.codec = models.H265
				asm.params.sets = [3][][]byte{one(form.VPS), one(form.SPS), one(form.PPS)}
				asm.depack, err = form.CreateDecoder()
			default:
				if media.Type == description.MediaTypeVideo {
					others = append(others, form.Codec())
				}
				continue
			}
			if err != nil {
				return nil, nil, nil, &fault{step: "RTP", err: err, hint: "the camera packs its video in a way that is not supported", slow: true}
			}
			asm.params.codec = asm.codec
			return media, form, asm, nil
		}
	}
	f := &fault{hint: "set the camera's stream to H.264 or H.265", slow: true}
	if others == nil {
		f.err = errors.New("the camera offers no video")
	} else {
		f.err = fmt.Errorf("the camera's video is %s, which cannot be kept", strings.Join(others, " and "))
	}
	return nil, nil, nil, f
}

func one(set []byte) [][]byte {
	if len(set) == 0 {
		return nil
	}
	return [][]byte{set}
}

// attach joins the assembler to the client's packets.
func (s *Source) attach(client *gortsplib.Client, media *description.Media, form format.Format, asm *assembler, emit func(models.AccessUnit) error, failed chan<- error) {
	asm.camera, asm.session = s.Camera, s.stats.session()
	asm.line, asm.wall, asm.stats = &s.line, &s.wall, &s.stats
	s.line.session()
	s.wall.session()
	asm.lost = &s.lost
	s.stats.progress(time.Now())
	s.set(func(st *State) { st.Session = asm.session })
	asm.announce = func() {
		width, height, err := asm.params.size()
		if err != nil {
			s.Log.Warn("picture size unknown", "error", err)
		}
		s.set(func(st *State) {
			st.Connection, st.Err = models.Connected, nil
			st.Codec, st.Width, st.Height = asm.codec, width, height
		})
		event := "camera connected"
		if asm.begun {
			event = "camera changed its stream"
		}
		s.Log.Info(event, "codec", asm.codec, "width", width, "height", height, "session", asm.session)
	}
	over := false
	asm.emit = func(au models.AccessUnit) {
		if over {
			return
		}
		if au.Loss != nil {
			s.report(au.Loss, au.Arrival)
		}
		if err := emit(au); err != nil {
			over = true
			failed <- &emitError{err}
		}
	}
	// With UDP, reports arrive on another goroutine than packets.
	var latest atomic.Pointer[report]
	asm.reports = func() (report, bool) {
		if latest.Load() == nil {
			return report{}, false
		}
		return *latest.Swap(nil), true
	}
	client.OnPacketRTP(media, form, func(pkt *rtp.Packet) {
		s.stats.packet(pkt.MarshalSize())
		if !over {
			asm.packet(pkt, time.Now())
		}
	})
	client.OnPacketRTCP(media, func(pkt rtcp.Packet) {
		if sr, ok := pkt.(*rtcp.SenderReport); ok {
			latest.Store(&report{ntp: ntpTime(sr.NTPTime), stamp: sr.RTPTime, arrival: time.Now(), ssrc: sr.SSRC})
		}
	})
}

// watch waits for the end of the session: by ctx, by emit, by the connection, or because
// no whole picture comes any more. It closes the client.
func (s *Source) watch(ctx context.Context, client *gortsplib.Client, leave func(), failed <-chan error) error {
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	begin, packets := time.Now(), s.stats.packets.Load()
	tick := time.NewTicker(max(s.Timeout/10, time.Millisecond))
	defer tick.Stop()
	for {
		var err error
		select {
		case err := <-ended:
			return explain("read", err)
		case err = <-failed:
		case <-ctx.Done():
			err = ctx.Err()
		case now := <-tick.C:
			err = s.check(now, begin, packets)
		}
		if err != nil {
			leave()
			<-ended
			return err
		}
	}
}

// check finds a stream that has fallen silent. begin and packets are the time and count
// when the session began to play.
func (s *Source) check(now, begin time.Time, packets uint64) error {
	if s.stats.silence(now) <= s.Timeout {
		if now.Sub(begin) > s.Timeout {
			s.set(func(st *State) {
				if st.Connection == models.Connecting {
					st.Err = errors.New("pictures arrive, but no key frame with parameter sets to begin with")
				}
			})
		}
		return nil
	}
	f := &fault{step: "read", err: fmt.Errorf("no whole picture for %s", s.Timeout)}
	if s.stats.packets.Load() == packets {
		f.err = fmt.Errorf("the camera plays but sent nothing for %s", s.Timeout)
		if s.Transport == UDP {
			f.hint = "a firewall may be in the way of UDP; transport: tcp needs none"
		}
	}
	return f
}

// report logs a gap, at most one a second.
func (s *Source) report(g *models.Gap, now time.Time) {
	if now.Sub(s.reported) < time.Second {
		s.unreported++
		return
	}
	s.Log.Warn("footage missing", "cause", g.Cause, "from", g.From, "to", g.To, "lost", g.Lost, "note", g.Note, "gaps_not_logged", s.unreported)
	s.reported, s.unreported = now, 0
}
