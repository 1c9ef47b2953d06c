package web

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// audit notes what somebody did that concerns no evidence. Logging in must work on the day
// on which the log cannot be written, or nobody could answer an alarm: what is not noted
// then stands in the log of the program.
func (s *Server) audit(ctx context.Context, c models.Custody) {
	if s.Custody == nil {
		return
	}
	if err := s.enter(ctx, c); err != nil {
		s.Log.Error("custody: an act could not be logged", "act", c.Act, "who", c.Who, "note", c.Note, "error", err)
	}
}

// overseen notes changes of people and of tokens, which do not happen when they cannot be
// noted.
func (s *Server) overseen(ctx context.Context) people.Witness {
	return func(act models.Act, note string) error {
		return s.witnessAlways(ctx, models.Custody{Act: act, Note: note})
	}
}

// refuse answers 403, and notes it once in a session and for an operation.
func (s *Server) refuse(ctx context.Context, detail, note string) error {
	q := requestOf(ctx)
	s.Log.Warn("refused", "operation", q.operation, "why", note, "user", q.who.user, "addr", q.addr.String())
	if s.Custody != nil {
		// The answer stays the same when the log cannot be written: nothing is given out.
		_ = s.sessions.once(ctx, q.who.token, "refused "+q.operation, func() error {
			s.audit(ctx, models.Custody{Act: models.ActRefused, Note: q.operation + " " + note})
			return nil
		})
	}
	return huma.Error403Forbidden(detail)
}

// changed tells everybody of an incident that whoever asks has changed, and notes by what:
// the name of the action only, which says nothing of anybody.
func (s *Server) changed(ctx context.Context, in models.Incident) {
	s.tell(in)
	note := ""
	if who := requestOf(ctx).who.user; len(in.Log) > 0 {
		for _, a := range slices.Backward(in.Log) {
			if a.Who == who {
				note = a.What
				break
			}
		}
	}
	s.audit(ctx, models.Custody{Act: models.ActChanged, Incident: in.ID, Camera: in.Camera, Note: note})
}

// tell tells everybody of an incident that is different now.
func (s *Server) tell(in models.Incident) {
	if err := s.Events.Publish(KindIncident, in); err != nil {
		s.Log.Error("publish", "incident", in.ID, "error", err)
	}
}
