package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

const doorSecret = "a secret of the rear door"

// inboundSite is a site with a door, a camera that pushes events, and a system that can
// only put its secret into the address.
func inboundSite(t *testing.T, change ...func(*Server)) *site {
	t.Helper()
	sources := map[string]config.Inbound{
		"door": {Name: "door", Kind: config.InboundAccess, Auth: config.AuthBearer, Secret: doorSecret, Camera: "gate", Zone: "door", Severity: models.SeverityHigh,
			Before: 10 * time.Second, After: 30 * time.Second, Quiet: time.Minute, Rate: 600},
		"cam":    {Name: "cam", Kind: config.InboundDevice, Auth: config.AuthURL, Secret: doorSecret, Camera: "yard", Topics: []string{"tns1:RuleEngine"}, Quiet: time.Minute, Rate: 600},
		"signed": {Name: "signed", Kind: config.InboundWebhook, Auth: config.AuthSignature, Secret: doorSecret, Site: "arcade", Rate: 600},
		"slow":   {Name: "slow", Kind: config.InboundWebhook, Auth: config.AuthBearer, Secret: doorSecret, Camera: "gate", Rate: 6},
	}
	return newSite(t, append([]func(*Server){func(s *Server) {
		s.Policy = func() models.Policy { return models.Policy{Sites: []models.Site{{ID: "arcade", Name: "The arcade"}}} }
		s.Custody, s.Recall = &ledger{people: true}, archive{}
		s.Now = func() time.Time { return day }
		s.Inbound = func(name string) (config.Inbound, bool) { src, ok := sources[name]; return src, ok }
		s.CheckInbound = func(secret, body []byte, header string, _ time.Time) error {
			if string(secret) != doorSecret || header != "signed "+string(body) {
				return errInboundType
			}
			return nil
		}
	}}, change...)...)
}

// push sends events of the door and returns what became of them.
func push(t *testing.T, s *site, code int, body any, headers ...string) []InboundResult {
	t.Helper()
	a := s.browser().in(t).want(code, "POST", "/api/inbound/door", body, append([]string{"Authorization", "Bearer " + doorSecret}, headers...)...)
	if code != http.StatusOK {
		return nil
	}
	var out InboundResults
	a.decode(t, &out)
	return out.Items
}

func TestInboundOpens(t *testing.T) {
	s := inboundSite(t)
	at := day.Add(-time.Minute)
	event := map[string]any{"id": "evt-1", "topic": "door.forced", "at": at, "text": "Rear door <b>forced</b>", "vendor": map[string]any{"x": 1}}
	got := push(t, s, http.StatusOK, event)
	if len(got) != 1 || got[0].Result != "opened" || got[0].Number != 1 {
		t.Fatalf("%+v", got)
	}
	in := get[models.Incident](s.logIn(), "/api/incidents/"+got[0].Incident)
	if in.Origin != models.OriginAccess || in.Camera != "gate" || in.Zone != "door" || in.Kind != models.KindReported || in.Severity != models.SeverityHigh ||
		!in.Alarm.Equal(at) || in.Description != "Rear door <b>forced</b>\nTopic: door.forced" || len(in.Log) != 1 || in.Log[0].Who != "inbound/door" {
		t.Errorf("%+v", in)
	}
	if x := in.Investigation.Exhibits; len(x) != 1 || x[0].Camera != "gate" || !x[0].From.Equal(at.Add(-10*time.Second)) || !x[0].To.Equal(at.Add(30*time.Second)) {
		t.Errorf("footage: %+v", x)
	}
	// The device did not get the answer, and its clock has moved on.
	event["at"] = at.Add(3 * time.Second)
	if again := push(t, s, http.StatusOK, event); again[0].Result != "repeated" || again[0].Incident != got[0].Incident {
		t.Errorf("again: %+v", again)
	}
	over := push(t, s, http.StatusOK, map[string]any{"id": "evt-2", "topic": "door.forced", "active": false, "at": at.Add(20 * time.Second)})
	if over[0].Result != "ended" || over[0].Incident != got[0].Incident {
		t.Errorf("over: %+v", over)
	}
	if in, err := s.index.Get(t.Context(), in.ID); err != nil || !in.End.Equal(at.Add(20*time.Second)) || len(in.Log) != 2 || in.Log[1].What != "over" {
		t.Errorf("%+v, %v", in, err)
	}
	if again := push(t, s, http.StatusOK, map[string]any{"id": "evt-2", "topic": "door.forced", "active": false}); again[0].Result != "ignored" {
		t.Errorf("over again: %+v", again)
	}
}

func TestInboundWithoutIDs(t *testing.T) {
	now := day
	var mu sync.Mutex
	s := inboundSite(t, func(s *Server) { s.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now } })
	later := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	first := push(t, s, http.StatusOK, map[string]any{"topic": "motion"})
	later(50 * time.Second)
	if got := push(t, s, http.StatusOK, map[string]any{"topic": "motion"}); got[0].Result != "repeated" || got[0].Incident != first[0].Incident {
		t.Errorf("while it is alarmed: %+v", got)
	}
	later(50 * time.Second)
	if got := push(t, s, http.StatusOK, map[string]any{"topic": "motion"}); got[0].Result != "repeated" {
		t.Errorf("it goes on saying so: %+v", got)
	}
	later(61 * time.Second)
	if got := push(t, s, http.StatusOK, map[string]any{"topic": "motion"}); got[0].Result != "opened" {
		t.Errorf("after it was quiet: %+v", got)
	}
	if got := push(t, s, http.StatusOK, []any{map[string]any{"topic": "motion", "active": false}, map[string]any{"topic": "motion"}, map[string]any{"topic": "tamper"}}); got[0].Result != "ended" || got[1].Result != "repeated" || got[2].Result != "opened" {
		t.Errorf("a list: %+v", got) // the second is of the same second as the one before
	}
}

func TestInboundTimes(t *testing.T) {
	s := inboundSite(t)
	for name, c := range map[string]struct {
		at   time.Time
		want time.Time
	}{
		"a moment ahead":  {day.Add(30 * time.Second), day.Add(30 * time.Second)},
		"a day behind":    {day.Add(-23 * time.Hour), day.Add(-23 * time.Hour)},
		"far ahead":       {day.Add(time.Hour), day},
		"never set":       {time.Date(1970, 1, 1, 0, 0, 7, 0, time.UTC), day},
		"in another zone": {day.Add(-time.Minute).In(time.FixedZone("", 7200)), day.Add(-time.Minute)},
	} {
		got := push(t, s, http.StatusOK, map[string]any{"id": name, "at": c.at})
		in, err := s.index.Get(t.Context(), models.IncidentID(got[0].Incident))
		if err != nil || !in.Alarm.Equal(c.want) || strings.Contains(in.Description, "clock") != !c.want.Equal(c.at) {
			t.Errorf("%s: alarm %s, %q, %v", name, in.Alarm, in.Description, err)
		}
	}
}

func TestInboundRefuses(t *testing.T) {
	s := inboundSite(t)
	b := s.browser()
	event := `{"id":"1"}`
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		code       int
	}{
		"no secret":             {"door", event, nil, 401},
		"wrong secret":          {"door", event, []string{"Authorization", "Bearer " + doorSecret + "x"}, 401},
		"no such source":        {"window", event, []string{"Authorization", "Bearer " + doorSecret}, 401},
		"secret in the address": {"door?secret=a+secret+of+the+rear+door", event, nil, 401},
		"in the address":        {"cam?secret=a+secret+of+the+rear+door", event, nil, 200},
		"not signed":            {"signed", event, []string{"Authorization", "Bearer " + doorSecret}, 401},
		"signed otherwise":      {"signed", event, []string{"Vedette-Signature", `signed {"id":"2"}`}, 401},
		"signed":                {"signed", event, []string{"Vedette-Signature", "signed " + event}, 200},
		"another site":          {"door", event, []string{"Authorization", "Bearer " + doorSecret, "Sec-Fetch-Site", "cross-site"}, 403},
		"not JSON":              {"door", "id=1", []string{"Authorization", "Bearer " + doorSecret}, 422},
		"null":                  {"door", "null", []string{"Authorization", "Bearer " + doorSecret}, 422},
		"empty":                 {"door", "", []string{"Authorization", "Bearer " + doorSecret}, 400},
		"empty list":            {"door", "[]", []string{"Authorization", "Bearer " + doorSecret}, 422},
		"says nothing":          {"door", "{}", []string{"Authorization", "Bearer " + doorSecret}, 422},
		"wrong type":            {"door", `{"id":7}`, []string{"Authorization", "Bearer " + doorSecret}, 422},
		"too many":              {"door", "[" + strings.Repeat(event+",", 32) + event + "]", []string{"Authorization", "Bearer " + doorSecret}, 422},
		"long text":             {"door", `{"text":"` + strings.Repeat("x", 4001) + `"}`, []string{"Authorization", "Bearer " + doorSecret}, 422},
		"too large":             {"door", `{"text":"` + strings.Repeat("x", maxInboundBody) + `"}`, []string{"Authorization", "Bearer " + doorSecret}, 413},
		"a form":                {"door", event, []string{"Authorization", "Bearer " + doorSecret, "Content-Type", "multipart/form-data"}, 415},
		"XML that is none":      {"door", "<a", []string{"Authorization", "Bearer " + doorSecret, "Content-Type", "text/xml"}, 422},
		"entities":              {"door", `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`, []string{"Authorization", "Bearer " + doorSecret, "Content-Type", "text/xml"}, 422},
	} {
		t.Run(name, func(t *testing.T) { b.in(t).want(c.code, "POST", "/api/inbound/"+c.path, c.body, c.headers...) })
	}
	if acts := s.server.Custody.(*ledger).acts(); !slices.ContainsFunc(acts, func(a string) bool { return strings.HasPrefix(a, string(models.ActLoginFailed)) }) {
		t.Errorf("the audit log has no failed attempt: %v", acts)
	}
	if strings.Contains(s.logged(), doorSecret) {
		t.Error("the secret is in the log")
	}
	b.want(http.StatusUnauthorized, "GET", "/api/inbound/door", nil) // whoever asks for more needs a session
}

// A stranger who guesses is slowed down, the device itself is not.
func TestInboundGuessing(t *testing.T) {
	s := inboundSite(t)
	b := s.browser()
	codes := map[int]int{}
	for n := range 30 {
		codes[b.do("POST", "/api/inbound/door", `{"id":"x"}`, "Authorization", fmt.Sprintf("Bearer guess %d", n)).StatusCode]++
	}
	if codes[401] != addressBurst || codes[429] != 30-addressBurst {
		t.Errorf("got %v", codes)
	}
	push(t, s, http.StatusOK, map[string]any{"id": "real"})
}

func TestInboundRate(t *testing.T) {
	s := inboundSite(t)
	b, codes := s.browser(), map[int]int{}
	for n := range 40 {
		a := b.do("POST", "/api/inbound/slow", fmt.Sprintf(`{"id":"%d"}`, n), "Authorization", "Bearer "+doorSecret)
		if codes[a.StatusCode]++; a.StatusCode == 429 && a.Header.Get("Retry-After") == "" {
			t.Error("not told when to come again")
		}
	}
	if codes[200] != maxInboundEvents || codes[429] != 40-maxInboundEvents {
		t.Errorf("got %v", codes)
	}
}

// The same event in ten requests at once opens one incident.
func TestInboundAtOnce(t *testing.T) {
	s := inboundSite(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for range 10 {
		wg.Go(func() {
			var out InboundResults
			s.browser().want(http.StatusOK, "POST", "/api/inbound/door", `{"id":"once"}`, "Authorization", "Bearer "+doorSecret).decode(t, &out)
			mu.Lock()
			defer mu.Unlock()
			ids[out.Items[0].Incident] = true
		})
	}
	wg.Wait()
	if n, err := s.index.Count(t.Context(), openQuery); err != nil || n != 1 || len(ids) != 1 {
		t.Errorf("%d incidents, named %v, %v", n, ids, err)
	}
}

const motionNotify = `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics">
<SOAP-ENV:Header><wsa5:Action xmlns:wsa5="http://www.w3.org/2005/08/addressing">http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify</wsa5:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><wsnt:Notify><wsnt:NotificationMessage>
<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic>
<wsnt:Message><tt:Message UtcTime="%s" PropertyOperation="%s">
<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="VideoSourceToken"/><tt:SimpleItem Name="Rule" Value="MyMotionDetectorRule"/></tt:Source>
<tt:Data><tt:SimpleItem Name="IsMotion" Value="%s"/></tt:Data>
</tt:Message></wsnt:Message></wsnt:NotificationMessage></wsnt:Notify></SOAP-ENV:Body></SOAP-ENV:Envelope>`

func TestInboundONVIF(t *testing.T) {
	s := inboundSite(t)
	send := func(body string) InboundResult {
		t.Helper()
		var out InboundResults
		s.browser().want(http.StatusOK, "POST", "/api/inbound/cam?secret=a+secret+of+the+rear+door", body, "Content-Type", `application/soap+xml; charset=utf-8; action="x"`).decode(t, &out)
		return out.Items[0]
	}
	got := send(fmt.Sprintf(motionNotify, day.Add(-2*time.Second).Format(time.RFC3339), "Changed", "true"))
	if got.Result != "opened" {
		t.Fatalf("%+v", got)
	}
	in, err := s.index.Get(t.Context(), models.IncidentID(got.Incident))
	if err != nil || in.Origin != models.OriginDevice || in.Camera != "yard" || !in.Alarm.Equal(day.Add(-2*time.Second)) ||
		in.Description != "IsMotion=true\nTopic: tns1:RuleEngine/CellMotionDetector/Motion\nSource: VideoSourceConfigurationToken=VideoSourceToken, Rule=MyMotionDetectorRule" {
		t.Errorf("%+v, %v", in, err)
	}
	if again := send(fmt.Sprintf(motionNotify, day.Format(time.RFC3339), "Initialized", "true")); again.Result != "repeated" || again.Incident != got.Incident {
		t.Errorf("again: %+v", again)
	}
	if over := send(fmt.Sprintf(motionNotify, day.Add(9*time.Second).Format(time.RFC3339), "Changed", "false")); over.Result != "ended" || over.Incident != got.Incident {
		t.Errorf("over: %+v", over)
	}
	other := strings.ReplaceAll(motionNotify, "tns1:RuleEngine", "tns1:RuleEngineering")
	if got := send(fmt.Sprintf(other, day.Format(time.RFC3339), "Changed", "true")); got.Result != "ignored" {
		t.Errorf("another topic: %+v", got)
	}
}

func TestParseNotify(t *testing.T) {
	yes, no := true, false
	at := time.Date(2026, 11, 22, 23, 40, 12, 500e6, time.UTC)
	message := func(attr, data string) string {
		return `<Notify xmlns="http://docs.oasis-open.org/wsn/b-2"><NotificationMessage><Topic> tns1:Device/Trigger/DigitalInput </Topic><Message><Message ` + attr +
			`><Source><SimpleItem Name="InputToken" Value="1"/></Source><Data>` + data + `</Data></Message></Message></NotificationMessage></Notify>`
	}
	for name, c := range map[string]struct {
		body string
		want InboundEvent
	}{
		"without an envelope": {message(`UtcTime="2026-11-22T23:40:12.5Z"`, `<SimpleItem Name="LogicalState" Value="true"/>`), InboundEvent{At: &at, Active: &yes, Text: "LogicalState=true"}},
		"1 and 0 (Hikvision)": {message(`UtcTime="2026-11-22T23:40:12.500Z"`, `<SimpleItem Name="State" Value="0"/>`), InboundEvent{At: &at, Active: &no, Text: "State=0"}},
		"no zone (Dahua)":     {message(`UtcTime="2026-11-22T23:40:12.5"`, ``), InboundEvent{At: &at}},
		"no time":             {message(`UtcTime="yesterday"`, `<SimpleItem Name="ObjectId" Value="17"/>`), InboundEvent{Text: "ObjectId=17", Active: nil}},
		"deleted":             {message(`PropertyOperation="Deleted"`, `<SimpleItem Name="State" Value="true"/>`), InboundEvent{Active: &no, Text: "State=true"}},
	} {
		got, err := parseNotify([]byte(c.body))
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		g, w := got[0], c.want
		if g.Topic != "tns1:Device/Trigger/DigitalInput" || g.part != "InputToken=1" || g.Text != w.Text || (g.Active == nil) != (w.Active == nil) ||
			w.Active != nil && *g.Active != *w.Active || (g.At == nil) != (w.At == nil) || w.At != nil && !g.At.Equal(*w.At) {
			t.Errorf("%s: got %+v", name, g)
		}
	}
	for name, body := range map[string]string{
		"nothing":           "",
		"no message":        "<Notify/>",
		"no topic":          "<Notify><NotificationMessage/></Notify>",
		"many messages":     "<Notify>" + strings.Repeat("<NotificationMessage><Topic>t</Topic></NotificationMessage>", 33) + "</Notify>",
		"many items":        strings.Replace(message("", ""), "<Data>", "<Data>"+strings.Repeat(`<SimpleItem Name="a" Value="b"/>`, 40), 1),
		"deep":              strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65),
		"many elements":     "<a>" + strings.Repeat("<b/>", 20_001) + "</a>",
		"document type":     `<!DOCTYPE a><a/>`,
		"unknown entity":    `<a>&lol;</a>`,
		"another character": `<?xml version="1.0" encoding="utf-16"?><a/>`,
	} {
		if got, err := parseNotify([]byte(body)); err == nil || !utf8.ValidString(err.Error()) || len(err.Error()) > 400 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// FuzzParseInbound wants events that records can hold, of any bytes that a device sends.
func FuzzParseInbound(f *testing.F) {
	f.Add(true, []byte(fmt.Sprintf(motionNotify, "2026-11-22T23:40:12Z", "Changed", "true")))
	f.Add(true, []byte("<Notify><NotificationMessage><Topic>t\x00</Topic></NotificationMessage></Notify>"))
	f.Add(false, []byte(`{"id":"1","topic":"\u0000\u202e","at":"0000-01-01T00:00:00Z","text":"\ud800"}`))
	f.Add(false, []byte(`[{"topic":"a"},{"topic":"b","active":false}]`))
	f.Fuzz(func(t *testing.T, isXML bool, body []byte) {
		kind := "application/json"
		if isXML {
			kind = "text/xml"
		}
		events, err := parseInbound(kind, body)
		if err != nil {
			if _, bad := json.Marshal(err.Error()); bad != nil || !utf8.ValidString(err.Error()) {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(events) == 0 || len(events) > maxInboundEvents {
			t.Errorf("%d events", len(events))
		}
		for _, e := range events {
			at, _ := occurred(e.At, day)
			d := described(e, true)
			if !utf8.ValidString(d) || len(d) > maxEventText+2*maxEventTopic+100 || strings.ContainsRune(d, 0) || at.Year() < 2000 {
				t.Errorf("%+v: %q at %s", e, d, at)
			}
			if id := inboundID("door", e, at); !isIncidentID(string(id)) {
				t.Errorf("ID %q", id)
			}
		}
	})
}
