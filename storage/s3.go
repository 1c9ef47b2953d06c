package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/vedette-cctv/vedette/models"
)

// S3Options says where an S3 bucket is and how to get in.
type S3Options struct {
	Endpoint  string // host or host:port; "https://host" is the same as TLS
	Region    string // asked of the service when empty
	Bucket    string
	Prefix    string // put before every key; "" or a path such as "site-a"
	AccessKey string
	SecretKey string
	TLS       bool
	PathStyle bool          // http://host/bucket/key instead of http://bucket.host/key
	CAFile    string        // PEM certificates to trust beside the system's
	Stall     time.Duration // longest silence on a connection before it is given up; default 30 s
	Lock      LockMode      // default LockAuto
}

const (
	// partSize is the piece in which large objects travel. An object up to this size
	// goes in one request. Each upload in flight holds one piece in memory.
	partSize = 16 << 20
	// maxParts is the limit of S3; a longer object gets larger pieces.
	maxParts = 10_000
	// shaMeta carries the SHA-256 of the whole object: of an object in parts, S3 itself
	// only keeps a hash of the parts' hashes.
	shaMeta    = "X-Amz-Meta-Sha256"
	shaHeader  = "X-Amz-Checksum-Sha256"
	algoHeader = "X-Amz-Checksum-Algorithm"
	dialLimit  = 10 * time.Second
	sendBuffer = 256 << 10
)

// s3 is a Bucket in an S3 service. Every request body is signed with its SHA-256, which
// the oldest of S3's signatures (version 4) already has the server check, so no newer
// extension (trailers, CRCs) is needed for an end-to-end check.
type s3 struct {
	core      minio.Core
	transport *http.Transport
	bucket    string
	prefix    string // "" or ends in a slash
	tls       bool
	lock      lockState
}

// OpenS3 prepares a bucket in an S3 service. It does not connect: Check does.
func OpenS3(o S3Options) (Bucket, error) {
	endpoint, secure, err := splitEndpoint(o.Endpoint, o.TLS)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if o.Bucket == "" {
		return nil, errors.New("s3: no bucket named")
	}
	prefix := strings.Trim(o.Prefix, "/")
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return nil, fmt.Errorf("s3: prefix: %w", err)
		}
		prefix += "/"
	}
	transport, err := s3Transport(o)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(endpoint, &minio.Options{
		Creds:        credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""),
		Secure:       secure,
		Region:       o.Region,
		BucketLookup: lookup,
		Transport:    transport,
		MaxRetries:   2, // one more try heals a stale connection; longer trouble is the Uploader's
	})
	if err != nil {
		return nil, fmt.Errorf("s3: endpoint %s: %w", endpoint, err)
	}
	mode := o.Lock
	switch mode {
	case "":
		mode = LockAuto
	case LockAuto, LockOff, LockGovernance, LockCompliance:
	default:
		return nil, fmt.Errorf("s3: object lock mode %.40q: want %s, %s, %s or %s", mode, LockAuto, LockOff, LockGovernance, LockCompliance)
	}
	return &s3{core: *core, transport: transport, bucket: o.Bucket, prefix: prefix, tls: secure, lock: lockState{mode: mode}}, nil
}

func splitEndpoint(endpoint string, secure bool) (string, bool, error) {
	host, isHTTPS := strings.CutPrefix(endpoint, "https://")
	host, isHTTP := strings.CutPrefix(host, "http://")
	host = strings.TrimSuffix(host, "/")
	switch {
	case strings.Contains(host, "@"):
		// Not quoted: what stands before the @ may be a secret.
		return "", false, errors.New("endpoint: give the keys as access key and secret key, not in the endpoint")
	case host == "" || strings.ContainsAny(host, "/?# "):
		return "", false, fmt.Errorf("endpoint %q: want host or host:port", endpoint)
	case isHTTP && secure:
		return "", false, fmt.Errorf("endpoint %q: http, but TLS is asked for", endpoint)
	}
	return host, secure || isHTTPS, nil
}

func s3Transport(o S3Options) (*http.Transport, error) {
	stall := o.Stall
	if stall <= 0 {
		stall = 30 * time.Second
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s: no PEM certificate in it", o.CAFile)
		}
		config.RootCAs = pool
	}
	dialer := &net.Dialer{Timeout: dialLimit, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			// Bytes that wait in the kernel look sent; on a thin line several MB of them
			// would take longer than we wait for the answer.
			if tcp, ok := c.(*net.TCPConn); ok {
				if err := tcp.SetWriteBuffer(sendBuffer); err != nil {
					return nil, errors.Join(err, c.Close())
				}
			}
			return &stallConn{Conn: c, limit: stall}, nil
		},
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   dialLimit,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       stall,
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true, // a range of a compressed answer would be a range of other bytes
	}, nil
}

// stallConn gives up a connection on which nothing has moved for limit. A time-out for
// the whole request would punish large clips on thin lines.
type stallConn struct {
	net.Conn
	limit time.Duration
}

func (c *stallConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write moves the deadline of a waiting Read too: the answer to a long upload comes
// only after its last byte.
func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (s *s3) Put(ctx context.Context, key string, body io.ReadSeeker, o models.Object) error {
	if err := s.put(ctx, key, body, o, time.Time{}); err != nil {
		return s.explain("put", key, err)
	}
	return nil
}

func (s *s3) put(ctx context.Context, key string, body io.ReadSeeker, o models.Object, until time.Time) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	opts := s.putOptions(o)
	s.lockUntil(&opts, until)
	if o.Size <= partSize {
		return s.putWhole(ctx, key, body, o, opts)
	}
	return s.putParts(ctx, key, body, o, opts)
}

// putWhole sends an object in one request. The bytes are hashed in memory, so what was
// hashed is what is sent.
func (s *s3) putWhole(ctx context.Context, key string, body io.Reader, o models.Object, opts minio.PutObjectOptions) error {
	buf := bytes.NewBuffer(make([]byte, 0, o.Size+bytes.MinRead))
	if err := copyVerified(ctx, buf, body, o); err != nil {
		return err
	}
	sum := sha256.Sum256(buf.Bytes())
	opts.UserMetadata[shaHeader] = base64.StdEncoding.EncodeToString(sum[:])
	_, err := s.core.PutObject(ctx, s.bucket, s.prefix+key, bytes.NewReader(buf.Bytes()), o.Size,
		"", o.SHA256, opts)
	return err
}

func (s *s3) putOptions(o models.Object) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		ContentType:          o.Type,
		UserMetadata:         map[string]string{shaMeta: o.SHA256},
		DisableContentSha256: true, // no chunked signature: the whole body is signed
	}
}

// putParts sends an object piece by piece. Each piece is checked by the server; the
// whole is hashed on the way, and only a right hash completes the upload.
func (s *s3) putParts(ctx context.Context, key string, body io.Reader, o models.Object, opts minio.PutObjectOptions) error {
	name := s.prefix + key
	// A writer that was killed in mid-upload left its parts, which cost money and can
	// be seen by nobody. This is tidying: an account that may not list uploads still works.
	_ = s.core.RemoveIncompleteUpload(ctx, s.bucket, name)

	opts.UserMetadata[algoHeader] = "SHA256"
	id, err := s.core.NewMultipartUpload(ctx, s.bucket, name, opts)
	if err != nil {
		return err
	}
	if err := s.sendParts(ctx, name, id, body, o); err != nil {
		// The caller's context may be why it failed, so the tidying gets its own time.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialLimit)
		defer cancel()
		_ = s.core.AbortMultipartUpload(ctx, s.bucket, name, id)
		return err
	}
	return nil
}

func (s *s3) sendParts(ctx context.Context, name, id string, body io.Reader, o models.Object) error {
	size := max(int64(partSize), (o.Size+maxParts-1)/maxParts)
	buf := make([]byte, size)
	whole, ofParts := sha256.New(), sha256.New()
	body = contextReader{ctx, io.LimitReader(body, o.Size+1)}
	var parts []minio.CompletePart
	total := int64(0)
	for {
		n, err := io.ReadFull(body, buf)
		if err == io.EOF {
			break
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		total += int64(n)
		if total > o.Size {
			break // matches says so below
		}
		whole.Write(buf[:n])
		sum := sha256.Sum256(buf[:n])
		ofParts.Write(sum[:])
		b64 := base64.StdEncoding.EncodeToString(sum[:])
		part, err := s.core.PutObjectPart(ctx, s.bucket, name, id, len(parts)+1, bytes.NewReader(buf[:n]), int64(n),
			minio.PutObjectPartOptions{
				Sha256Hex:            hex.EncodeToString(sum[:]),
				DisableContentSha256: true,
				CustomHeader:         http.Header{shaHeader: {b64}},
			})
		if err != nil {
			return fmt.Errorf("part %d: %w", len(parts)+1, err)
		}
		done := minio.CompletePart{PartNumber: part.PartNumber, ETag: part.ETag}
		if part.ChecksumSHA256 != "" { // the server keeps checksums
			done.ChecksumSHA256 = b64
		}
		parts = append(parts, done)
	}
	if err := matches(o, total, whole.Sum(nil)); err != nil {
		return err
	}
	info, err := s.core.CompleteMultipartUpload(ctx, s.bucket, name, id, parts, minio.PutObjectOptions{})
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	want := fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(ofParts.Sum(nil)), len(parts))
	if got := info.ChecksumSHA256; got != "" && got != want {
		return fmt.Errorf("complete: the service has parts with checksum %s, sent were %s", got, want)
	}
	return nil
}

func (s *s3) Open(ctx context.Context, key string) (Reader, error) {
	if err := checkKey(key); err != nil {
		return nil, s.explain("open", key, err)
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return nil, s.explain("open", key, err)
	}
	return &s3Reader{ctx: ctx, s: s, key: key, etag: info.ETag, size: info.Size, at: info.LastModified}, nil
}

func (s *s3) Stat(ctx context.Context, key string) (models.Object, time.Time, error) {
	if err := checkKey(key); err != nil {
		return models.Object{}, time.Time{}, s.explain("stat", key, err)
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return models.Object{}, time.Time{}, s.explain("stat", key, err)
	}
	o := models.Object{Key: key, Type: info.ContentType, Size: info.Size, SHA256: info.Metadata.Get(shaMeta)}
	// The service's own checksum of the whole object is worth more than our note; of an
	// object in parts ("…-3") there is none.
	if sum, err := base64.StdEncoding.DecodeString(info.ChecksumSHA256); err == nil && len(sum) == sha256.Size {
		o.SHA256 = hex.EncodeToString(sum)
	}
	return o, info.LastModified, nil
}

func (s *s3) List(ctx context.Context, prefix string, fn func(string, int64) error) error {
	// Leaving the loop early ends the listing only when its context ends.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for info := range s.core.Client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
		if info.Err != nil {
			return s.explain("list", prefix, info.Err)
		}
		if err := fn(strings.TrimPrefix(info.Key, s.prefix), info.Size); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return s.explain("list", prefix, err)
	}
	return nil
}

func (s *s3) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return s.explain("delete", key, err)
	}
	locks, err := s.Locks(ctx)
	if err != nil {
		return err
	}
	if locks {
		err = s.deleteVersions(ctx, key)
	} else {
		err = s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	}
	if err != nil {
		return s.explain("delete", key, err)
	}
	return nil
}

func (s *s3) Check(ctx context.Context) error {
	if err := probe(ctx, s); err != nil {
		return fmt.Errorf("bucket %s at %s: %w", s.bucket, s.core.EndpointURL().Host, err)
	}
	return nil
}

// s3Reader reads an object from where it was last sought, in one request until the next
// Seek. It starts no goroutine and asks for the same version throughout.
type s3Reader struct {
	ctx  context.Context // of Open: reading belongs to the same request
	s    *s3
	key  string
	etag string
	size int64
	at   time.Time
	off  int64
	body io.ReadCloser // at off; nil until the first Read
}

func (r *s3Reader) Size() int64        { return r.size }
func (r *s3Reader) ModTime() time.Time { return r.at }

func (r *s3Reader) Read(p []byte) (int, error) {
	if r.off >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.body == nil {
		if err := r.request(); err != nil {
			return 0, r.s.explain("read", r.key, err)
		}
	}
	n, err := r.body.Read(p)
	r.off += int64(n)
	if err == io.EOF && r.off < r.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		err = r.s.explain("read", r.key, err)
	}
	return n, err
}

func (r *s3Reader) request() error {
	var opts minio.GetObjectOptions
	if err := opts.SetMatchETag(r.etag); err != nil {
		return err
	}
	if r.off > 0 {
		if err := opts.SetRange(r.off, 0); err != nil {
			return err
		}
	}
	body, _, _, err := r.s.core.GetObject(r.ctx, r.s.bucket, r.s.prefix+r.key, opts)
	r.body = body
	return err
}

func (r *s3Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("s3: seek %s: %w", r.key, fs.ErrInvalid)
	}
	if offset != r.off {
		r.off = offset
		return offset, r.Close()
	}
	return offset, nil
}

func (r *s3Reader) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
