package storage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"
)

// explain names the step that went wrong and what an operator can do about it. No error
// of the service or the transport carries the secret key; keys never stand in a URL.
func (s *s3) explain(op, key string, err error) error {
	// url.Error repeats method and URL, which op and key already say.
	var where *url.Error
	if errors.As(err, &where) {
		if part, rest, ok := strings.Cut(err.Error(), where.Error()); ok && rest == "" && part != "" {
			err = fmt.Errorf("%s%w", part, where.Err)
		} else {
			err = where.Err
		}
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		if answer.Code == minio.NoSuchKey || (answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket) {
			return fmt.Errorf("s3: %s %s: %w", op, key, fs.ErrNotExist)
		}
	}
	if hint := s.hint(err, answer); hint != "" {
		return fmt.Errorf("s3: %s %s: %w (%s)", op, key, err, hint)
	}
	return fmt.Errorf("s3: %s %s: %w", op, key, err)
}

func (s *s3) hint(err error, answer minio.ErrorResponse) string {
	switch answer.Code {
	case minio.NoSuchBucket:
		return fmt.Sprintf("bucket %q does not exist: create it, or correct its name", s.bucket)
	case minio.AccessDenied:
		return fmt.Sprintf("the access key may not do this in bucket %q: it needs s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket", s.bucket)
	case "InvalidAccessKeyId":
		return "the service does not know the access key"
	case "SignatureDoesNotMatch":
		return "the secret key does not belong to the access key"
	case "RequestTimeTooSkewed":
		return "the clock of this machine and that of the service differ too much: set up NTP"
	case minio.AuthorizationHeaderMalformed, minio.InvalidRegion:
		return "the bucket is in another region: correct the region"
	case "XMinioStorageFull":
		return "the service has no space left"
	}
	var (
		unknownCA *x509.UnknownAuthorityError
		unknown   x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &unknownCA):
		return "the service's certificate is signed by an authority that is not trusted here: give its CA file"
	case errors.As(err, &name):
		return "the service's certificate is for another name: use the name in the certificate as endpoint"
	case errors.As(err, &invalid):
		return "the service's certificate is not valid now: renew it, or correct this machine's clock"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the service does not speak TLS on this port: turn TLS off or correct the port"
	case strings.Contains(answer.Message, "HTTP request to an HTTPS server"), strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		return "the service wants TLS on this port: turn TLS on"
	case errors.As(err, &dns):
		return "the endpoint's name cannot be resolved: correct it, or look at DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: is the service running, and the port right?"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no way to that host: look at network and firewall"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, net.ErrClosed),                                      // it was closed before the first byte was sent
		strings.Contains(err.Error(), "Connection closed by foreign host"), // minio-go's word for EOF
		strings.Contains(err.Error(), "server closed idle connection"):     // net/http's, when it comes early
		if s.tls {
			return "the other side closes the connection: is it an S3 service, and its port right?"
		}
		return "the other side closes the connection: does it want TLS on this port, and is it an S3 service?"
	case errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the service does not answer in time: look at it, the network and the firewall"
	}
	return ""
}
