package rtsp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// Fault says at which step a connection failed and whether a person has to act.
type fault struct {
	step string
	err  error
	hint string
	slow bool
}

func (f *fault) Error() string {
	text := f.err.Error()
	if f.step != "" {
		text = f.step + ": " + text
	}
	if f.hint != "" {
		text += ": " + f.hint
	}
	return text
}

func (f *fault) Unwrap() error { return f.err }

// explain names the step that failed and adds what an operator can do about it.
func explain(step string, err error) error {
	f := &fault{step: step, err: err}
	var (
		status  liberrors.ErrClientBadStatusCode
		refused *refusal
		unknown x509.UnknownAuthorityError
		wrong   x509.HostnameError
		invalid x509.CertificateInvalidError
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &refused):
		f.err, f.slow = refused, true
	case errors.As(err, &status):
		f.status(status)
	case errors.As(err, &liberrors.ErrClientServerRequestedTCP{}), errors.As(err, &liberrors.ErrClientServerPortsNotProvided{}):
		f.err, f.hint, f.slow = errors.New("the camera does not send by UDP"), "set transport: tcp", true
	case errors.As(err, &liberrors.ErrClientServerRequestedUDP{}):
		f.err, f.hint, f.slow = errors.New("the camera does not send by TCP"), "set transport: udp", true
	case errors.As(err, &liberrors.ErrClientUDPTimeout{}):
		f.err, f.hint = errors.New("no UDP packets arrive"), "a firewall may be in the way; transport: tcp needs none"
	case strings.Contains(err.Error(), "unable to setup secure UDP"):
		f.err, f.hint, f.slow = errors.New("the camera does not offer SRTP"), "with rtsps, set transport: tcp", true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.err = errors.New("the camera closed the connection")
	case errors.As(err, &liberrors.ErrClientRequestTimedOut{}):
		f.err = errors.New("the camera did not answer in time")
	case errors.As(err, &liberrors.ErrClientAuthSetup{}):
		f.hint, f.slow = "the camera asks for credentials in a way that is neither basic nor digest", true
	case errors.As(err, &unknown):
		f.hint, f.slow = "the camera's certificate is not signed by a known authority: give its authority's file as ca_file", true
	case errors.As(err, &wrong), errors.As(err, &invalid):
		f.hint, f.slow = "the camera's certificate does not fit", true
	case errors.As(err, &dns):
		f.hint = "check the host name in the URL"
	case errors.Is(err, syscall.ECONNRESET):
		f.err = errors.New("the camera reset the connection")
	case errors.Is(err, syscall.ECONNREFUSED):
		f.hint = "the host is up but no RTSP server listens on that port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		f.hint = "check the address and the network between"
	}
	return f
}

// status explains an RTSP status code (RFC 2326, 7.1.1).
func (f *fault) status(s liberrors.ErrClientBadStatusCode) {
	switch s.Code {
	case base.StatusUnauthorized, base.StatusForbidden:
		f.err, f.slow = fmt.Errorf("the camera refused the user name or password (%d)", s.Code), true
		f.hint = "check both in the URL; special characters must be percent-encoded"
	case base.StatusNotFound:
		f.err, f.slow = errors.New("no such stream on the camera (404)"), true
		f.hint = "check the path in the URL"
	case base.StatusUnsupportedTransport:
		f.err, f.slow = errors.New("the camera does not support the transport (461)"), true
		f.hint = "set transport: tcp or udp, whichever it is not now"
	case base.StatusServiceUnavailable, base.StatusNotEnoughBandwidth:
		f.err = fmt.Errorf("the camera is busy (%d)", s.Code)
		f.hint = "it may have reached its number of viewers"
	default:
		f.err = fmt.Errorf("the camera answered %d %s", s.Code, s.Message)
	}
}

// slow says whether an error waits for a person.
func slow(err error) bool {
	var f *fault
	return errors.As(err, &f) && f.slow
}
