package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// Attachments keeps the files that people add to incidents. A storage.Attachments is one.
type Attachments interface {
	// Receive makes a file durable; its errors are those of storage.Attachments.
	Receive(ctx context.Context, in models.IncidentID, id string, size int64, body io.Reader) (*storage.Received, error)
	// Open reads one from wherever it is; fs.ErrNotExist when it is nowhere.
	Open(context.Context, models.Incident, models.Attachment) (storage.Reader, error)
	MaxSize() int64 // bytes of one
	Most() int      // of one incident
}

// Linked reads the stored copies of footage that people linked to incidents. A
// storage.Exhibits is one.
type Linked interface {
	// Open is an fs.ErrNotExist while there is no copy.
	Open(context.Context, models.Incident, models.Exhibit) (storage.Reader, error)
}

const (
	// maxUploads bounds the files that are received at a time: each of them writes to the
	// disk that footage is written to. Who comes while all are taken is told to come again.
	maxUploads = 8
	// pace is what a client must send within paceTime, or it has stopped: 64 KiB in 30 s is
	// 17 kbit/s, which the worst mobile connection does.
	pace     = 64 << 10
	paceTime = 30 * time.Second
)

type attachInput struct {
	OneIncident
	Keyed
	Name string `query:"name" required:"true" minLength:"1" maxLength:"1024" doc:"what to call the file; folders and characters that cannot be seen are left out" example:"statement.pdf"`
	Note string `query:"note" maxLength:"4000" doc:"what it is"`
	Type string `header:"Content-Type" doc:"what the file is said to be; only a label"`

	r *http.Request
	w http.ResponseWriter
}

// Resolve keeps what the body is read from: it must not be in memory.
func (a *attachInput) Resolve(hc huma.Context) []error {
	a.r, a.w = humago.Unwrap(hc)
	return nil
}

// OneAttachment names a file of an incident.
type OneAttachment struct {
	OneIncident
	Attachment string `path:"attachment" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" maxLength:"64" doc:"the attachment's ID"`
	Range      string `header:"Range" doc:"byte ranges, RFC 9110"`
}

// OneExhibit names linked footage of an incident.
type OneExhibit struct {
	OneIncident
	Exhibit string `path:"exhibit" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" maxLength:"64" doc:"the exhibit's ID"`
	Range   string `header:"Range" doc:"byte ranges, RFC 9110"`
}

func (s *Server) describeAttachments(api huma.API) {
	tags := []string{"evidence"}
	huma.Register(api, needs(models.RightWork, huma.Operation{
		OperationID: "attach-file", Method: http.MethodPost, Path: "/api/incidents/{id}/attachments", Tags: tags,
		Summary: "Attach a file to an incident",
		Description: "The body is the file itself, of any type and any size up to `desk.attachments.max_size`; forms are refused (415). It is " +
			"written to the disk while it comes, with its SHA-256, and is durable when this answers. A body may take its time as long as " +
			"64 KiB come in 30 s. Files are never executed and never shown in a browser: they come back as downloads.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			anyFile: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{400, 401, 403, 404, 408, 409, 413, 415, 422, 501, 503, 507},
	}), s.attach)
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "get-attachment", Method: http.MethodGet, Path: "/api/incidents/{id}/attachments/{attachment}", Tags: tags,
		Summary: "Download an attached file",
		Description: "Always as a download of type application/octet-stream, in a sandbox. The SHA-256 of the whole file is the ETag and stands " +
			"in Repr-Digest (RFC 9530). A whole file is checked while it is sent: when it is not what was attached, the connection is cut " +
			"before its end. The custody log keeps who took it.",
		Responses: map[string]*huma.Response{
			"200": binary("the whole file", anyFile),
			"206": binary("the ranges asked for", anyFile),
			"304": {Description: "the client has it"},
			"416": {Description: "there is no such range"},
		},
		Errors: []int{401, 403, 404, 422, 501, 503},
	}), s.attachment)
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "get-exhibit-clip", Method: http.MethodGet, Path: "/api/incidents/{id}/exhibits/{exhibit}/clip.mp4", Tags: tags,
		Summary: "The stored copy of linked footage",
		Description: "404 while there is none: the exhibit's `trouble` says why, or it is still to be made, and /api/recall has the footage " +
			"itself. Takes the right over the camera of the footage, too.",
		Responses: map[string]*huma.Response{
			"200": binary("the whole file", "video/mp4"),
			"206": binary("the ranges asked for", "video/mp4"),
			"304": {Description: "the client has it"},
			"416": {Description: "there is no such range"},
		},
		Errors: []int{401, 403, 404, 422, 501, 503},
	}), s.exhibitClip)
}

var (
	noAttachments = huma.NewError(http.StatusNotImplemented, "files cannot be attached to this program as it was started")
	noSuchFile    = huma.Error404NotFound("there is no such attachment")
)

func (s *Server) attach(ctx context.Context, in *attachInput) (*incidentAnswer, error) {
	if s.Attachments == nil {
		return nil, noAttachments
	}
	kind := claimedType(in.Type)
	if strings.HasPrefix(kind, "multipart/") {
		return nil, huma.NewError(http.StatusUnsupportedMediaType, "the body is the file itself, not a form")
	}
	found, err := s.incident(ctx, in.ID, models.RightWork)
	if err != nil {
		return nil, err
	}
	id := s.entryID(ctx, "attachment to "+in.ID, in.Keyed)
	if attachmentIn(found, id) >= 0 {
		return answerOf(found), nil // a repeat
	}
	switch {
	case found.Footage.State == models.FootageDeleted:
		return nil, huma.Error409Conflict("retention has deleted the evidence of this incident: nothing can be attached to it any more")
	case found.State == models.StateClosed:
		return nil, huma.Error409Conflict("the incident is closed: reopen it to attach a file")
	case len(found.Investigation.Attachments) >= s.Attachments.Most():
		return nil, s.tooMany()
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("too many files are being attached at this moment"), http.Header{"Retry-After": {"5"}})
	}
	got, err := s.Attachments.Receive(ctx, found.ID, id, in.r.ContentLength, newPaced(in.w, in.r.Body))
	extend(in.w) // the answer has its own time
	if err != nil {
		return nil, s.notReceived(ctx, in.ID, err)
	}
	defer got.Settle()
	return s.change(ctx, in.ID, func(rec *models.Incident, who string, at time.Time) error {
		switch {
		case rec.Footage.State == models.FootageDeleted:
			return fmt.Errorf("retention has deleted the evidence: %w", incident.ErrState)
		case attachmentIn(*rec, id) < 0 && len(rec.Investigation.Attachments) >= s.Attachments.Most():
			return s.tooMany()
		}
		return incident.Desk{}.AddAttachment(rec, who, models.Attachment{ID: id, Name: cleanName(in.Name), Type: kind, Size: got.Size,
			SHA256: got.SHA256, Note: in.Note}, at)
	})
}

func (s *Server) tooMany() error {
	return huma.Error409Conflict(fmt.Sprintf("the incident has %d attachments, which is the most that one may have", s.Attachments.Most()))
}

// notReceived is the answer when a file was not taken.
func (s *Server) notReceived(ctx context.Context, id string, err error) error {
	switch {
	case errors.Is(err, storage.ErrTooLarge):
		return huma.NewError(http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, storage.ErrFull):
		s.Log.Error("attachment refused", "incident", id, "error", err)
		return huma.NewError(http.StatusInsufficientStorage, "the recorder has no room for this file: an operator has to free space on its disk")
	case errors.Is(err, fs.ErrExist):
		return huma.Error409Conflict("this file is being received already")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return huma.NewError(http.StatusRequestTimeout, "the file stopped coming")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return huma.Error400BadRequest("the connection ended before the file did")
	}
	return s.fail(ctx, "attachment to "+id, err)
}

// attachmentIn is the place of an attachment in a record, or -1.
func attachmentIn(in models.Incident, id string) int {
	return slices.IndexFunc(in.Investigation.Attachments, func(a models.Attachment) bool { return a.ID == id })
}

func (s *Server) attachment(ctx context.Context, q *OneAttachment) (*huma.StreamResponse, error) {
	if s.Attachments == nil {
		return nil, noAttachments
	}
	in, err := s.incident(ctx, q.ID, models.RightFootage)
	if err != nil {
		return nil, err
	}
	i := attachmentIn(in, q.Attachment)
	if i < 0 {
		return nil, noSuchFile
	}
	a := in.Investigation.Attachments[i]
	if in.Footage.State == models.FootageDeleted {
		return nil, huma.Error404NotFound("retention has deleted this file with the evidence of the incident")
	}
	body, err := s.Attachments.Open(ctx, in, a)
	if err != nil {
		return nil, s.unopened(ctx, "attachment "+a.ID+" of incident "+q.ID, err)
	}
	o := models.Object{Role: models.RoleAttachment, Key: a.Key, Type: anyFile, Size: a.Size, SHA256: a.SHA256}
	c := models.Custody{Act: models.ActViewed, Incident: in.ID, Camera: in.Camera, Objects: []models.Object{o}, Note: "attachment " + a.ID}
	if err := s.taken(ctx, q.Range, string(in.ID)+" "+a.ID, c); err != nil {
		body.Close()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer body.Close()
		_, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", anyFile)
		h.Set("Content-Disposition", asAttachment(a.Name))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		s.send(hc, body, o)
	}}, nil
}

func (s *Server) exhibitClip(ctx context.Context, q *OneExhibit) (*huma.StreamResponse, error) {
	if s.Linked == nil {
		return nil, noRecall
	}
	in, err := s.incident(ctx, q.ID, models.RightFootage)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(in.Investigation.Exhibits, func(x models.Exhibit) bool { return x.ID == q.Exhibit })
	if i < 0 {
		return nil, huma.Error404NotFound("there is no such exhibit")
	}
	x := in.Investigation.Exhibits[i]
	if err := s.camera(ctx, x.Camera, models.RightFootage); err != nil {
		return nil, err
	}
	if x.Object.Key == "" {
		return nil, huma.Error404NotFound("there is no stored copy of this footage, or not yet")
	}
	body, err := s.Linked.Open(ctx, in, x)
	if err != nil {
		return nil, s.unopened(ctx, "exhibit "+x.ID+" of incident "+q.ID, err)
	}
	c := models.Custody{Act: models.ActPlayed, Incident: in.ID, Camera: x.Camera, Objects: []models.Object{x.Object}, Note: "exhibit " + x.ID}
	if err := s.witness(ctx, string(in.ID)+" "+x.ID, c); err != nil {
		body.Close()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer body.Close()
		_, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", x.Object.Type)
		h.Set("Content-Disposition", `inline; filename="`+fileName(string(x.Camera)+"-"+x.From.UTC().Format("20060102T150405Z"))+`.mp4"`)
		s.send(hc, body, x.Object)
	}}, nil
}

// taken notes that a file was given out: each time, but for the later ranges of one
// download, which count once in a session.
func (s *Server) taken(ctx context.Context, ranges, thing string, c models.Custody) error {
	if ranges == "" || strings.HasPrefix(ranges, "bytes=0-") {
		return s.witnessAlways(ctx, c)
	}
	return s.witness(ctx, thing, c)
}

// send serves an object of known content, which is checked on its way when it is sent whole.
func (s *Server) send(hc huma.Context, body storage.Reader, o models.Object) {
	r, w := humago.Unwrap(hc)
	h := w.Header()
	h.Set("ETag", `"`+o.SHA256+`"`)
	h.Set("Cache-Control", "private, no-cache") // may be kept, but is asked for again: the session may be over
	if sum, err := hex.DecodeString(o.SHA256); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	checked := &checkedReader{ReadSeeker: contextual{r.Context(), body}, size: o.Size, want: o.SHA256, sum: sha256.New()}
	http.ServeContent(steady{w}, r, "", time.Time{}, checked)
	if checked.wrong {
		s.Log.Error("a file is not what its record says: it was cut off", "key", o.Key, "sha256", o.SHA256)
		panic(http.ErrAbortHandler)
	}
}

// checkedReader hashes what is read from the beginning to the end, and keeps the last piece
// back when the whole is not what it should be.
type checkedReader struct {
	io.ReadSeeker
	size  int64
	want  string
	sum   hash.Hash
	at    int64 // where reading goes on
	sure  int64 // how much from the beginning is in the sum
	wrong bool
}

func (c *checkedReader) Seek(offset int64, whence int) (int64, error) {
	at, err := c.ReadSeeker.Seek(offset, whence)
	if err == nil {
		c.at = at
	}
	if at == 0 {
		c.sum.Reset()
		c.sure = 0
	}
	return at, err
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	if c.at == c.sure {
		c.sum.Write(p[:n])
		c.sure += int64(n)
	}
	c.at += int64(n)
	if c.sure == c.at && (c.at >= c.size || errors.Is(err, io.EOF)) && (c.at != c.size || hex.EncodeToString(c.sum.Sum(nil)) != c.want) {
		c.wrong = true
		return 0, storage.ErrContent
	}
	return n, err
}

// paced is a body that may be as long as it is, but must not stop. Only waiting for the
// client counts: a disk that is slow to take what came is not the client's fault.
type paced struct {
	body io.Reader
	ctl  *http.ResponseController
	got  int           // since the client was given another while
	left time.Duration // of that while
}

func newPaced(w http.ResponseWriter, body io.Reader) *paced {
	return &paced{body: body, ctl: http.NewResponseController(w), left: paceTime}
}

func (p *paced) Read(b []byte) (int, error) {
	began := time.Now()
	// Before, never after: net/http has its own deadline once the body is at its end.
	_ = p.ctl.SetReadDeadline(began.Add(p.left))
	_ = p.ctl.SetWriteDeadline(began.Add(p.left + writeTimeout)) // TLS answers in between
	n, err := p.body.Read(b)
	p.left -= time.Since(began)
	if p.got += n; p.got >= pace {
		p.got, p.left = 0, paceTime
	}
	return n, err
}
