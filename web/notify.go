package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// Notify is what tells people outside the console.
type Notify interface {
	// Channels lists the channels in the order of the configuration, and says how many
	// notices were dropped since the start because too many waited. With an error the
	// channels are there without what waits for them.
	Channels(context.Context) ([]Channel, uint64, error)
	// Test sends a test notice by a channel at once; the error is fs.ErrNotExist when there is
	// none of that name. How it went is in the dispatch.
	Test(ctx context.Context, channel, who string) (models.Dispatch, error)
	// Deliveries is the log of deliveries, newest notice first.
	Deliveries(context.Context, storage.DeliveryQuery) (storage.DeliveryPage, error)
}

// Channel is a way to tell people, without its secrets. The counters are of this process.
type Channel struct {
	Name        string              `json:"name" example:"pager"`
	Type        string              `json:"type" enum:"webhook,mail"`
	Target      string              `json:"target" doc:"whom it reaches: the host of a webhook, the addresses of mail" example:"hooks.example.org"`
	Kinds       []models.NoticeKind `json:"kinds" doc:"what it is told; empty: everything"`
	MinSeverity models.Severity     `json:"min_severity" enum:"low,medium,high,critical"`
	Groups      []string            `json:"groups" doc:"camera groups; empty: all cameras"`
	Schedule    []models.Schedule   `json:"schedule" doc:"when it is told; empty: always"`
	Still       bool                `json:"still" doc:"the picture of the alarm goes along"`
	RateMost    int                 `json:"rate_most" doc:"single messages within rate_within_ns, at most; 0: no bound. The rest is summed up"`
	RateWithin  time.Duration       `json:"rate_within_ns"`
	Waiting     int                 `json:"waiting" doc:"notices that are still to be delivered"`
	Delivered   uint64              `json:"delivered" doc:"messages delivered since the start"`
	Failed      uint64              `json:"failed" doc:"notices that were refused for good since the start"`
	Errors      uint64              `json:"errors" doc:"attempts that went wrong since the start"`
	Failures    int                 `json:"failures" doc:"attempts in a row that went wrong; 0: the channel works"`
	// FailingSince is set exactly while Failures is not 0.
	FailingSince time.Time `json:"failing_since,omitzero"`
	LastError    string    `json:"last_error,omitempty" doc:"of the last attempt, without secrets"`
	LastSent     time.Time `json:"last_sent,omitzero"`
}

// Channels are the channels and what became of notices that found no room.
type Channels struct {
	Items   []Channel `json:"items"`
	Dropped uint64    `json:"dropped" doc:"notices that were dropped since the start because too many waited: the least severe first"`
}

// Delivered is one notice on its way through one channel.
type Delivered struct {
	ID       string               `json:"id" doc:"of the notice; the same notice has one for each channel"`
	Channel  string               `json:"channel" example:"pager"`
	Kind     models.NoticeKind    `json:"kind" enum:"opened,due,missed,assigned,escalated,test"`
	State    models.DispatchState `json:"state" enum:"waiting,delivered,failed,dropped"`
	Incident models.IncidentID    `json:"incident,omitempty"`
	Number   int64                `json:"number,omitempty" doc:"of the incident"`
	Severity models.Severity      `json:"severity,omitempty"`
	Camera   models.CameraID      `json:"camera,omitempty"`
	Promise  models.Promise       `json:"promise,omitempty" enum:"acknowledge,respond,resolve" doc:"whose deadline it is about"`
	Due      time.Time            `json:"due,omitzero"`
	At       time.Time            `json:"at" doc:"when it became due to be told"`
	Message  string               `json:"message,omitempty" doc:"the ID of the message that it went out with; others with the same one were in the same summary"`
	Attempts int                  `json:"attempts"`
	Next     time.Time            `json:"next,omitzero" doc:"of the next attempt, while it waits"`
	Done     time.Time            `json:"done,omitzero"`
	Error    string               `json:"error,omitempty" doc:"of the last attempt"`
}

// DeliveryPage is a part of the log of deliveries.
type DeliveryPage struct {
	Items []Delivered `json:"items"`
	Next  string      `json:"next" doc:"cursor of the next page; empty on the last"`
}

type deliveryQuery struct {
	Channels []string `query:"channel,explode" maxItems:"64" doc:"repeat for several"`
	States   []string `query:"state,explode" maxItems:"8" enum:"waiting,delivered,failed,dropped"`
	Kinds    []string `query:"kind,explode" maxItems:"8" enum:"opened,due,missed,assigned,escalated,test"`
	Incident string   `query:"incident" maxLength:"256"`
	Limit    int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After    string   `query:"after" maxLength:"1024" doc:"the cursor next of the page before"`
}

type oneChannel struct {
	Channel string `path:"channel" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" patternDescription:"a channel's name" doc:"name of the channel"`
}

func delivered(d models.Dispatch) Delivered {
	n := d.Notice
	return Delivered{ID: n.ID, Channel: d.Channel, Kind: n.Kind, State: d.State, Incident: n.Incident.ID, Number: n.Incident.Number,
		Severity: n.Incident.Severity, Camera: n.Incident.Camera, Promise: n.Promise, Due: n.Due, At: n.At, Message: d.Message,
		Attempts: d.Attempts, Next: d.Next, Done: d.Done, Error: d.Error}
}

func (s *Server) describeNotify(api huma.API) {
	tags := []string{"notify"}
	huma.Register(api, needs(models.RightAdminister, huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/api/notify", Tags: tags,
		Summary: "How people outside the console are told", Description: "Every channel with its state, without its secrets.",
		Errors: []int{401, 403, 501},
	}), func(ctx context.Context, _ *struct{}) (*struct{ Body Channels }, error) {
		if s.Notify == nil {
			return nil, absent("telling people outside the console")
		}
		all, dropped, err := s.Notify.Channels(ctx)
		if err != nil {
			return nil, s.fail(ctx, "channels", err)
		}
		out := Channels{Items: orEmpty(all), Dropped: dropped}
		for i := range out.Items {
			c := &out.Items[i]
			c.Kinds, c.Groups, c.Schedule = orEmpty(c.Kinds), orEmpty(c.Groups), orEmpty(c.Schedule)
		}
		return &struct{ Body Channels }{out}, nil
	})
	huma.Register(api, needs(models.RightAdminister, huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/api/notify/{channel}/test", Tags: tags,
		Summary: "Send a test notice", Description: "At once, past the channel's filters, schedule and rate. The answer says how it " +
			"went: delivered, or failed with the error. It is in the log of deliveries too.",
		Errors: []int{401, 403, 404, 501},
	}), func(ctx context.Context, in *oneChannel) (*struct{ Body Delivered }, error) {
		if s.Notify == nil {
			return nil, absent("telling people outside the console")
		}
		d, err := s.Notify.Test(ctx, in.Channel, requestOf(ctx).who.user)
		if err != nil {
			return nil, s.fail(ctx, "channel "+in.Channel, err)
		}
		return &struct{ Body Delivered }{delivered(d)}, nil
	})
	huma.Register(api, needs(models.RightAdminister, huma.Operation{
		OperationID: "list-deliveries", Method: http.MethodGet, Path: "/api/notify/deliveries", Tags: tags,
		Summary: "The log of deliveries", Description: "What waits and what became of the rest in the last 90 days, newest notice first.",
		Errors: []int{400, 401, 403, 422, 501}, RejectUnknownQueryParameters: true,
	}), func(ctx context.Context, q *deliveryQuery) (*struct{ Body DeliveryPage }, error) {
		if s.Notify == nil {
			return nil, absent("telling people outside the console")
		}
		page, err := s.Notify.Deliveries(ctx, storage.DeliveryQuery{Channels: q.Channels, States: named[models.DispatchState](q.States),
			Kinds: named[models.NoticeKind](q.Kinds), Incident: models.IncidentID(q.Incident), Limit: q.Limit, After: q.After})
		if err != nil {
			return nil, s.fail(ctx, "deliveries", err)
		}
		out := DeliveryPage{Items: make([]Delivered, len(page.Items)), Next: page.Next}
		for i, d := range page.Items {
			out.Items[i] = delivered(d)
		}
		return &struct{ Body DeliveryPage }{out}, nil
	})
}

// notifyMetrics reads the figures of the channels at the moment of a scrape. It is a
// prometheus.Collector.
type notifyMetrics struct{ notify Notify }

func perChannel(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("vedette_notify_"+name, help, []string{"channel"}, nil)
}

var (
	notifyWaiting   = perChannel("waiting", "Notices that are still to be delivered.")
	notifyFailing   = perChannel("failing", "Attempts in a row that went wrong; 0 while the channel works.")
	notifyDelivered = perChannel("messages_total", "Messages delivered.")
	notifyErrors    = perChannel("errors_total", "Attempts that went wrong and are tried again unless they were refused for good.")
	notifyFailed    = perChannel("failed_total", "Messages that were refused for good.")
	notifyDropped   = prometheus.NewDesc("vedette_notify_dropped_total", "Notices dropped because too many waited.", nil, nil)
)

// Describe implements prometheus.Collector.
func (notifyMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{notifyWaiting, notifyFailing, notifyDelivered, notifyErrors, notifyFailed, notifyDropped} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m notifyMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	all, dropped, err := m.notify.Channels(ctx)
	for _, c := range all {
		counter := func(d *prometheus.Desc, v uint64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), c.Name)
		}
		if err == nil { // else it is not known what waits
			ch <- prometheus.MustNewConstMetric(notifyWaiting, prometheus.GaugeValue, float64(c.Waiting), c.Name)
		}
		ch <- prometheus.MustNewConstMetric(notifyFailing, prometheus.GaugeValue, float64(c.Failures), c.Name)
		counter(notifyDelivered, c.Delivered)
		counter(notifyErrors, c.Errors)
		counter(notifyFailed, c.Failed)
	}
	ch <- prometheus.MustNewConstMetric(notifyDropped, prometheus.CounterValue, float64(dropped))
}
