package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Stages are those of the response procedure, in order, and the review after it.
func Stages() []string { return []string{"assess", "alert", "secure", "document", "debrief", "review"} }

// settled says that nothing more is to be done about a task.
func settled(t models.Task) bool { return !t.Done.IsZero() || t.Skipped != "" }

// checklist puts the steps of the incident's type into its tasks. Those of the type before
// go where nobody has touched them.
func (d Desk) checklist(in *models.Incident, before string) {
	tasks := slices.DeleteFunc(slices.Clone(in.Investigation.Tasks), func(t models.Task) bool {
		return !settled(t) && t.Owner == "" && t.Due.IsZero() && isStep(t.ID, before)
	})
	t, _ := d.kind(in.Triage.Type)
	for i, step := range t.Checklist {
		id := t.ID + "-" + strconv.Itoa(i+1)
		if slices.ContainsFunc(tasks, func(t models.Task) bool { return t.ID == id || t.Stage == step.Stage && t.Text == step.Text }) {
			continue
		}
		tasks = append(tasks, models.Task{ID: id, Stage: step.Stage, Text: step.Text})
	}
	in.Investigation.Tasks = tasks
}

// isStep says whether a task came from the checklist of a type.
func isStep(id, kind string) bool {
	n, ok := strings.CutPrefix(id, kind+"-")
	if !ok || kind == "" {
		return false
	}
	_, err := strconv.Atoi(n)
	return err == nil
}

// AddTask adds something to do.
func (d Desk) AddTask(in *models.Incident, who string, t models.Task, at time.Time) error {
	if slices.ContainsFunc(in.Investigation.Tasks, func(old models.Task) bool { return old.ID == t.ID }) {
		return nil
	}
	if err := notClosed("add a task", in); err != nil {
		return err
	}
	if !slices.Contains(Stages(), t.Stage) {
		return fmt.Errorf("stage: is one of %s: %w", strings.Join(Stages(), ", "), ErrField)
	}
	if err := prose("text", t.Text, MaxNote); err != nil {
		return err
	}
	if err := optional("owner", t.Owner, MaxLine); err != nil {
		return err
	}
	if err := room("tasks", in.Investigation.Tasks); err != nil {
		return err
	}
	in.Investigation.Tasks = append(slices.Clone(in.Investigation.Tasks),
		models.Task{ID: t.ID, Stage: t.Stage, Text: t.Text, Owner: t.Owner, Due: utc(t.Due)})
	enter(in, who, "task added", t.Text, at)
	return nil
}

// Tick says that a task is done.
func (d Desk) Tick(in *models.Incident, who, id string, at time.Time) error {
	return d.settle(in, id, func(t *models.Task) {
		t.Done, t.DoneBy = now(in, at), who
		enter(in, who, "task done", t.Text, at)
	})
}

// Skip says why a task is not needed.
func (d Desk) Skip(in *models.Incident, who, id, why string, at time.Time) error {
	if err := prose("why", why, MaxNote); err != nil {
		return err
	}
	return d.settle(in, id, func(t *models.Task) {
		t.Skipped, t.DoneBy = why, who
		enter(in, who, "task skipped", t.Text, at, models.Changed{Field: "skipped", To: why})
	})
}

// Untick takes back that a task is settled.
func (d Desk) Untick(in *models.Incident, who, id string, at time.Time) error {
	if err := notClosed("untick", in); err != nil {
		return err
	}
	t, err := d.task(in, id)
	if err != nil || !settled(*t) {
		return err
	}
	was := models.Changed{Field: "done", From: t.DoneBy}
	if t.Skipped != "" {
		was = models.Changed{Field: "skipped", From: t.Skipped}
	}
	t.Done, t.DoneBy, t.Skipped = time.Time{}, "", ""
	enter(in, who, "task open again", t.Text, at, was)
	return nil
}

// Delegate says who is to do a task, and until when; empty and zero: anybody, any time.
func (d Desk) Delegate(in *models.Incident, who, id, owner string, due time.Time, at time.Time) error {
	if err := notClosed("delegate", in); err != nil {
		return err
	}
	if err := optional("owner", owner, MaxLine); err != nil {
		return err
	}
	t, err := d.task(in, id)
	if err != nil {
		return err
	}
	before := *t
	t.Owner, t.Due = owner, utc(due)
	if before != *t {
		enter(in, who, "task delegated", t.Text, at, changed("owner", before.Owner, t.Owner), changed("due", stamp(before.Due), stamp(t.Due)))
	}
	return nil
}

// settle ends a task that is open.
func (d Desk) settle(in *models.Incident, id string, end func(*models.Task)) error {
	if err := notClosed("settle a task", in); err != nil {
		return err
	}
	t, err := d.task(in, id)
	switch {
	case err != nil:
		return err
	case t.Skipped != "":
		return fmt.Errorf("task: %s has skipped it: %w", t.DoneBy, ErrState)
	case !t.Done.IsZero():
		return fmt.Errorf("task: %s has done it: %w", t.DoneBy, ErrState)
	}
	end(t)
	return nil
}

// task is one to change, in a list of its own.
func (d Desk) task(in *models.Incident, id string) (*models.Task, error) {
	i := slices.IndexFunc(in.Investigation.Tasks, func(t models.Task) bool { return t.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("task %.60q: %w", id, ErrNone)
	}
	in.Investigation.Tasks = slices.Clone(in.Investigation.Tasks)
	return &in.Investigation.Tasks[i], nil
}

// utc keeps zero zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// stamp is a time in words; zero: nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
