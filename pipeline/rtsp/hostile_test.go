package rtsp_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// hostile is a server on loopback that does with each connection what serve says.
type hostile struct {
	ln    net.Listener
	conns atomic.Int32
	wg    sync.WaitGroup
}

func startHostile(t *testing.T, serve func(net.Conn)) *hostile {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{ln: ln}
	h.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			h.conns.Add(1)
			h.wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		h.wg.Wait()
	})
	return h
}

func (h *hostile) url() string { return "rtsp://observer:secret@" + h.ln.Addr().String() + "/cam" }

// request reads one RTSP request and returns its method, URL and CSeq.
func request(r *bufio.Reader) (method, target, cseq string, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", "", "", err
	}
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return "", "", "", fmt.Errorf("request line %q", line)
	}
	for {
		header, err := r.ReadString('\n')
		if err != nil {
			return "", "", "", err
		}
		name, value, _ := strings.Cut(strings.TrimSpace(header), ":")
		if name == "" {
			return fields[0], fields[1], cseq, nil
		}
		if strings.EqualFold(name, "CSeq") {
			cseq = strings.TrimSpace(value)
		}
	}
}

const sdpH264 = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"

// answering serves RTSP by the book but for what special returns: a whole answer in place
// of the usual one, without CSeq. played is called when PLAY was answered.
func answering(sdp, session string, special func(method, target string) string, played func(net.Conn, *bufio.Reader)) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			method, target, cseq, err := request(r)
			if err != nil {
				return
			}
			if special != nil {
				if answer := special(method, target); answer != "" {
					fmt.Fprintf(conn, "RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", strings.TrimSpace(answer), cseq)
					continue
				}
			}
			head, body := "Session: "+session+"\r\n", ""
			switch method {
			case "OPTIONS":
				head = "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n"
			case "DESCRIBE":
				head, body = fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(sdp)), sdp
			case "SETUP":
				head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
			}
			fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s\r\n%s", cseq, head, body)
			if method == "PLAY" && played != nil {
				played(conn, r)
				return
			}
		}
	}
}

// silence reads until the viewer leaves.
func silence(_ net.Conn, r *bufio.Reader) {
	for {
		if _, err := r.ReadByte(); err != nil {
			return
		}
	}
}

func TestSourceSaysWhatIsWrong(t *testing.T) {
	closed := startHostile(t, nil)
	closed.ln.Close()
	always := func(answer string) func(string, string) string {
		return func(method, _ string) string {
			if method == "DESCRIBE" {
				return answer
			}
			return ""
		}
	}
	codec := func(rtpmap string) string {
		return strings.Replace(sdpH264, "H264/90000\r\na=fmtp:96 packetization-mode=1", rtpmap, 1)
	}
	for _, tt := range []struct {
		name      string
		url       string
		transport string
		serve     func(net.Conn)
		want      string
	}{
		{name: "nobody listens", url: closed.url(), want: "connection refused: the host is up but no RTSP server listens"},
		{name: "no such host", url: "rtsp://observer:secret@camera.invalid/cam", want: "check the host name"},
		{name: "not a URL", url: "rtsp://observer:se%cret@host:port/cam", want: "the URL cannot be read"},
		{name: "no host", url: "rtsp://observer:secret@/cam", want: "the URL cannot be read"},
		{name: "another scheme", url: "http://observer:secret@127.0.0.1/cam", want: "the URL cannot be read"},
		{name: "unknown transport", url: "rtsp://127.0.0.1/cam", transport: "pigeon", want: `transport "pigeon" is unknown`},
		{name: "says nothing", serve: func(c net.Conn) { silence(c, bufio.NewReader(c)) }, want: "the camera said nothing for 500ms"},
		{name: "closes at once", serve: func(c net.Conn) {
			_, _, _, _ = request(bufio.NewReader(c)) // an unread one would make it a reset
		}, want: "describe: the camera closed the connection"},
		{name: "garbage for an answer", serve: func(c net.Conn) {
			fmt.Fprint(c, strings.Repeat("\x00\xff garbage $", 400))
			silence(c, bufio.NewReader(c))
		}, want: "describe: "},
		{name: "no such path", serve: answering("", "1", always("404 Not Found"), nil), want: "no such stream on the camera (404): check the path"},
		{name: "busy", serve: answering("", "1", always("453 Not Enough Bandwidth"), nil), want: "the camera is busy (453)"},
		{name: "internal error", serve: answering("", "1", always("500 Internal Server Error"), nil), want: "the camera answered 500"},
		{name: "SDP that is none", serve: answering("this is not SDP", "1", nil, nil), want: "invalid SDP"},
		{name: "audio only", serve: answering("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:a\r\n", "1", nil, nil), want: "the camera offers no video: set the camera's stream to H.264 or H.265"},
		{name: "Motion JPEG", serve: answering(strings.Replace(codec("JPEG/90000"), "96", "26", 2), "1", nil, nil), want: "the camera's video is M-JPEG, which cannot be kept: set the camera's stream to H.264 or H.265"},
		{name: "VP8", serve: answering(codec("VP8/90000"), "1", nil, nil), want: "the camera's video is VP8, which cannot be kept"},
		{name: "interleaved mode of RFC 6184", serve: answering(strings.Replace(sdpH264, "mode=1", "mode=2", 1), "1", nil, nil), want: "the camera packs its video in a way that is not supported"},
		{name: "plays and sends nothing", serve: answering(sdpH264, "1", nil, silence), want: "the camera plays but sent nothing for 500ms"},
		{name: "refuses UDP", transport: rtsp.UDP, serve: answering(sdpH264, "1", func(method, _ string) string {
			if method == "SETUP" {
				return "461 Unsupported Transport"
			}
			return ""
		}, nil), want: "does not support the transport (461): set transport: tcp"},
		{name: "answers UDP with TCP", transport: rtsp.UDP, serve: answering(sdpH264, "1", nil, nil), want: "the camera does not send by UDP: set transport: tcp"},
		{name: "garbage for pictures", serve: answering(sdpH264, "1", nil, func(c net.Conn, r *bufio.Reader) {
			for i := range 200 {
				payload := append([]byte{0x80, 0x80 | 96, 0, byte(i), 0, 0, byte(i), 0, 0, 0, 0, 7}, byte(i*7), 0xff, 0, 1)
				c.Write(append([]byte{'$', 0, 0, byte(len(payload))}, payload...))
			}
			silence(c, r)
		}), want: "for 500ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := &rtsp.Source{URL: tt.url, Transport: tt.transport, Timeout: 500 * time.Millisecond}
			if tt.serve != nil { // the others need a port that stays free
				t.Parallel()
				src.URL = startHostile(t, tt.serve).url()
			}
			v := watch(t, src, nil)
			st := v.fails(t, tt.want)
			if st.Connection != models.Disconnected {
				t.Errorf("state %+v", st)
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			for _, text := range []string{st.Err.Error(), v.log.String()} {
				if strings.Contains(text, "secret") || strings.Contains(text, "se%cret") || strings.Contains(text, "observer") {
					t.Errorf("credentials in %q", text)
				}
			}
		})
	}
}

func TestSourceIsNotLedAway(t *testing.T) {
	t.Run("to another host", func(t *testing.T) {
		lured := startHostile(t, func(net.Conn) {})
		_, port, _ := net.SplitHostPort(lured.ln.Addr().String())
		cam := startHostile(t, answering("", "1", func(method, _ string) string {
			if method == "DESCRIBE" {
				return "302 Moved\r\nLocation: rtsp://localhost:" + port + "/stolen"
			}
			return ""
		}, nil))
		watch(t, &rtsp.Source{URL: cam.url()}, nil).fails(t, "the camera redirects to the host localhost")
		if n := lured.conns.Load(); n != 0 {
			t.Errorf("%d connections to the other host", n)
		}
	})
	t.Run("in circles", func(t *testing.T) {
		var self string
		cam := startHostile(t, answering("", "1", func(method, target string) string {
			if method == "DESCRIBE" {
				return "302 Moved\r\nLocation: " + self
			}
			return ""
		}, nil))
		self = "rtsp://" + cam.ln.Addr().String() + "/cam"
		watch(t, &rtsp.Source{URL: cam.url()}, nil).fails(t, "redirected 5 times")
	})
	t.Run("to another path on the same host", func(t *testing.T) {
		real := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Speed: 4})
		cam := startHostile(t, answering("", "1", func(method, _ string) string {
			if method == "DESCRIBE" {
				return "302 Moved\r\nLocation: " + real.URL()
			}
			return ""
		}, nil))
		watch(t, &rtsp.Source{URL: cam.url()}, nil).count(t, 3)
	})
}

// TestSourceKeepsTheSessionAlive meets a server that ends sessions without a sign of
// life for two seconds.
func TestSourceKeepsTheSessionAlive(t *testing.T) {
	signs := make(chan string, 16)
	cam := startHostile(t, answering(sdpH264, "7;timeout=2", nil, func(c net.Conn, r *bufio.Reader) {
		for {
			if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
				return
			}
			method, _, cseq, err := request(r)
			if err != nil {
				close(signs)
				return
			}
			fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nSession: 7\r\n\r\n", cseq)
			signs <- method
		}
	}))
	watch(t, &rtsp.Source{URL: cam.url()}, nil)
	for range 2 {
		select {
		case method, ok := <-signs:
			if !ok {
				t.Fatal("the session ended for want of a keep-alive")
			}
			if method != "GET_PARAMETER" {
				t.Errorf("kept alive by %s, want GET_PARAMETER, which the server offers", method)
			}
		case <-time.After(patience):
			t.Fatal("no keep-alive")
		}
	}
}

// TestSourceEndsPromptlyWhateverTheServerDoes ends the context in every step of a
// connection that stands still.
func TestSourceEndsPromptlyWhateverTheServerDoes(t *testing.T) {
	hold := func(step string) func(net.Conn) {
		return func(c net.Conn) {
			r := bufio.NewReader(c)
			answering(sdpH264, "1", func(method, _ string) string {
				if method == step {
					silence(c, r)
				}
				return ""
			}, silence)(c)
		}
	}
	for _, tt := range []struct {
		name, scheme string
		serve        func(net.Conn)
	}{
		{"TLS handshake", "rtsps", func(c net.Conn) { silence(c, bufio.NewReader(c)) }},
		{"OPTIONS", "rtsp", hold("OPTIONS")},
		{"DESCRIBE", "rtsp", hold("DESCRIBE")},
		{"SETUP", "rtsp", hold("SETUP")},
		{"PLAY", "rtsp", hold("PLAY")},
		{"playing", "rtsp", hold("none")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 8)
			cam := startHostile(t, func(c net.Conn) {
				reached <- struct{}{}
				tt.serve(c)
			})
			v := watch(t, &rtsp.Source{URL: tt.scheme + "://" + cam.ln.Addr().String() + "/cam", Timeout: time.Minute}, nil)
			<-reached
			timer := time.NewTimer(50 * time.Millisecond) // lets it get as far as it can
			<-timer.C
			begin := time.Now()
			v.cancel()
			<-v.ended
			if d := time.Since(begin); d > 30*time.Second { // its time-out is twice that
				t.Errorf("ended after %v", d)
			}
		})
	}
}

// authority makes a certificate authority, its file, and a server's key pair by it.
func authority(t *testing.T) (file string, config *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestSourceReadsOverTLS(t *testing.T) {
	ca, config := authority(t)
	other, _ := authority(t)
	cam := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Speed: 4, Loop: true, TLS: config, User: "viewer", Pass: "secret"})
	t.Run("with the authority's file", func(t *testing.T) {
		watch(t, &rtsp.Source{URL: cam.URLWithCredentials(), CAFile: ca}, nil).count(t, 20)
	})
	t.Run("by UDP, which takes SRTP", func(t *testing.T) {
		udp := start(t, &camtest.Camera{Media: camtest.Clip{}.Load(t), Speed: 4, Loop: true, TLS: config.Clone(), UDP: true})
		watch(t, &rtsp.Source{URL: udp.URL(), CAFile: ca, Transport: rtsp.UDP}, nil).count(t, 20)
	})
	for _, tt := range []struct{ name, file, want string }{
		{"without it", "", "give its authority's file as ca_file"},
		{"with another's", other, "give its authority's file as ca_file"},
		{"with a file that is not there", filepath.Join(t.TempDir(), "none.pem"), "no such file"},
		{"with a file without certificate", os.DevNull, "no certificate in PEM form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			watch(t, &rtsp.Source{URL: cam.URLWithCredentials(), CAFile: tt.file}, nil).fails(t, tt.want)
		})
	}
}
