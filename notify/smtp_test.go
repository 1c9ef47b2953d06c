package notify

import (
	"bufio"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// postOffice is a mail server (RFC 5321 with STARTTLS and AUTH PLAIN). At a stage it can hang,
// hang up, or answer something else. The stages are named after what the client has just
// said: greet, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, and "." for the end of a mail.
type postOffice struct {
	t        *testing.T
	listener net.Listener
	cert     tls.Certificate
	roots    *x509.CertPool
	implicit bool
	noTLS    bool // it offers none
	hang     string
	hangUp   string
	answers  map[string]string // by stage, or by stage and the address in it

	mu    sync.Mutex
	mails []string // what came after DATA, by the address before it
	to    []string
	auth  []string
	clear bool // something was said in the clear that must not be
	wg    sync.WaitGroup
}

func newPostOffice(t *testing.T, change ...func(*postOffice)) *postOffice {
	t.Helper()
	p := &postOffice{t: t, answers: map[string]string{}, roots: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p.roots.AddCert(own)
	p.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	for _, f := range change {
		f(p)
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.wg.Go(func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		p.listener.Close()
		p.wg.Wait() // hangs unless each client has hung up
	})
	return p
}

func (p *postOffice) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *postOffice) answer(stage string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers[stage]
}

func (p *postOffice) serve(raw net.Conn) {
	defer raw.Close()
	conn, secure := raw, false
	if p.implicit {
		conn, secure = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{p.cert}}), true
	}
	r := bufio.NewReader(conn)
	// reply ends the connection with false.
	reply := func(stage, detail, usual string) bool {
		if p.hang == stage {
			io.Copy(io.Discard, conn) // until the client has had enough
			return false
		}
		if p.hangUp == stage {
			return false
		}
		if other := cmp.Or(p.answer(stage+" "+detail), p.answer(stage)); other != "" {
			usual = other
		}
		_, err := io.WriteString(conn, usual+"\r\n")
		return err == nil
	}
	if !reply("greet", "", "220 test ESMTP") {
		return
	}
	var to string
	for {
		said, err := r.ReadString('\n')
		if err != nil {
			return
		}
		said = strings.TrimRight(said, "\r\n")
		verb, rest, _ := strings.Cut(said, " ")
		ok := true
		switch verb = strings.ToUpper(verb); verb {
		case "EHLO":
			offer := "250-test\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
			if !secure && !p.noTLS {
				offer += "250-STARTTLS\r\n"
			}
			ok = reply(verb, "", offer+"250 AUTH PLAIN LOGIN")
		case "STARTTLS":
			if ok = reply(verb, "", "220 go ahead"); ok {
				conn, secure = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{p.cert}}), true
				r = bufio.NewReader(conn)
			}
		case "AUTH":
			p.mu.Lock()
			p.clear = p.clear || !secure
			_, data, _ := strings.Cut(rest, " ")
			plain, _ := base64.StdEncoding.DecodeString(data)
			p.auth = append(p.auth, strings.ReplaceAll(string(plain), "\x00", " "))
			p.mu.Unlock()
			ok = reply(verb, "", "235 2.7.0 welcome")
		case "MAIL":
			ok = reply(verb, "", "250 2.1.0 ok")
		case "RCPT":
			to = strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			ok = reply(verb, to, "250 2.1.5 ok")
		case "DATA":
			if ok = reply(verb, "", "354 go on"); !ok || p.answer(verb) != "" {
				break
			}
			var body strings.Builder
			for {
				text, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if text == ".\r\n" {
					break
				}
				body.WriteString(strings.TrimPrefix(text, "."))
			}
			if p.answer(".") == "" && p.hang != "." && p.hangUp != "." {
				p.mu.Lock()
				p.mails, p.to = append(p.mails, body.String()), append(p.to, to)
				p.mu.Unlock()
			}
			ok = reply(".", "", "250 2.0.0 taken")
		case "RSET", "NOOP":
			ok = reply(verb, "", "250 2.0.0 ok")
		case "QUIT":
			reply(verb, "", "221 2.0.0 bye")
			return
		default:
			ok = reply(verb, "", fmt.Sprintf("502 5.5.2 %s is not known here", verb))
		}
		if !ok {
			return
		}
	}
}
