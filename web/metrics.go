package web

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette-cctv/vedette/models"
)

// Metrics reads the figures of the program at the moment of a scrape: there is no
// second set of counters that could disagree with the console's. Fields that are nil
// are left out. It is a prometheus.Collector.
type Metrics struct {
	Health  func() []models.Health
	Storage func() StorageStatus
	// Open counts the incidents that are not closed.
	Open func(context.Context) (int, error)
	Hub  *Hub
}

// countTimeout bounds the one query of a scrape.
const countTimeout = 2 * time.Second

var (
	byCamera = []string{"camera"}
	byFile   = []string{"kind"} // attachment or exhibit
)

func perCamera(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("vedette_camera_"+name, help, byCamera, nil)
}

// The metrics of one camera, as read from its health.
var cameraMetrics = []struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(models.Health) float64
}{
	{perCamera("up", "1 while the camera is connected."), prometheus.GaugeValue, func(h models.Health) float64 {
		if h.Connection == models.Connected {
			return 1
		}
		return 0
	}},
	{perCamera("access_units_total", "Access units received."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Units) }},
	{perCamera("received_bytes_total", "Bytes of video received."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Bytes) }},
	{perCamera("packets_lost_total", "RTP packets lost between camera and us."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Lost) }},
	{perCamera("decode_errors_total", "Access units that could not be decoded."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Broken) }},
	{perCamera("frames_total", "Frames decoded."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Frames) }},
	{perCamera("frames_analysed_total", "Frames that the detectors have seen."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Analysed) }},
	{perCamera("frames_shed_total", "Frames dropped for a newer one or for want of a worker."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Shed) }},
	{perCamera("object_looks_total", "Frames that the object detector looked at."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Looks) }},
	{perCamera("object_looks_refused_total", "Looks of the object detector that models.budget had no room for."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.LooksOver) }},
	{perCamera("object_looks_failed_total", "Looks in which the object detector failed."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.LooksBad) }},
	{perCamera("sessions_total", "Connections made to the camera."), prometheus.CounterValue, func(h models.Health) float64 { return float64(h.Sessions) }},
	{perCamera("buffered_seconds", "Length of the pre-roll buffer."), prometheus.GaugeValue, func(h models.Health) float64 { return h.Buffered.Seconds() }},
	{perCamera("buffered_bytes", "Size of the pre-roll buffer."), prometheus.GaugeValue, func(h models.Health) float64 { return float64(h.BufferSize) }},
	{perCamera("clock_offset_seconds", "The camera's clock minus ours; 0 when the camera does not tell its time."), prometheus.GaugeValue, func(h models.Health) float64 { return h.Offset.Seconds() }},
	{perCamera("last_frame_timestamp_seconds", "When the newest frame was taken, in Unix time; 0 before the first."), prometheus.GaugeValue, func(h models.Health) float64 {
		if h.LastFrame.IsZero() {
			return 0
		}
		return float64(h.LastFrame.UnixNano()) / 1e9
	}},
}

// troubleDesc is of each kind of trouble for every camera, so that an alert can be written
// before there ever was any.
var troubleDesc = prometheus.NewDesc("vedette_camera_trouble", "1 while there is trouble of this kind with the camera itself.", []string{"camera", "kind"}, nil)

// The metrics of the program as a whole.
var (
	openDesc         = prometheus.NewDesc("vedette_incidents_open", "Incidents that are not closed.", nil, nil)
	pendingDesc      = prometheus.NewDesc("vedette_upload_pending", "Incidents whose evidence is not yet in the bucket.", nil, nil)
	pendingBytesDesc = prometheus.NewDesc("vedette_upload_pending_bytes", "Bytes of evidence not yet in the bucket.", nil, nil)
	oldestDesc       = prometheus.NewDesc("vedette_upload_oldest_age_seconds", "How long the oldest evidence has waited for the bucket; 0 when none does.", nil, nil)
	uploadErrorsDesc = prometheus.NewDesc("vedette_upload_errors_total", "Uploads that went wrong and are tried again.", nil, nil)
	filesDesc        = prometheus.NewDesc("vedette_files_pending", "Files that people attached, and copies of footage that they linked, not yet in the bucket.", byFile, nil)
	filesFailingDesc = prometheus.NewDesc("vedette_files_failing", "Attempts in a row to store them that went wrong; 0 while it goes well.", byFile, nil)
	orphansDesc      = prometheus.NewDesc("vedette_files_orphans", "Files on the local disk whose incident the index does not know.", byFile, nil)
	clientsDesc      = prometheus.NewDesc("vedette_events_clients", "Clients on the stream of events.", nil, nil)
	droppedDesc      = prometheus.NewDesc("vedette_events_clients_dropped_total", "Clients cut off the stream of events because they did not keep up.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range cameraMetrics {
		ch <- c.desc
	}
	for _, d := range []*prometheus.Desc{troubleDesc, openDesc, pendingDesc, pendingBytesDesc, oldestDesc, uploadErrorsDesc, filesDesc, filesFailingDesc, orphansDesc, clientsDesc, droppedDesc} {
		ch <- d
	}
	if m.Hub != nil {
		m.Hub.alert.Describe(ch)
		m.Hub.count.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	if m.Health != nil {
		for _, h := range m.Health() {
			for _, c := range cameraMetrics {
				ch <- prometheus.MustNewConstMetric(c.desc, c.kind, c.read(h), string(h.Camera))
			}
			for _, kind := range models.HealthKinds() {
				v := 0.0
				if slices.Contains(h.Troubles, kind) {
					v = 1
				}
				ch <- prometheus.MustNewConstMetric(troubleDesc, prometheus.GaugeValue, v, string(h.Camera), string(kind))
			}
		}
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	if m.Open != nil {
		ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
		n, err := m.Open(ctx)
		cancel()
		if err == nil { // else the metric is absent, which is what an unknown number is
			gauge(openDesc, float64(n))
		}
	}
	if m.Storage != nil {
		st := m.Storage()
		gauge(pendingDesc, float64(st.Pending))
		gauge(pendingBytesDesc, float64(st.PendingBytes))
		age := 0.0
		if !st.Oldest.IsZero() {
			age = max(0, time.Since(st.Oldest).Seconds())
		}
		gauge(oldestDesc, age)
		ch <- prometheus.MustNewConstMetric(uploadErrorsDesc, prometheus.CounterValue, float64(st.Errors))
		for _, f := range []struct {
			kind models.ObjectRole
			FileStatus
		}{{models.RoleAttachment, st.Attachments}, {models.RoleExhibit, st.Exhibits}} {
			of := func(d *prometheus.Desc, v int) {
				ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), string(f.kind))
			}
			of(filesDesc, f.Pending)
			of(filesFailingDesc, f.Failing)
			of(orphansDesc, f.Orphans)
		}
	}
	if m.Hub != nil {
		st := m.Hub.Stats()
		gauge(clientsDesc, float64(st.Clients))
		ch <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(st.Dropped))
		m.Hub.alert.Collect(ch)
		m.Hub.count.Collect(ch)
	}
}
