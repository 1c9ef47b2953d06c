package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// furnish gives the site what the answers of some operations need: evidence, keys, a
// channel, linked footage and a copy that plays.
func (w *walk) furnish() {
	t, s := w.t, w.server
	t.Helper()
	box, err := storage.NewOutbox(w.index, func(*models.Incident, models.Incident) []models.Dispatch { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Put(t.Context(), models.Dispatch{Channel: "pager", State: models.DispatchFailed, Created: day, Done: day, Attempts: 3, Error: "gone",
		Notice: models.Notice{ID: "n1", Kind: models.NoticeOpened, At: day, Incident: w.north}}); err != nil {
		t.Fatal(err)
	}
	s.Notify = &pager{Outbox: box}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	s.Keys = func() []PublicKey { return []PublicKey{{ID: "k1", Key: key, Since: day}} }
	copied := filepath.Join(t.TempDir(), "copy.mp4")
	if err := os.WriteFile(copied, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := make(chan struct{})
	close(made)
	s.Playable = copier{path: copied, ready: made}
	for _, id := range []models.IncidentID{w.north.ID, w.south.ID} {
		if _, err := w.index.Update(t.Context(), id, func(in *models.Incident) error {
			for _, o := range []struct {
				role models.ObjectRole
				name string
			}{{models.RoleClip, storage.ClipFile}, {models.RoleStill, storage.StillFile}, {models.RolePicture, storage.PictureFile}, {models.RoleWhy, storage.WhyFile},
				{models.RoleMask, storage.MaskFile}, {models.RoleManifest, storage.ManifestFile}, {models.RoleSignature, storage.SignatureFile}} {
				w.shelf.put(t, in, o.role, o.name, []byte("{}"))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.add("channel", "pager")
}

// linked holds the copies of linked footage, which are all the same.
type linked struct{ footage []byte }

func (l linked) Open(context.Context, models.Incident, models.Exhibit) (storage.Reader, error) {
	return linkedCopy{recalled{bytes.NewReader(l.footage)}}, nil
}

type linkedCopy struct{ recalled }

func (linkedCopy) ModTime() time.Time { return day }

// tell makes one request that must succeed, as somebody, and returns the answer. fill are
// the values of the path's and the query's names, and of headers.
func (w *walk) tell(who, operation string, fill map[string]string, body any) map[string]any {
	w.t.Helper()
	c := w.calls[slices.IndexFunc(w.calls, func(c call) bool { return c.id == operation })]
	r := sentRequest{call: c, method: c.method, target: c.path, who: who}
	query := url.Values{}
	params, _ := c.op["parameters"].([]any)
	for _, p := range params {
		p := p.(map[string]any)
		name := p["name"].(string)
		v, ok := fill[name]
		switch in := p["in"]; {
		case !ok && name == "If-Match" && fill["id"] != "":
			r.headers = append(r.headers, [2]string{name, w.etags[fill["id"]]})
		case !ok:
		case in == "path":
			r.target = strings.ReplaceAll(r.target, "{"+name+"}", url.PathEscape(v))
		case in == "query":
			query.Set(name, v)
		default:
			r.headers = append(r.headers, [2]string{name, v})
		}
	}
	if len(query) > 0 {
		r.target += "?" + query.Encode()
	}
	switch b := body.(type) {
	case nil:
	case []byte:
		r.body = b
	default:
		data, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		r.body = data
		r.headers = append(r.headers, [2]string{"Content-Type", "application/json"})
	}
	var header http.Header
	if who != "" {
		cookie, ok := w.server.sessions.open(who)
		if !ok {
			w.t.Fatalf("%s cannot log in", who)
		}
		header = http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
	}
	a := w.inProcess(r, header)
	if err := w.check(r, a); err != nil || a.code/100 != 2 {
		w.t.Fatalf("%d, want success: %v\n%s\n%s", a.code, err, r, cutText(string(a.body), 4000))
	}
	w.remember(c, a)
	var answer map[string]any
	_ = json.Unmarshal(a.body, &answer) // nil for what is no object
	if answer == nil {
		answer = map[string]any{}
	}
	answer["ETag"] = a.header.Get("ETag")
	return answer
}

// story does once what a request of chance hardly ever gets right, because it takes the right
// state, the right person and the right names at once. It leaves a site behind in which there
// is something of everything.
func (w *walk) story() {
	w.t.Helper()
	const admin, other = people.AdminUser, "walker"
	from, to := w.now.Add(-time.Hour).Format(time.RFC3339), w.now.Add(-30*time.Minute).Format(time.RFC3339)
	id := func(answer map[string]any) string { return fmt.Sprint(answer["id"]) }
	north := map[string]string{"id": string(w.north.ID)}
	with := func(of map[string]string, pairs ...string) map[string]string {
		out := maps.Clone(of)
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}

	// Evidence, and what is added to it.
	for _, operation := range []string{"get-clip", "get-still", "get-picture", "get-why", "get-mask", "get-manifest", "get-signature", "get-playable"} {
		w.tell(admin, operation, north, nil)
	}
	w.tell(admin, "recall-clip", map[string]string{"camera": "gate", "from": from, "to": to}, nil)
	in := w.tell(admin, "attach-file", with(north, "name", "statement.pdf"), []byte("%PDF-1.7"))
	w.tell(admin, "get-attachment", with(north, "attachment", last(in, "investigation", "attachments")), nil)
	in = w.tell(admin, "add-exhibit", north, fields{"camera": "gate", "from": from, "to": to})
	footage := []byte("footage")
	sum := sha256.Sum256(footage)
	w.server.Linked = linked{footage}
	if _, err := w.index.Update(w.t.Context(), w.north.ID, func(in *models.Incident) error {
		in.Investigation.Exhibits[0].Object = models.Object{Role: models.RoleExhibit, Key: "linked", Type: "video/mp4", Size: int64(len(footage)), SHA256: hex.EncodeToString(sum[:])}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	w.tell(admin, "get-exhibit-clip", with(north, "exhibit", last(in, "investigation", "exhibits")), nil)
	w.tell(admin, "list-keys", nil, nil)
	w.tell(admin, "list-channels", nil, nil)
	w.tell(admin, "list-deliveries", nil, nil)
	w.tell(admin, "test-channel", map[string]string{"channel": "pager"}, nil)

	// One incident from its report to what was learnt.
	in = w.tell(admin, "open-incident", nil, fields{"origin": "patrol", "camera": "gate", "zone": "door", "occurred": from, "description": "a broken lock"})
	report := map[string]string{"id": id(in)}
	w.tell(admin, "classify-incident", report, fields{"type": "theft", "sub": "burglary", "tags": []string{"ramp"}})
	w.tell(admin, "claim-incident", report, fields{"note": "mine"})
	in = w.tell(admin, "add-task", report, fields{"stage": "alert", "text": "call the tenant"})
	w.tell(admin, "change-task", with(report, "task", last(in, "investigation", "tasks")), fields{"action": "skip", "why": "is away"})
	w.tell(admin, "wait-incident", report, fields{"for": "police"})
	w.tell(admin, "resume-incident", report, nil)
	w.tell(admin, "hand-over-incident", report, fields{"officer": other, "note": "the key is with the tenant"})
	w.tell(admin, "resolve-incident", report, fields{"outcome": "nuisance"})
	in = w.tell(admin, "review-incident", report, fields{"happened": "a", "unfolded": "b", "signs": "c",
		"changes": []fields{{"kind": "task", "text": "mend the lock", "owner": other, "due": to}}})
	w.tell(admin, "carry-out-change", with(report, "change", last(in, "review", "changes")), nil)

	// Two of the same, which are two after all.
	two := sample(40)
	two.Events = append(two.Events, two.Events[0])
	two.Events[1].ID, two.EventCount, two.End, two.Footage.State = 2, 2, two.Alarm.Add(time.Minute), models.FootageStored
	for i := range two.Events {
		two.Events[i].Rule = models.Rule{Kind: two.Kind, Severity: two.Severity}
	}
	w.create(two)
	w.tell(admin, "split-incident", map[string]string{"id": string(two.ID)}, fields{"events": []int{2}, "reason": "two different men"})
	series := map[string]string{"series": id(w.tell(admin, "create-series", nil, fields{"name": "the man with the ladder", "incidents": []models.IncidentID{w.north.ID, two.ID}}))}
	w.tell(admin, "take-from-series", with(series, "incident", string(two.ID)), fields{"reason": "another man"})

	// Shifts and people.
	shift := map[string]string{"handover": id(w.tell(admin, "hand-over-shift", nil, fields{"from": from, "notes": "watch the ramp"}))}
	w.tell(other, "get-handover", shift, nil)
	w.tell(other, "take-over-shift", shift, fields{"remark": "seen"})
	grants := []fields{{"role": "monitor", "groups": []string{"north"}}}
	made := w.tell(admin, "create-person", nil, fields{"user": "newcomer", "name": "Nina", "grants": grants})
	w.tell(admin, "change-person", map[string]string{"user": "newcomer", "If-Match": fmt.Sprint(made["ETag"])}, fields{"name": "Nina Lang", "grants": grants})
	secret := fmt.Sprint(made["password"])
	w.tell("", "login", nil, fields{"user": "newcomer", "password": secret})
	w.tell("newcomer", "change-password", nil, fields{"old": secret, "new": "correct horse battery"})
}

// last is the ID of the newest of a list in an answer.
func last(answer map[string]any, path ...string) string {
	var at any = answer
	for _, name := range path {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	list, _ := at.([]any)
	if len(list) == 0 {
		return ""
	}
	one, _ := list[len(list)-1].(map[string]any)
	return fmt.Sprint(one["id"])
}

// insist tries the operations that were not let through yet, as they are described and by
// somebody who may do all, and returns those that still were not.
func (w *walk) insist(tries int) (never []string) {
	w.hire("insistent", models.Grant{Role: models.RoleAdministrator})
	for _, c := range w.calls {
		for n := 0; n < tries && !w.reached[c.id] && !w.t.Failed(); n++ {
			r := w.maker.request(c, straight, w.etags)
			r.who = "insistent"
			a := w.inProcess(r, w.as(r.who))
			if err := w.check(r, a); err != nil {
				w.t.Errorf("%v\n%s\n%d %s", err, r, a.code, cutText(string(a.body), 4000))
			}
			w.remember(c, a)
		}
		if !w.reached[c.id] {
			never = append(never, c.id)
		}
	}
	return never
}
