package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

type remarkStep struct {
	OneIncident
	Keyed
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"20000" example:"The tenant says that the door was locked at 21:00."`
	}
}

type taskStep struct {
	OneIncident
	Keyed
	Body struct {
		Stage string    `json:"stage" enum:"assess,alert,secure,document,debrief,review"`
		Text  string    `json:"text" minLength:"1" maxLength:"4000" example:"Ask the neighbour for footage of their door"`
		Owner string    `json:"owner,omitempty" maxLength:"64" doc:"user name; empty: anybody"`
		Due   time.Time `json:"due,omitzero"`
	}
}

type taskChange struct {
	OneIncident
	Task string `path:"task" maxLength:"200"`
	Body struct {
		Action string    `json:"action" enum:"done,skip,open,delegate" doc:"tick it off; say why it is not needed; take either back; say who is to do it until when"`
		Why    string    `json:"why,omitempty" maxLength:"4000" doc:"needed to skip"`
		Owner  string    `json:"owner,omitempty" maxLength:"64" doc:"to delegate; empty: anybody"`
		Due    time.Time `json:"due,omitzero" doc:"to delegate; absent: any time"`
	}
}

type statementStep struct {
	OneIncident
	Keyed
	Body struct {
		Witness string    `json:"witness" minLength:"1" maxLength:"200" example:"Cleo Novak"`
		Contact string    `json:"contact,omitempty" maxLength:"200"`
		Text    string    `json:"text" minLength:"1" maxLength:"20000" doc:"in the words of the witness; a correction is a new statement that names the old one"`
		TakenAt time.Time `json:"taken_at,omitzero" doc:"absent: now"`
	}
}

type subjectStep struct {
	OneIncident
	Keyed
	Body struct {
		Kind  string `json:"kind" enum:"person,vehicle"`
		Role  string `json:"role" enum:"suspect,witness,victim,staff,other"`
		Text  string `json:"text" minLength:"1" maxLength:"20000" example:"red jacket, dark trousers, limps"`
		Plate string `json:"plate,omitempty" maxLength:"200" doc:"of a vehicle"`
		Name  string `json:"name,omitempty" maxLength:"200" doc:"when it is known from elsewhere"`
	}
}

type markStep struct {
	OneIncident
	Keyed
	Body struct {
		When time.Time `json:"when" doc:"by the clock of the footage"`
		Text string    `json:"text" minLength:"1" maxLength:"4000" example:"He tries the handle"`
	}
}

type exhibitStep struct {
	OneIncident
	Keyed
	Body struct {
		Camera   string    `json:"camera,omitempty" maxLength:"64" doc:"of continuous footage; absent with an incident"`
		From     time.Time `json:"from,omitzero"`
		To       time.Time `json:"to,omitzero"`
		Incident string    `json:"incident,omitempty" maxLength:"256" doc:"whose clip it is; its camera and times are those of the clip unless given"`
		Note     string    `json:"note,omitempty" maxLength:"4000"`
	}
}

type effortStep struct {
	OneIncident
	Keyed
	Body struct {
		From  time.Time     `json:"from,omitzero" doc:"absent: the time that was spent ends now"`
		Spent time.Duration `json:"spent_ns,omitempty" minimum:"0" maximum:"86400000000000" doc:"absent or 0: a timer starts" example:"900000000000"`
		Note  string        `json:"note,omitempty" maxLength:"4000"`
	}
}

type deliveryStep struct {
	OneIncident
	Keyed
	Body struct {
		To        string `json:"to" minLength:"1" maxLength:"200" doc:"person and body" example:"Insp. Huber, Vienna police"`
		Why       string `json:"why" minLength:"1" maxLength:"4000" example:"investigation of a theft"`
		Reference string `json:"reference,omitempty" maxLength:"200" doc:"theirs"`
		How       string `json:"how" minLength:"1" maxLength:"200" example:"by hand on a stick"`
		SHA256    string `json:"sha256,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"of the package"`
	}
}

func (s *Server) describeInvestigation(api huma.API) {
	huma.Register(api, needs(models.RightWork, deskOp("note-incident", http.MethodPost, "/api/incidents/{id}/notes",
		"Write a note", "Into the log, in every state.", 404, 409)), s.remark)
	huma.Register(api, needs(models.RightWork, deskOp("add-task", http.MethodPost, "/api/incidents/{id}/tasks", "Add a task", "", 404, 409)),
		func(ctx context.Context, in *taskStep) (*incidentAnswer, error) {
			t := models.Task{ID: s.entryID(ctx, in.ID, in.Keyed), Stage: in.Body.Stage, Text: in.Body.Text, Owner: in.Body.Owner, Due: in.Body.Due}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if err := s.officer(rec, t.Owner, models.RightWork); err != nil {
					return err
				}
				return d.AddTask(rec, who, t, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("change-task", http.MethodPut, "/api/incidents/{id}/tasks/{task}", "Tick a task off, skip it, or say who is to do it",
		"Each is an entry of the log. Two people can work on different tasks at the same time.", 404, 409)), s.changeTask)
	huma.Register(api, needs(models.RightInvestigate, deskOp("add-statement", http.MethodPost, "/api/incidents/{id}/statements", "Add what a witness said",
		"Kept apart from what the footage shows, and never changed.", 404, 409)),
		func(ctx context.Context, in *statementStep) (*incidentAnswer, error) {
			b := in.Body
			v := models.Statement{ID: s.entryID(ctx, in.ID, in.Keyed), Witness: b.Witness, Contact: b.Contact, Text: b.Text, TakenAt: b.TakenAt}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.AddStatement(rec, who, v, at)
			})
		})
	huma.Register(api, needs(models.RightInvestigate, deskOp("add-subject", http.MethodPost, "/api/incidents/{id}/subjects", "Describe a person or a vehicle",
		"In words. There are no biometrics.", 404, 409)),
		func(ctx context.Context, in *subjectStep) (*incidentAnswer, error) {
			b := in.Body
			v := models.Subject{ID: s.entryID(ctx, in.ID, in.Keyed), Kind: b.Kind, Role: b.Role, Text: b.Text, Plate: b.Plate, Name: b.Name}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.AddSubject(rec, who, v, at)
			})
		})
	huma.Register(api, needs(models.RightInvestigate, deskOp("add-mark", http.MethodPost, "/api/incidents/{id}/marks", "Point at a moment in the footage", "", 404, 409)),
		func(ctx context.Context, in *markStep) (*incidentAnswer, error) {
			v := models.Mark{ID: s.entryID(ctx, in.ID, in.Keyed), When: in.Body.When, Text: in.Body.Text}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.AddMark(rec, who, v, at)
			})
		})
	huma.Register(api, needs(models.RightInvestigate, deskOp("add-exhibit", http.MethodPost, "/api/incidents/{id}/exhibits", "Link footage",
		"Of another camera, another time or another incident. It takes the right footage over the camera.", 404, 409)), s.addExhibit)
	huma.Register(api, needs(models.RightWork, deskOp("add-effort", http.MethodPost, "/api/incidents/{id}/effort", "Log time spent, or start a timer",
		"One timer for each person and incident. It ends with the incident at the latest.", 404, 409)),
		func(ctx context.Context, in *effortStep) (*incidentAnswer, error) {
			e := models.Effort{ID: s.entryID(ctx, in.ID, in.Keyed), From: in.Body.From, Spent: in.Body.Spent, Note: in.Body.Note}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if e.Spent == 0 {
					return d.StartTimer(rec, who, e, at)
				}
				return d.AddEffort(rec, who, e, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("stop-effort", http.MethodPost, "/api/incidents/{id}/effort/stop", "Stop one's own timer", "", 404, 409)),
		func(ctx context.Context, in *OneIncident) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.StopTimer(rec, who, at)
			})
		})
	huma.Register(api, needs(models.RightExport, deskOp("add-delivery", http.MethodPost, "/api/incidents/{id}/deliveries", "Record that evidence was handed over", "", 404, 409)),
		func(ctx context.Context, in *deliveryStep) (*incidentAnswer, error) {
			b := in.Body
			v := models.Delivery{ID: s.entryID(ctx, in.ID, in.Keyed), To: b.To, Why: b.Why, Reference: b.Reference, How: b.How, SHA256: b.SHA256}
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.AddDelivery(rec, who, v, at)
			})
		})
}

func (s *Server) remark(ctx context.Context, in *remarkStep) (*incidentAnswer, error) {
	id := s.entryID(ctx, in.ID, in.Keyed)
	return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
		return d.Remark(rec, who, id, in.Body.Text, at)
	})
}

func (s *Server) changeTask(ctx context.Context, in *taskChange) (*incidentAnswer, error) {
	b := in.Body
	return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
		switch b.Action {
		case "done":
			return d.Tick(rec, who, in.Task, at)
		case "skip":
			return d.Skip(rec, who, in.Task, b.Why, at)
		case "open":
			return d.Untick(rec, who, in.Task, at)
		}
		if err := s.officer(rec, b.Owner, models.RightWork); err != nil {
			return err
		}
		return d.Delegate(rec, who, in.Task, b.Owner, b.Due, at)
	})
}

func (s *Server) addExhibit(ctx context.Context, in *exhibitStep) (*incidentAnswer, error) {
	b := in.Body
	x := models.Exhibit{ID: s.entryID(ctx, in.ID, in.Keyed), Camera: models.CameraID(b.Camera), From: b.From, To: b.To,
		Incident: models.IncidentID(b.Incident), Note: b.Note}
	if x.Incident != "" {
		of, err := s.incident(ctx, b.Incident, models.RightFootage)
		if err != nil {
			return nil, err
		}
		if x.Camera == "" {
			x.Camera = of.Camera
		}
		if x.Camera != of.Camera {
			return nil, huma.Error422UnprocessableEntity("camera: is not that of the incident")
		}
		if x.From.IsZero() {
			x.From = of.Footage.From
		}
		if x.To.IsZero() {
			x.To = of.Footage.To
		}
	} else if err := s.cameraFor(ctx, x.Camera, models.RightFootage); err != nil {
		return nil, err
	}
	return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
		return d.AddExhibit(rec, who, x, at)
	})
}
