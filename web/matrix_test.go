package web

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// What an operation takes beside a right.
const (
	takesNothing = "nothing"  // not even a session
	takesProof   = "proof"    // what its body or its own headers prove
	takesLogin   = "login"    // a session or a token
	takesSession = "session"  // a session; a token is refused
	takesPerson  = " by hand" // behind a right: and no token
)

// matrix says of every operation which right it takes. A new operation needs a line here:
// it is the place where somebody thinks about who may use it.
var matrix = map[string]string{
	"login": takesProof, "get-health": takesNothing, "get-readiness": takesNothing, "inbound-event": takesProof,
	"get-session": takesLogin, "get-openapi": takesLogin, "list-names": takesLogin,
	"logout": takesSession, "change-password": takesSession, "get-me": takesSession, "set-availability": takesSession,
	"list-tokens": takesSession, "create-token": takesSession, "revoke-token": takesSession,

	"get-metrics": "view", "get-status": "view", "list-cameras": "view", "stream-events": "view", "list-keys": "view",
	"list-incidents": "view", "get-incident": "view", "get-retention": "view",
	"get-camera-picture": "live",
	"get-clip":           "footage", "get-still": "footage", "get-picture": "footage", "get-why": "footage", "get-mask": "footage",
	"get-manifest": "footage", "get-signature": "footage", "get-playable": "footage", "check-integrity": "footage",
	"recall-cameras": "footage", "recall-coverage": "footage", "recall-moved": "footage", "recall-clip": "footage",
	"acknowledge-incident": "work", "judge-incident": "work",
	"open-incident": "work", "describe-incident": "work", "classify-incident": "work", "rate-incident": "work",
	"claim-incident": "work", "hand-over-incident": "work", "escalate-incident": "work", "release-incident-claim": "work",
	"respond-incident": "work", "wait-incident": "work", "resume-incident": "work", "note-incident": "work", "change-incidents": "work",
	"add-task": "work", "change-task": "work", "add-effort": "work", "stop-effort": "work", "suggest-officers": "work",
	"add-statement": "investigate", "add-subject": "investigate", "add-mark": "investigate", "add-exhibit": "investigate",
	"assign-incident": "assign", "merge-incidents": "assign", "unmerge-incident": "assign", "split-incident": "assign",
	"resolve-incident": "close", "reopen-incident": "close",
	"review-incident": "review", "carry-out-change": "review",
	"add-delivery": "export", "get-policy": "view", "list-duplicates": "view",
	"close-incident":   "close",
	"export-exhibit":   "export",
	"hold-incident":    "hold",
	"release-incident": "delete",
	"report-precision": "report",
	"report-summary":   "report", "report-summary-csv": "report", "get-logbook": "report", "get-logbook-csv": "report",
	"list-journal": "view", "add-journal": "work",
	"draft-handover": "view", "list-handovers": "view", "get-handover": "view", "hand-over-shift": "work", "take-over-shift": "work",
	"list-similar": "view", "list-series": "view", "get-series": "view", "create-series": "investigate", "describe-series": "investigate",
	"add-to-series": "investigate", "take-from-series": "investigate", "close-series": "investigate", "reopen-series": "investigate", "deliver-series": "export",
	"attach-file":      "work",
	"get-attachment":   "footage",
	"get-exhibit-clip": "footage",
	"list-custody":     "audit",
	"incident-custody": "audit",
	"list-people":      "assign",
	"list-channels":    "administer",
	"test-channel":     "administer",
	"list-deliveries":  "administer",
	"get-person":       "administer",
	"create-person":    "administer" + takesPerson,
	"change-person":    "administer" + takesPerson,
	"suspend-person":   "administer" + takesPerson,
	"reinstate-person": "administer" + takesPerson,
	"unlock-person":    "administer" + takesPerson,
	"reset-password":   "administer" + takesPerson,
}

// roleTable is docs/people.md's table of roles and rights.
func roleTable(t *testing.T) map[models.Role][]models.Right {
	t.Helper()
	page, err := os.ReadFile("../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[models.Role][]models.Right{}
	var roles []models.Role
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		switch {
		case cells[0] == "right":
			for _, c := range cells[2:] {
				roles = append(roles, models.Role(c))
				table[models.Role(c)] = nil
			}
		case len(roles) > 0 && slices.Contains(models.Rights(), models.Right(cells[0])) && len(cells) == len(roles)+2:
			for i, c := range cells[2:] {
				if c != "" {
					table[roles[i]] = append(table[roles[i]], models.Right(cells[0]))
				}
			}
		}
	}
	return table
}

func TestRolesAreAsDocumented(t *testing.T) {
	table := roleTable(t)
	if got := slices.Sorted(maps.Keys(table)); !slices.Equal(got, slices.Sorted(slices.Values(models.Roles()))) {
		t.Fatalf("docs/people.md has the roles %v", got)
	}
	for _, role := range models.Roles() {
		if got, want := slices.Sorted(slices.Values(table[role])), slices.Sorted(slices.Values(role.Rights())); !slices.Equal(got, want) {
			t.Errorf("%s: docs/people.md says %v, the program %v", role, got, want)
		}
	}
}

// castle is a site with two cameras in two groups and somebody for each role over the
// northern one.
type castle struct {
	*site
	handler      http.Handler
	north, south models.Incident
	log          *ledger
}

func newCastle(t *testing.T) *castle {
	t.Helper()
	c := &castle{log: &ledger{people: true}}
	c.site = newSite(t, func(s *Server) {
		s.BehindProxy = true // so that this machine is nothing special
		s.Groups = func(id models.CameraID) []string {
			return map[models.CameraID][]string{"gate": {"north"}, "yard": {"south"}}[id]
		}
		s.Accounts.ChangeOptional = true
		s.Custody, s.Exporter = c.log, exporter{}
	})
	c.handler = c.http.Config.Handler
	c.north, c.south = sample(1), sample(2)
	c.south.Camera = "yard"
	c.south.ID = "20260304T050807.000Z-yard-door-loitering-2"
	c.create(c.north, c.south)
	for _, r := range models.Roles() {
		c.hire(string(r), models.Grant{Role: r, Groups: []string{"north"}})
	}
	return c
}

func (c *castle) hire(user string, grants ...models.Grant) {
	c.t.Helper()
	if _, _, err := c.server.Accounts.Add(models.Officer{User: user, Grants: grants}, people.Operator, nil); err != nil {
		c.t.Fatal(err)
	}
}

// as returns the headers of a request of somebody who has just logged in.
func (c *castle) as(user string) http.Header {
	c.t.Helper()
	cookie, ok := c.server.sessions.open(user)
	if !ok {
		c.t.Fatalf("%s cannot log in", user)
	}
	return http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
}

// token makes one in the name of a user.
func (c *castle) token(user, name string, rights []models.Right, groups ...string) http.Header {
	c.t.Helper()
	_, secret, err := c.server.Accounts.AddToken(people.Token{Name: name, Owner: user, Rights: rights, Groups: groups, Expires: time.Now().Add(time.Hour)}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return http.Header{"Authorization": {"Bearer " + secret}}
}

// do asks without a network.
func (c *castle) do(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// verdict says how a request was let in, whatever came of it then.
func verdict(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	switch {
	case w.Code == http.StatusUnauthorized:
		return "no session"
	case w.Code == http.StatusForbidden && (strings.Contains(body, "this takes") || strings.Contains(body, "a token does not")):
		return "refused"
	case w.Code == http.StatusNotFound && (strings.Contains(body, "there is no such thing: incident") || strings.Contains(body, noCamera.Error())):
		return "not there"
	case w.Code >= 500 && w.Code != http.StatusNotImplemented && w.Code != http.StatusServiceUnavailable:
		return "broken: " + body
	}
	return "allowed"
}

// TestRightsMatrix asks for every operation as everybody.
func TestRightsMatrix(t *testing.T) {
	c := newCastle(t)
	c.hire("target", models.Grant{Role: models.RoleMonitor, Groups: []string{"north"}})
	var spec struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Right       string `json:"x-vedette-right"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(c.do("GET", "/api/openapi.json", "", c.as(people.AdminUser)).Body.Bytes(), &spec); err != nil {
		t.Fatal(err)
	}
	// One token may do all that its owner may, the other all but one right.
	strong := c.token("administrator", "strong", models.Rights())
	weak := map[models.Right]http.Header{}
	for _, r := range models.Rights() {
		others := slices.DeleteFunc(models.Rights(), func(o models.Right) bool { return o == r })
		weak[r] = c.token("administrator", "all but "+string(r), others)
	}
	documented := roleTable(t)
	seen := map[string]bool{}
	for path, operations := range spec.Paths {
		for method, op := range operations {
			seen[op.OperationID] = true
			row, ok := matrix[op.OperationID]
			if !ok {
				t.Errorf("%s %s: %s has no line in the matrix of rights", strings.ToUpper(method), path, op.OperationID)
				continue
			}
			right, byHand := strings.CutSuffix(row, takesPerson)
			if slices.Contains(models.Rights(), models.Right(right)) && op.OperationID != "get-metrics" && op.Right != right {
				t.Errorf("%s takes the right %q, the matrix says %q", op.OperationID, op.Right, right)
			}
			ask := func(header http.Header, in models.Incident) string {
				return verdict(c.request(op.OperationID, strings.ToUpper(method), path, header, in))
			}
			check := func(who string, header http.Header, in models.Incident, want string) {
				t.Helper()
				if got := ask(header, in); got != want {
					t.Errorf("%s by %s of %s: %s, want %s", op.OperationID, who, in.Camera, got, want)
				}
			}
			stranger := "no session"
			if row == takesNothing {
				stranger = "allowed"
			}
			if row == takesProof {
				continue // their own tests say what proof is good
			}
			check("nobody", nil, c.north, stranger)
			for _, role := range models.Roles() {
				may := !slices.Contains(models.Rights(), models.Right(right)) || slices.Contains(documented[role], models.Right(right))
				here, there := "allowed", "allowed"
				_, below := scope(path)
				if !may {
					here, there = "refused", "refused"
				} else if below != "" || op.OperationID == "export-exhibit" {
					there = "not there"
				}
				check(string(role), c.as(string(role)), c.north, here)
				check(string(role), c.as(string(role)), c.south, there)
			}
			if row == takesNothing {
				continue
			}
			want := "allowed"
			if byHand || row == takesSession {
				want = "refused"
			}
			check("token", strong, c.north, want)
			if slices.Contains(models.Rights(), models.Right(right)) {
				if op.OperationID == "get-metrics" {
					check("weak token", weak[models.Right(right)], c.north, "no session")
				} else {
					check("weak token", weak[models.Right(right)], c.north, "refused")
				}
			}
		}
	}
	for name := range matrix {
		if !seen[name] {
			t.Errorf("the matrix has a line for %s, which there is not", name)
		}
	}
}

// request asks for an operation, about an incident or its camera where it is about one.
func (c *castle) request(name, method, path string, header http.Header, in models.Incident) *httptest.ResponseRecorder {
	body := "{}"
	switch name {
	case "stream-events":
		method = http.MethodHead // the stream itself has no end
	case "export-exhibit":
		body = fmt.Sprintf(`{"incidents":[%q],"why":"police"}`, in.ID)
	}
	id := string(in.ID)
	switch {
	case strings.HasPrefix(path, "/api/cameras/"):
		id = string(in.Camera)
	case !strings.HasPrefix(path, "/api/incidents/"):
		id = "none"
	}
	path = strings.NewReplacer("{id}", id, "{camera}", string(in.Camera), "{user}", "target", "{task}", "none", "{change}", "none",
		"{attachment}", "none", "{exhibit}", "none").Replace(path)
	if strings.HasPrefix(path, "/api/recall/") {
		path += "?from=2026-03-04T05:00:00Z&to=2026-03-04T06:00:00Z"
	}
	return c.do(method, path, body, header)
}

func TestOperationWithoutARightIsRefused(t *testing.T) {
	for _, op := range []string{"", "get-x"} {
		o := apiConfig().OpenAPI
		o.AddOperation(&huma.Operation{OperationID: op, Method: http.MethodGet, Path: "/api/x"})
		if err := undeclared(o); err == nil || !strings.Contains(err.Error(), "/api/x") {
			t.Errorf("%q: %v", op, err)
		}
	}
}

// Lists, counts, figures and the stream hold only what somebody may see.
func TestListsAreLimited(t *testing.T) {
	c := newCastle(t)
	c.hire("both", models.Grant{Role: models.RoleMonitor, Groups: []string{"north", "south"}}, models.Grant{Role: models.RoleAuditor, Groups: []string{"south"}})
	c.hire("neither", models.Grant{Role: models.RoleSupervisor, Groups: []string{"tower"}})
	incidents := func(user, query string) string {
		var page IncidentPage
		w := c.do("GET", "/api/incidents"+query, "", c.as(user))
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %v: %s", w.Code, err, w.Body)
		}
		var seen []string
		for _, in := range page.Items {
			seen = append(seen, string(in.Camera))
		}
		slices.Sort(seen)
		return fmt.Sprintf("%s %d", strings.Join(seen, ","), page.Open)
	}
	for _, tc := range []struct{ user, query, want string }{
		{people.AdminUser, "", "gate,yard 2"},
		{people.AdminUser, "?camera=yard", "yard 2"},
		{"monitor", "", "gate 1"},
		{"monitor", "?camera=gate&camera=yard", "gate 1"},
		{"monitor", "?camera=yard", " 1"},
		{"monitor", "?text=loitering", "gate 1"},
		{"both", "", "gate,yard 2"},
		{"neither", "", " 0"},
	} {
		if got := incidents(tc.user, tc.query); got != tc.want {
			t.Errorf("%s %s: got %q, want %q", tc.user, tc.query, got, tc.want)
		}
	}
	for _, tc := range []struct {
		user, path string
		has, not   string
	}{
		{"monitor", "/api/cameras", `"gate"`, `"yard"`},
		{"neither", "/api/cameras", `"items":[]`, `"gate"`},
		{"supervisor", "/api/reports/precision?from=2026-03-01T00:00:00Z&to=2026-03-10T00:00:00Z", `"gate"`, `"yard"`},
		{"neither", "/api/reports/precision?from=2026-03-01T00:00:00Z&to=2026-03-10T00:00:00Z", `"from"`, `"gate"`},
	} {
		body := c.do("GET", tc.path, "", c.as(tc.user)).Body.String()
		if !strings.Contains(body, tc.has) || strings.Contains(body, tc.not) {
			t.Errorf("%s %s: %s", tc.user, tc.path, body)
		}
	}
	// A token of all groups that names one sees one.
	one := c.token("both", "one", []models.Right{models.RightView}, "south")
	if body := c.do("GET", "/api/incidents", "", one).Body.String(); strings.Contains(body, string(c.north.ID)) || !strings.Contains(body, string(c.south.ID)) {
		t.Errorf("token: %s", body)
	}
}

func TestStreamIsLimited(t *testing.T) {
	c := newCastle(t)
	hub := c.server.Events
	publish(t, hub, KindCamera, models.Health{Camera: "yard"})
	publish(t, hub, KindCamera, models.Health{Camera: "gate"})
	b := c.browser()
	live := b.stream("Cookie", c.as("monitor").Get("Cookie"))
	live.next() // its beginning
	if m, _ := live.next(); m["event"] != "camera" || !strings.Contains(m["data"], `"gate"`) {
		t.Errorf("first %v", m)
	}
	publish(t, hub, KindIncident, c.south)
	publish(t, hub, KindIncident, c.north)
	hidden, _ := live.next()
	if hidden["id"] == "" || hidden["data"] != "" || hidden["event"] != "" {
		t.Errorf("of an incident elsewhere came %v", hidden)
	}
	if m, _ := live.next(); m["event"] != "incident" || !strings.Contains(m["data"], string(c.north.ID)) {
		t.Errorf("then %v", m)
	}
	// Whoever comes back is not shown what was hidden before.
	again := b.stream("Cookie", c.as("monitor").Get("Cookie"), "Last-Event-ID", hub.id(0))
	again.next()
	if m, _ := again.next(); m["data"] != "" || m["id"] == "" {
		t.Errorf("resumed with %v", m)
	}
	if m, _ := again.next(); !strings.Contains(m["data"], string(c.north.ID)) {
		t.Errorf("then %v", m)
	}
}

// What is taken away is gone at once, also for a stream that is open.
func TestRightsEndAtOnce(t *testing.T) {
	c := newCastle(t)
	b := c.browser()
	cookie := c.as("monitor")
	live := b.stream("Cookie", cookie.Get("Cookie"))
	live.next()
	if _, err := c.server.Accounts.Change("monitor", 0, people.Operator, func(p *people.Person) error { p.Disabled = true; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	if w := c.do("GET", "/api/incidents", "", cookie); w.Code != http.StatusUnauthorized {
		t.Errorf("a request: %d", w.Code)
	}
	eyes := &eyes{server: c.server, who: identity{user: "monitor"}, looked: time.Now().Add(-2 * eyesEvery)}
	var out batch
	if err := eyes.write(&out, Message{ID: "1", Kind: KindIncident, Camera: "gate"}); err != errStreamOver || len(out.buf) > 0 {
		t.Errorf("a stream: %v, %q", err, out.buf)
	}
}

// TestAuditLog does what people do and reads what the log says of it.
func TestAuditLog(t *testing.T) {
	c := newCastle(t)
	b := c.logIn()
	for _, user := range []string{"admin", "hunter2hunter2"} { // the second is somebody's password in the wrong field
		b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": user, "password": "wrong"})
	}
	a := b.want(http.StatusCreated, "POST", "/api/people", `{"user":"mara","name":"<b>Mara</b>","grants":[{"role":"monitor","groups":["north"]}]}`)
	var made NewPassword
	a.decode(t, &made)
	if made.Person.Name != "<b>Mara</b>" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("made %+v", made)
	}
	b.want(http.StatusConflict, "POST", "/api/people", `{"user":"mara","name":"","grants":[]}`)
	b.want(http.StatusUnprocessableEntity, "POST", "/api/people", `{"user":"<script>","name":"","grants":[]}`)
	b.want(http.StatusUnprocessableEntity, "POST", "/api/people", `{"user":"x","name":"","grants":[{"role":"god"}]}`)
	b.want(http.StatusPreconditionRequired, "PUT", "/api/people/mara", `{"name":"Mara","grants":[]}`)
	b.want(http.StatusPreconditionFailed, "PUT", "/api/people/mara", `{"name":"Mara","grants":[]}`, "If-Match", `"e7"`)
	b.want(http.StatusPreconditionFailed, "PUT", "/api/people/mara", `{"name":"Mara","grants":[]}`, "If-Match", `*`)
	b.want(http.StatusOK, "PUT", "/api/people/mara", `{"name":"Mara","grants":[{"role":"monitor","groups":["north"]}]}`, "If-Match", a.Header.Get("ETag"))
	b.want(http.StatusConflict, "POST", "/api/people/admin/suspend", nil)
	b.want(http.StatusNotFound, "POST", "/api/people/nobody/suspend", nil)

	mara := c.browser()
	mara.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": "mara", "password": made.Password})
	for range 3 {
		mara.want(http.StatusForbidden, "GET", "/api/custody", nil)
		mara.want(http.StatusForbidden, "POST", "/api/people", `{}`)
	}
	mara.want(http.StatusOK, "PUT", "/api/people/me", `{"away":"break","position":{"lat":48.2,"lon":16.37}}`)
	if me := get[Profile](mara, "/api/people/me"); me.Away != "break" || me.Position == nil || me.Since.IsZero() || !me.OnDuty {
		t.Errorf("profile %+v", me)
	}
	if me := get[Session](mara, "/api/session"); !slices.Equal(me.Groups, []string{"north"}) || !slices.Equal(me.Rights, []string{"view", "live", "footage", "work"}) || me.Profile.Name != "Mara" {
		t.Errorf("session %+v", me)
	}
	mara.want(http.StatusForbidden, "POST", "/api/tokens", `{"name":"x","rights":["export"]}`)
	var token NewToken
	mara.want(http.StatusCreated, "POST", "/api/tokens", `{"name":"panel","rights":["view","work"]}`).decode(t, &token)
	bearer := []string{"Authorization", "Bearer " + token.Secret}
	c.browser().want(http.StatusOK, "POST", "/api/incidents/"+string(c.north.ID)+"/acknowledge", `{"note":"a secret remark"}`,
		append(bearer, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")...)
	c.browser().want(http.StatusForbidden, "POST", "/api/tokens", `{"name":"y","rights":["view"]}`, bearer...)
	mara.want(http.StatusUnauthorized, "GET", "/api/incidents", nil, "Authorization", "Bearer vtk_wrong") // the cookie does not help
	mara.want(http.StatusNoContent, "DELETE", "/api/tokens/"+token.ID, nil)
	c.browser().want(http.StatusUnauthorized, "GET", "/api/incidents", nil, bearer...)
	b.want(http.StatusOK, "POST", "/api/people/mara/suspend", nil)
	mara.want(http.StatusUnauthorized, "GET", "/api/session", nil)
	b.want(http.StatusOK, "POST", "/api/people/mara/reinstate", nil)
	b.want(http.StatusOK, "POST", "/api/people/mara/password", nil)
	b.want(http.StatusNoContent, "DELETE", "/api/session", nil)

	var got []string
	c.log.mu.Lock()
	for _, r := range c.log.entries {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Who, r.Act, r.Note)))
		if r.Remote == "" || strings.Contains(r.Note, "secret remark") || strings.Contains(r.Who+r.Note, "hunter2") {
			t.Errorf("entry %+v", r)
		}
	}
	c.log.mu.Unlock()
	want := []string{
		"admin logged_in", "admin password_changed their own", "admin login_failed", "unknown login_failed",
		"admin person_created mara: monitor of north", "admin person_changed mara: name",
		"mara logged_in", "mara refused list-custody without the right audit", "mara refused create-person without the right administer",
		"mara token_created panel of mara, until " + token.Expires.Format(time.RFC3339) + ": view, work",
		"mara token_used panel of mara (by token panel)", "mara changed acknowledged (by token panel)",
		"mara refused create-token without a session (by token panel)", "mara token_revoked panel of mara",
		"admin person_changed mara: suspended", "admin person_changed mara: let in again", "admin password_changed mara: to a one-time password",
		"admin logged_out",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Changes of people wait for a log that can be written; logging in does not.
func TestPeopleWaitForTheLog(t *testing.T) {
	c := newCastle(t)
	b := c.logIn()
	c.log.breaks(os.ErrClosed)
	b.want(http.StatusServiceUnavailable, "POST", "/api/people", `{"user":"mara","name":"","grants":[]}`)
	b.want(http.StatusServiceUnavailable, "POST", "/api/tokens", `{"name":"x","rights":["view"]}`)
	b.want(http.StatusServiceUnavailable, "PUT", "/api/session/password", map[string]string{"old": c.password, "new": "another good one"})
	b.want(http.StatusOK, "GET", "/api/incidents", nil)
	c.browser().want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": c.password})
	if _, err := c.server.Accounts.Person("mara"); err == nil {
		t.Error("somebody was let in unseen")
	}
	if !strings.Contains(c.logged(), "could not be logged") {
		t.Error("the program's own log does not say so")
	}
}

func TestCustodyFilters(t *testing.T) {
	c := newCastle(t)
	c.hire("southern", models.Grant{Role: models.RoleAuditor, Groups: []string{"south"}})
	c.hire("everywhere", models.Grant{Role: models.RoleAuditor})
	at := func(minute int) time.Time { return day.Add(time.Duration(minute) * time.Minute) }
	const quiet = 2 * custodyScan
	for i := range quiet {
		r := models.Custody{At: at(i / 1000), Who: "vedette", Act: models.ActUploaded}
		switch {
		case i == 10:
			r = models.Custody{At: at(0), Who: "mara", Act: models.ActPlayed, Incident: c.north.ID, Camera: "gate"}
		case i == quiet-10:
			r = models.Custody{At: at(19), Who: "mara", Act: models.ActViewed, Incident: c.south.ID, Camera: "yard"}
		}
		if err := c.log.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	find := func(user, query string) (found []string, pages int) {
		next := ""
		for {
			var page CustodyPage
			w := c.do("GET", "/api/custody?"+query+next, "", c.as(user))
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			for _, r := range page.Items {
				found = append(found, string(r.Act))
			}
			if pages++; page.Next == "" || pages > 10 {
				return found, pages
			}
			next = "&before=" + page.Next
		}
	}
	for _, tc := range []struct {
		user, query string
		want        []string
		pages       int
	}{
		{"everywhere", "who=mara", []string{"viewed", "played"}, 3}, // each looks through a part
		{"everywhere", "who=mara&limit=1", []string{"viewed", "played"}, 4},
		{"everywhere", "act=played&act=viewed&from=" + at(15).Format(time.RFC3339), []string{"viewed"}, 3},
		{"everywhere", "who=mara&to=" + at(1).Format(time.RFC3339), []string{"played"}, 3},
		{"everywhere", "incident=" + string(c.north.ID), []string{"played"}, 1},
		{"southern", "who=mara", []string{"viewed"}, 3},
		{"southern", "incident=" + string(c.north.ID), nil, 1},
		{"everywhere", "who=nobody&from=" + at(100).Format(time.RFC3339), nil, 1},
	} {
		got, pages := find(tc.user, tc.query)
		if !slices.Equal(got, tc.want) || pages > tc.pages {
			t.Errorf("%s %s: %v on %d pages, want %v on at most %d", tc.user, tc.query, got, pages, tc.want, tc.pages)
		}
	}
}
