package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

type mergeStep struct {
	OneIncident
	Body struct {
		Incidents []string `json:"incidents" minItems:"1" maxItems:"50" doc:"IDs of those that are the same occurrence; they are closed"`
		Reason    string   `json:"reason" minLength:"1" maxLength:"4000" example:"the same man at two cameras"`
	}
}

type bulkStep struct {
	Body struct {
		Incidents []string `json:"incidents" minItems:"1" maxItems:"200" doc:"their IDs"`
		Action    string   `json:"action" enum:"acknowledge,judge,acknowledge_and_judge"`
		Verdict   string   `json:"verdict,omitempty" enum:"true,nuisance" doc:"to judge"`
		Nuisance  string   `json:"nuisance,omitempty" enum:"rain,headlight,animal,shadow,insect,reflection,known_person,other" doc:"what a nuisance came from"`
		Reason    string   `json:"reason" minLength:"1" maxLength:"4000" doc:"for the log of each" example:"storm, all cameras of the yard"`
	}
}

// BulkResult is what became of one incident of many.
type BulkResult struct {
	Incident string `json:"incident"`
	Status   int    `json:"status" doc:"as an HTTP status: 200 when it was done" example:"200"`
	Detail   string `json:"detail,omitempty" doc:"why it was not"`
}

func (s *Server) describeLinks(api huma.API) {
	huma.Register(api, needs(models.RightAssign, deskOp("merge-incidents", http.MethodPost, "/api/incidents/{id}/merge",
		"Merge incidents into this one", "Those that are the same occurrence: they are closed, and their footage stays with them.", 404, 409)), s.merge)
	huma.Register(api, needs(models.RightAssign, deskOp("unmerge-incident", http.MethodPost, "/api/incidents/{id}/unmerge",
		"Part an incident from the one that it was merged into", "It goes on by itself.", 404, 409)), s.unmerge)
	huma.Register(api, needs(models.RightView, deskOp("list-duplicates", http.MethodGet, "/api/incidents/{id}/duplicates",
		"Incidents that may be the same occurrence", "At the same camera or site, at overlapping or near times, with the reasons. Nothing is merged by itself.", 404)),
		s.duplicates)
	huma.Register(api, needs(models.RightWork, deskOp("suggest-officers", http.MethodGet, "/api/incidents/{id}/suggest",
		"Whom to send", "Officers on duty who may and can deal with it, nearest first, each with the reasons; and who was left out, with why. "+
			"What each has to do already is counted over the cameras that whoever asks may see.", 404)),
		s.suggest)
	huma.Register(api, needs(models.RightWork, deskOp("change-incidents", http.MethodPost, "/api/incidents/bulk",
		"Acknowledge or judge many incidents", "At most 200, for one reason. Each is done or refused by itself; the answer tells for each.")), s.bulk)
}

// merge closes incidents that are the same occurrence as another: all of them, or none.
// Merges wait for each other, so that two in opposite directions cannot close both.
func (s *Server) merge(ctx context.Context, in *mergeStep) (*incidentAnswer, error) {
	s.linking.Lock()
	defer s.linking.Unlock()
	for _, id := range in.Body.Incidents {
		if _, err := s.incident(ctx, id, models.RightAssign); err != nil {
			return nil, err
		}
	}
	who, at, d, id := requestOf(ctx).who.user, s.Now().UTC(), s.desk(), models.IncidentID(in.ID)
	var into models.Incident
	var all []models.Incident // that became other than they were: the same may be asked twice
	if err := s.Incidents.Together(ctx, func(r storage.Records) error {
		all = nil
		grown := false
		for _, other := range in.Body.Incidents {
			from, err := r.Get(models.IncidentID(other))
			if err != nil {
				return err
			}
			var different bool
			if into, different, err = editIn(r, id, func(rec *models.Incident) error { return d.Absorb(rec, from, who, in.Body.Reason, at) }); err != nil {
				return err
			}
			grown = grown || different
			closed, different, err := editIn(r, from.ID, func(rec *models.Incident) error { return d.MergeInto(rec, into, who, in.Body.Reason, at) })
			if err != nil {
				return err
			}
			if different {
				all = append(all, closed)
			}
		}
		if grown {
			all = append(all, into)
		}
		return nil
	}); err != nil {
		return nil, s.fail(ctx, "incident "+in.ID, err)
	}
	for _, one := range all {
		s.changed(ctx, one)
		if one.ID != id && s.Closed != nil {
			s.Closed(one)
		}
	}
	return answerOf(into), nil
}

// editIn is edit within a transaction.
func editIn(r storage.Records, id models.IncidentID, step func(*models.Incident) error) (models.Incident, bool, error) {
	return edit(func(change func(*models.Incident) error) (models.Incident, error) { return r.Update(id, change) }, step)
}

func (s *Server) unmerge(ctx context.Context, in *reasonStep) (*incidentAnswer, error) {
	s.linking.Lock()
	defer s.linking.Unlock()
	who, at, d, id := requestOf(ctx).who.user, s.Now().UTC(), s.desk(), models.IncidentID(in.ID)
	var all []models.Incident
	if err := s.Incidents.Together(ctx, func(r storage.Records) error {
		all = nil
		found, err := r.Get(id)
		if err != nil {
			return err
		}
		if into := found.Linked.Into; into != "" {
			parted, err := r.Update(into, func(rec *models.Incident) error { return d.Part(rec, found, who, in.Body.Reason, at) })
			if err != nil {
				return err
			}
			all = append(all, parted)
		}
		alone, err := r.Update(id, func(rec *models.Incident) error { return d.Unmerge(rec, who, in.Body.Reason, at) })
		all = append(all, alone)
		return err
	}); err != nil {
		return nil, s.fail(ctx, "incident "+in.ID, err)
	}
	for _, one := range all {
		s.changed(ctx, one)
	}
	return answerOf(all[len(all)-1]), nil
}

func (s *Server) duplicates(ctx context.Context, in *OneIncident) (*struct{ Body []incident.Duplicate }, error) {
	found, err := s.incident(ctx, in.ID, models.RightView)
	if err != nil {
		return nil, err
	}
	to := found.End
	if to.IsZero() {
		to = found.Alarm
	}
	q := storage.Query{From: found.Start.Add(-incident.NearTime), To: to.Add(incident.NearTime), Brief: true, Limit: storage.MaxLimit}
	var none bool
	if q.Cameras, none = s.visible(ctx, models.RightView, nil); none {
		return &struct{ Body []incident.Duplicate }{[]incident.Duplicate{}}, nil
	}
	page, err := s.Incidents.List(ctx, q)
	if err != nil {
		return nil, s.fail(ctx, "incidents", err)
	}
	return &struct{ Body []incident.Duplicate }{s.desk().Duplicates(found, page.Items)}, nil
}

func (s *Server) suggest(ctx context.Context, in *OneIncident) (*struct{ Body incident.Suggestion }, error) {
	found, err := s.incident(ctx, in.ID, models.RightWork)
	if err != nil {
		return nil, err
	}
	var officers []models.Officer
	if s.Officers != nil {
		officers = s.Officers()
	}
	// How much each has to do is counted over what whoever asks may see: a count tells of
	// incidents, too.
	q, open := openQuery, map[string]int{}
	var none bool
	if q.Cameras, none = s.visible(ctx, models.RightView, nil); none {
		officers = nil
	}
	for _, o := range officers {
		q.Officers = []string{o.User}
		if open[o.User], err = s.Incidents.Count(ctx, q); err != nil {
			return nil, s.fail(ctx, "incidents", err)
		}
	}
	return &struct{ Body incident.Suggestion }{s.desk().Suggest(found, officers, open, s.Now())}, nil
}

func (s *Server) bulk(ctx context.Context, in *bulkStep) (*struct{ Body []BulkResult }, error) {
	b := in.Body
	judges := b.Action != "acknowledge"
	if judges != (b.Verdict != "") {
		return nil, huma.Error422UnprocessableEntity("verdict: is needed to judge, and for nothing else")
	}
	ids := slices.Clone(b.Incidents)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(b.Incidents) {
		return nil, huma.Error422UnprocessableEntity("incidents: one is named twice")
	}
	results := make([]BulkResult, len(b.Incidents))
	for i, id := range b.Incidents {
		results[i] = BulkResult{Incident: id, Status: http.StatusOK}
		err := s.bulkOne(ctx, id, func(rec *models.Incident, who string, at time.Time) error {
			note := b.Reason
			if judges {
				note = "" // it goes with the judgement
			}
			if b.Action != "judge" {
				if err := incident.Acknowledge(rec, who, note, at); err != nil {
					return err
				}
			}
			if !judges {
				return nil
			}
			return incident.Judge(rec, models.Judgement{Verdict: models.Verdict(b.Verdict), Reason: models.Nuisance(b.Nuisance), Note: b.Reason, By: who, At: at})
		})
		if err != nil {
			results[i].Status, results[i].Detail = http.StatusInternalServerError, err.Error()
			if answered := huma.StatusError(nil); errors.As(err, &answered) {
				results[i].Status = answered.GetStatus()
			}
		}
	}
	return &struct{ Body []BulkResult }{results}, nil
}

// bulkOne takes a step on one of many incidents, over whose camera whoever asks must have
// the right to work.
func (s *Server) bulkOne(ctx context.Context, id string, step func(*models.Incident, string, time.Time) error) error {
	if !isIncidentID(id) {
		return huma.Error404NotFound("there is no such thing: incident")
	}
	if _, err := s.incident(ctx, id, models.RightWork); err != nil {
		return err
	}
	_, err := s.change(ctx, id, step)
	return err
}
