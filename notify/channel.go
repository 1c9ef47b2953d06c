package notify

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Channel is a way to tell people, and what they are told by it.
type Channel struct {
	Name string
	Type string // "webhook" or "mail", to show
	// Target says whom it reaches, without secrets, to show.
	Target string
	Route  Route
	Rate   Rate
	// Timeout bounds one delivery.
	Timeout time.Duration
	// Still has the picture of the alarm sent along.
	Still  bool
	Sender Sender
	// Mark names the configuration of the channel: a channel whose mark is the same goes
	// on as it is when others change.
	Mark string
}

// Route says what a channel is told. Empty fields do not limit.
type Route struct {
	Kinds       []models.NoticeKind
	MinSeverity models.Severity
	Groups      []string // camera groups
	// Schedule is when the channel is told: what happens outside of it is not told later.
	Schedule []models.Schedule
	// OnlyConcerned leaves out what concerns no single person: the channel has no fixed
	// receiver.
	OnlyConcerned bool
}

// Rate bounds the messages of a channel: Most single ones within Within. Beyond that there is
// one message every tenth of Within, which sums up what has come meanwhile: a flood of
// small alarms, which somebody may cause on purpose, holds back a bad one no longer.
type Rate struct {
	Most   int // 0: no bound
	Within time.Duration
}

// gap is the least time between two messages beyond Most.
func (r Rate) gap() time.Duration { return max(r.Within/10, time.Second) }

// takes says whether a channel is told of a notice about a camera in these groups.
func (r Route) takes(n models.Notice, groups []string) bool {
	if len(r.Kinds) > 0 && !slices.Contains(r.Kinds, n.Kind) {
		return false
	}
	if r.MinSeverity != "" && n.Incident.Severity.Rank() < r.MinSeverity.Rank() {
		return false
	}
	if len(r.Groups) > 0 && !slices.ContainsFunc(r.Groups, func(g string) bool { return slices.Contains(groups, g) }) {
		return false
	}
	if r.OnlyConcerned && len(n.To) == 0 {
		return false
	}
	return len(r.Schedule) == 0 || slices.ContainsFunc(r.Schedule, func(s models.Schedule) bool { return s.Active(n.At) })
}
