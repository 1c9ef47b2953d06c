package vedettetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Password is what Login changes a one-time password to.
const Password = "correct horse battery staple"

// Client speaks the API with a session.
type Client struct {
	base string
	http *http.Client
}

// Login logs in as admin; a one-time password is changed to Password.
func Login(ctx context.Context, base, password string) (*Client, error) {
	return LoginAs(ctx, base, "admin", password)
}

// LoginAs logs somebody in; a one-time password is changed to Password.
func LoginAs(ctx context.Context, base, user, password string) (*Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, http: &http.Client{Jar: jar}}
	var session struct {
		MustChange bool `json:"must_change"`
	}
	if err := c.Do(ctx, http.MethodPost, "/api/session", map[string]string{"user": user, "password": password}, &session); err != nil {
		return nil, err
	}
	if session.MustChange {
		return c, c.Do(ctx, http.MethodPut, "/api/session/password", map[string]string{"old": password, "new": Password}, nil)
	}
	return c, nil
}

// Do sends one request with a JSON body and reads a JSON answer into out, if given. Into a
// *[]byte it reads an answer of any type as it is.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Incidents reads every incident, page by page.
func (c *Client) Incidents(ctx context.Context) ([]models.Incident, error) {
	var all []models.Incident
	for after := ""; ; {
		var page struct {
			Items []models.Incident `json:"items"`
			Next  string            `json:"next"`
		}
		if err := c.Do(ctx, http.MethodGet, "/api/incidents?limit=200&after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

// Incident reads one incident.
func (c *Client) Incident(ctx context.Context, id models.IncidentID) (models.Incident, error) {
	var in models.Incident
	return in, c.Do(ctx, http.MethodGet, "/api/incidents/"+url.PathEscape(string(id)), nil, &in)
}

// Open begins to read a body; the caller closes it.
func (c *Client) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("GET %s: %s: %s", path, res.Status, body)
	}
	return res.Body, nil
}

// Fetch reads a body, such as a clip.
func (c *Client) Fetch(ctx context.Context, path string) ([]byte, error) {
	body, err := c.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// Alert is one message of the event stream, with the instant at which it arrived.
type Alert struct {
	Kind string
	Data []byte
	At   time.Time
}

// Incident decodes an alert of kind "incident".
func (a Alert) Incident() (models.Incident, error) {
	var in models.Incident
	return in, json.Unmarshal(a.Data, &in)
}

// Listen calls take with each message of the event stream until ctx ends, the stream
// breaks, or take returns false.
func (c *Client) Listen(ctx context.Context, take func(Alert) bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/events", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /api/events: %s", res.Status)
	}
	r := bufio.NewReaderSize(res.Body, 1<<20)
	var a Alert
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		switch text = strings.TrimRight(text, "\r\n"); {
		case text == "":
			if a.Kind != "" && !take(a) {
				return nil
			}
			a = Alert{}
		case strings.HasPrefix(text, "event: "):
			a.Kind, a.At = text[len("event: "):], time.Now()
		case strings.HasPrefix(text, "data: "):
			a.Data = append(a.Data, text[len("data: "):]...)
		}
	}
}
