package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// What is found out is only added: a correction is a new entry that names the old one. An
// entry whose ID is there already is the same one once more, and changes nothing.

// AddStatement adds what a witness said.
func (d Desk) AddStatement(in *models.Incident, who string, s models.Statement, at time.Time) error {
	list := in.Investigation.Statements
	if slices.ContainsFunc(list, func(old models.Statement) bool { return old.ID == s.ID }) {
		return nil
	}
	if err := notClosed("add a statement", in); err != nil {
		return err
	}
	if err := line("witness", s.Witness); err != nil {
		return err
	}
	if err := optional("contact", s.Contact, MaxLine); err != nil {
		return err
	}
	if err := prose("text", s.Text, MaxText); err != nil {
		return err
	}
	if s.TakenAt.IsZero() {
		s.TakenAt = at
	}
	if s.TakenAt.After(at.Add(aheadOfUs)) {
		return fmt.Errorf("taken_at: lies in the future: %w", ErrField)
	}
	if err := room("statements", list); err != nil {
		return err
	}
	s.TakenAt, s.By, s.At = s.TakenAt.UTC(), who, at.UTC()
	in.Investigation.Statements = append(slices.Clone(list), s)
	enter(in, who, "statement added", s.Witness, at)
	return nil
}

// SubjectKinds and SubjectRoles are what a subject can be.
func SubjectKinds() []string { return []string{"person", "vehicle"} }

// SubjectRoles are what a subject has to do with the incident.
func SubjectRoles() []string { return []string{"suspect", "witness", "victim", "staff", "other"} }

// AddSubject adds a person or a vehicle as somebody described it.
func (d Desk) AddSubject(in *models.Incident, who string, s models.Subject, at time.Time) error {
	list := in.Investigation.Subjects
	if slices.ContainsFunc(list, func(old models.Subject) bool { return old.ID == s.ID }) {
		return nil
	}
	if err := notClosed("add a subject", in); err != nil {
		return err
	}
	switch {
	case !slices.Contains(SubjectKinds(), s.Kind):
		return fmt.Errorf("kind: is one of %s: %w", strings.Join(SubjectKinds(), ", "), ErrField)
	case !slices.Contains(SubjectRoles(), s.Role):
		return fmt.Errorf("role: is one of %s: %w", strings.Join(SubjectRoles(), ", "), ErrField)
	case s.Plate != "" && s.Kind != "vehicle":
		return fmt.Errorf("plate: belongs to a vehicle: %w", ErrField)
	}
	if err := prose("text", s.Text, MaxText); err != nil {
		return err
	}
	if err := optional("plate", s.Plate, MaxLine); err != nil {
		return err
	}
	if err := optional("name", s.Name, MaxLine); err != nil {
		return err
	}
	if err := room("subjects", list); err != nil {
		return err
	}
	s.By, s.At = who, at.UTC()
	in.Investigation.Subjects = append(slices.Clone(list), s)
	enter(in, who, "subject added", s.Kind+", "+s.Role, at)
	return nil
}

// AddMark points at a moment in the footage.
func (d Desk) AddMark(in *models.Incident, who string, m models.Mark, at time.Time) error {
	list := in.Investigation.Marks
	if slices.ContainsFunc(list, func(old models.Mark) bool { return old.ID == m.ID }) {
		return nil
	}
	if err := notClosed("add a mark", in); err != nil {
		return err
	}
	if m.When.IsZero() {
		return fmt.Errorf("when: is missing: %w", ErrField)
	}
	if err := prose("text", m.Text, MaxNote); err != nil {
		return err
	}
	if err := room("marks", list); err != nil {
		return err
	}
	m.When, m.By, m.At = m.When.UTC(), who, at.UTC()
	in.Investigation.Marks = append(slices.Clone(list), m)
	enter(in, who, "mark added", m.Text, at)
	return nil
}

// MaxExhibit is the longest footage that one exhibit can be: as much as one recall gives.
const MaxExhibit = 12 * time.Hour

// AddExhibit links footage: of another camera, another time or another incident.
func (d Desk) AddExhibit(in *models.Incident, who string, x models.Exhibit, at time.Time) error {
	list := in.Investigation.Exhibits
	if slices.ContainsFunc(list, func(old models.Exhibit) bool { return old.ID == x.ID }) {
		return nil
	}
	if err := notClosed("add an exhibit", in); err != nil {
		return err
	}
	if err := checkExhibit(x); err != nil {
		return err
	}
	if x.Incident == in.ID {
		return fmt.Errorf("incident: its own footage belongs to it already: %w", ErrField)
	}
	if err := room("exhibits", list); err != nil {
		return err
	}
	x.From, x.To, x.By, x.At = x.From.UTC(), x.To.UTC(), who, at.UTC()
	in.Investigation.Exhibits = append(slices.Clone(list), x)
	enter(in, who, "exhibit added", fmt.Sprintf("%s, %s to %s", x.Camera, stamp(x.From), stamp(x.To)), at)
	return nil
}

func checkExhibit(x models.Exhibit) error {
	switch {
	case x.Camera == "":
		return fmt.Errorf("camera: is missing: %w", ErrField)
	case x.From.IsZero() || !x.To.After(x.From):
		return fmt.Errorf("to: is not after from: %w", ErrField)
	case x.To.Sub(x.From) > MaxExhibit:
		return fmt.Errorf("to: is more than 24 h after from: %w", ErrField)
	}
	return optional("note", x.Note, MaxNote)
}

// AddAttachment adds a file that is stored under a.Key.
func (d Desk) AddAttachment(in *models.Incident, who string, a models.Attachment, at time.Time) error {
	if err := notClosed("attach", in); err != nil {
		return err
	}
	list := in.Investigation.Attachments
	if slices.ContainsFunc(list, func(old models.Attachment) bool { return old.ID == a.ID }) {
		return nil
	}
	if err := line("name", a.Name); err != nil {
		return err
	}
	if err := optional("type", a.Type, MaxLine); err != nil {
		return err
	}
	if err := optional("note", a.Note, MaxNote); err != nil {
		return err
	}
	if err := room("attachments", list); err != nil {
		return err
	}
	a.By, a.At = who, at.UTC()
	in.Investigation.Attachments = append(slices.Clone(list), a)
	enter(in, who, "file attached", a.Name, at)
	return nil
}

// AddDelivery records that evidence was handed over. It is possible in every state.
func (d Desk) AddDelivery(in *models.Incident, who string, v models.Delivery, at time.Time) error {
	if slices.ContainsFunc(in.Deliveries, func(old models.Delivery) bool { return old.ID == v.ID }) {
		return nil
	}
	if err := line("to", v.To); err != nil {
		return err
	}
	if err := prose("why", v.Why, MaxNote); err != nil {
		return err
	}
	if err := line("how", v.How); err != nil {
		return err
	}
	if err := optional("reference", v.Reference, MaxLine); err != nil {
		return err
	}
	if v.SHA256 != "" && !isSHA256(v.SHA256) {
		return fmt.Errorf("sha256: is 64 lower-case hex digits: %w", ErrField)
	}
	if err := room("deliveries", in.Deliveries); err != nil {
		return err
	}
	v.By, v.At = who, at.UTC()
	in.Deliveries = append(slices.Clone(in.Deliveries), v)
	enter(in, who, "evidence delivered", "to "+v.To+": "+v.Why, at)
	return nil
}

func isSHA256(s string) bool {
	return len(s) == 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// Remark adds a note to the log, unless one of that ID stands there already. It is possible
// in every state.
func (d Desk) Remark(in *models.Incident, who, id, text string, at time.Time) error {
	if id != "" && slices.ContainsFunc(in.Log, func(a models.Action) bool { return a.ID == id }) {
		return nil
	}
	if err := prose("note", text, MaxText); err != nil {
		return err
	}
	enter(in, who, "noted", text, at)
	in.Log[len(in.Log)-1].ID = id
	return nil
}
