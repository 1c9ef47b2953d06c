package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds on what a device sends.
const (
	maxInboundEvents = 32
	maxEventID       = 256  // bytes
	maxEventTopic    = 256  // bytes
	maxEventText     = 4000 // bytes
	maxEventItems    = 32   // of source and data of a notification
	maxXMLDepth      = 64
	maxXMLTokens     = 20_000
)

// InboundEvent is what a device says. Members that are not listed are passed over.
type InboundEvent struct {
	_      struct{}   `json:"-" additionalProperties:"true"`
	ID     string     `json:"id,omitempty" maxLength:"256" doc:"of the event, by the device: what is sent again with the same one opens nothing more"`
	Topic  string     `json:"topic,omitempty" maxLength:"256" doc:"what happened" example:"door.forced"`
	At     *time.Time `json:"at,omitempty" doc:"when; absent, or when it cannot be: when it arrives"`
	Active *bool      `json:"active,omitempty" doc:"false: what the topic says is over; absent: true"`
	Text   string     `json:"text,omitempty" maxLength:"4000" doc:"for people"`

	part string // of the device, such as an input or a channel
}

var errInboundType = errors.New("the body is neither application/json nor XML")

// parseInbound reads the events of a body. Every error is the sender's and can be shown.
func parseInbound(contentType string, body []byte) ([]InboundEvent, error) {
	switch mediaTypeOf(contentType) {
	case "application/json":
		return parseEvents(body)
	case "application/soap+xml", "application/xml", "text/xml":
		return parseNotify(body)
	}
	return nil, errInboundType
}

// parseEvents reads one event or a list of them.
func parseEvents(body []byte) ([]InboundEvent, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8 text")
	}
	var list []InboundEvent
	var err error
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		err = json.Unmarshal(body, &list)
	} else {
		list = make([]InboundEvent, 1)
		if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
			return nil, errors.New("there is no event")
		}
		err = json.Unmarshal(body, &list[0])
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, fmt.Errorf("%s: a %s is not what it takes", wrong.Field, wrong.Value)
	}
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON as it must be: %.200s", err.Error())
	}
	if len(list) == 0 || len(list) > maxInboundEvents {
		return nil, fmt.Errorf("%d events, 1 to %d are taken", len(list), maxInboundEvents)
	}
	for i := range list {
		e := &list[i]
		if len(e.ID) > maxEventID || len(e.Topic) > maxEventTopic || len(e.Text) > maxEventText {
			return nil, fmt.Errorf("event %d: id and topic have at most %d bytes, text %d", i, maxEventID, maxEventText)
		}
		if e.ID == "" && e.Topic == "" && e.Text == "" {
			return nil, fmt.Errorf("event %d says nothing: give id, topic or text", i)
		}
		e.Topic, e.Text = shown(e.Topic, maxEventTopic), shown(e.Text, maxEventText)
	}
	return list, nil
}

// notify is a WS-BaseNotification Notify as ONVIF cameras push it (ONVIF Core, 9.2; the
// message is tt:Message). Prefixes differ between makers, so only local names count.
type notify struct {
	Enveloped []notification `xml:"Body>Notify>NotificationMessage"`
	Bare      []notification `xml:"NotificationMessage"`
}

type notification struct {
	Topic   string `xml:"Topic"`
	Message struct {
		Inner struct {
			Time      string     `xml:"UtcTime,attr"`
			Operation string     `xml:"PropertyOperation,attr"`
			Source    simpleList `xml:"Source"`
			Key       simpleList `xml:"Key"`
			Data      simpleList `xml:"Data"`
		} `xml:"Message"`
	} `xml:"Message"`
}

type simpleList struct {
	Items []struct {
		Name  string `xml:"Name,attr"`
		Value string `xml:"Value,attr"`
	} `xml:"SimpleItem"`
}

// parseNotify reads the messages of a notification.
func parseNotify(body []byte) ([]InboundEvent, error) {
	if err := plausibleXML(body); err != nil {
		return nil, err
	}
	var n notify
	if err := xml.Unmarshal(body, &n); err != nil {
		return nil, fmt.Errorf("the body is not XML as it must be: %.200s", shown(err.Error(), 200))
	}
	list := slices.Concat(n.Enveloped, n.Bare)
	if len(list) == 0 || len(list) > maxInboundEvents {
		return nil, fmt.Errorf("%d notification messages, 1 to %d are taken", len(list), maxInboundEvents)
	}
	events := make([]InboundEvent, 0, len(list))
	for i, m := range list {
		e, err := m.event()
		if err != nil {
			return nil, fmt.Errorf("notification message %d: %w", i, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// plausibleXML refuses what would cost more to read than any camera sends, and document
// types, which no SOAP message has (SOAP 1.2, 5).
func plausibleXML(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	depth := 0
	for range maxXMLTokens {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the body is not XML as it must be: %.200s", shown(err.Error(), 200))
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errors.New("the body has a document type, which SOAP does not allow")
		}
		if depth > maxXMLDepth {
			return fmt.Errorf("the body has more than %d levels", maxXMLDepth)
		}
	}
	return errors.New("the body has too many elements")
}

// event is a message as an event. What the message says of a state is the first item of its
// data that is true or false; without one it is an event without an end.
func (n notification) event() (InboundEvent, error) {
	m := n.Message.Inner
	topic := shown(strings.TrimSpace(n.Topic), maxEventTopic)
	if topic == "" {
		return InboundEvent{}, errors.New("has no topic")
	}
	if len(m.Source.Items)+len(m.Key.Items)+len(m.Data.Items) > maxEventItems {
		return InboundEvent{}, fmt.Errorf("has more than %d items", maxEventItems)
	}
	e := InboundEvent{Topic: topic, part: shown(strings.Join(append(m.Source.words(), m.Key.words()...), ", "), maxEventTopic), Text: shown(strings.Join(m.Data.words(), ", "), maxEventText)}
	if at, ok := onvifTime(m.Time); ok {
		e.At = &at
	}
	for _, item := range m.Data.Items {
		// ParseBool also takes t and F, which xs:boolean does not have; that harms nobody.
		if state, err := strconv.ParseBool(strings.TrimSpace(item.Value)); err == nil {
			e.Active = &state
			break
		}
	}
	if m.Operation == "Deleted" { // the property is no more, so nothing is alarmed by it
		e.Active = new(bool)
	}
	return e, nil
}

func (l simpleList) words() []string {
	out := make([]string, 0, len(l.Items))
	for _, item := range l.Items {
		out = append(out, item.Name+"="+item.Value)
	}
	return out
}

// onvifTime reads an xs:dateTime; some cameras leave the zone out and mean UTC.
func onvifTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// shown is text of a device as records may hold it: UTF-8 without control characters, and
// not too long.
func shown(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	return cut(s, most)
}
