package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Desk holds the rules by which people work on incidents: those of a site. Its methods are
// the steps of the five stages. Each checks that it is possible, changes the record and
// adds one entry to its log; one that returns an error has changed nothing.
type Desk struct {
	Policy models.Policy
}

// byRule is the reason of a severity that the rule gave.
const byRule = "rule"

// Log logs an incident that detection has found: its site, what the first preset that
// fits gives it, and the deadlines of its severity. It is for records that nobody has
// worked on yet.
func (d Desk) Log(in *models.Incident, at time.Time) {
	if in.Origin == "" {
		in.Origin = models.OriginDetection
	}
	if in.Site == "" {
		in.Site = d.Policy.Places[in.Camera].Site
	}
	in.Triage.Reason = byRule
	if p, ok := d.preset(in); ok {
		d.apply(in, p, at)
	}
	d.reckon(in, in.Severity, at)
}

// apply gives a new incident what a preset says.
func (d Desk) apply(in *models.Incident, p models.Preset, at time.Time) {
	before, kind := in.Severity, in.Triage.Type
	if p.Severity != "" {
		in.Severity, in.Triage.Reason = p.Severity, "preset "+p.Name
	}
	in.Triage.Tags = tagged(append(slices.Clone(in.Triage.Tags), p.Tags...))
	if p.Type != "" {
		in.Triage.Type = p.Type
		d.checklist(in, "")
	}
	enter(in, Program, "preset "+p.Name, "", at, changed("severity", before, in.Severity), changed("type", kind, in.Triage.Type),
		models.Changed{Field: "tags", To: strings.Join(in.Triage.Tags, ", ")})
}

// Raised logs that detection has raised the severity of an incident that it had opened.
func (d Desk) Raised(in *models.Incident, before models.Severity, at time.Time) {
	d.reckon(in, before, at)
	enter(in, Program, "severity raised", "a further event of the same incident matters more", at, changed("severity", before, in.Severity))
}

// preset is the first that fits a new incident.
func (d Desk) preset(in *models.Incident) (models.Preset, bool) {
	i := slices.IndexFunc(d.Policy.Presets, func(p models.Preset) bool {
		return anyOr(p.Kinds, in.Kind) && anyOr(p.Cameras, in.Camera) && anyOr(p.Zones, in.Zone) && anyOr(p.Labels, in.Label) &&
			hours(p.Schedule).active(in.Alarm)
	})
	if i < 0 {
		return models.Preset{}, false
	}
	return d.Policy.Presets[i], true
}

// anyOr says whether a value is one of those that are asked for; none asks for any.
func anyOr[T comparable](asked []T, v T) bool { return len(asked) == 0 || slices.Contains(asked, v) }

// Report is an incident that no camera found: somebody or something told the desk.
type Report struct {
	ID          models.IncidentID
	Origin      models.Origin
	Site        string
	Camera      models.CameraID
	Zone        models.ZoneID
	Occurred    time.Time
	Type, Sub   string
	Tags        []string
	Description string
	// Severity is given by hand, or comes from Impact and Likelihood; without both a preset
	// gives it, and without one it is medium.
	Severity           models.Severity
	Impact, Likelihood int
	Exhibit            *models.Exhibit // footage of its time and place; nil: none
}

// Open opens an incident by hand. Its footage is what people link to it, so it records none.
func (d Desk) Open(r Report, who string, at time.Time) (models.Incident, error) {
	at = at.UTC()
	if err := d.checkReport(r, at); err != nil {
		return models.Incident{}, fmt.Errorf("open: %w", err)
	}
	occurred := r.Occurred.UTC()
	in := models.Incident{ID: r.ID, Origin: r.Origin, Site: r.Site, Camera: r.Camera, Zone: r.Zone, Kind: models.KindReported,
		Severity: models.SeverityMedium, State: models.StateNew, Start: occurred, Alarm: occurred, End: occurred, Opened: at,
		Footage: models.Footage{State: models.FootageNone, AskedFrom: occurred, AskedTo: occurred}, Description: r.Description,
		Triage: models.Triage{Type: r.Type, Sub: r.Sub, Tags: tagged(r.Tags), Impact: r.Impact, Likelihood: r.Likelihood}}
	if in.Site == "" {
		in.Site = d.Policy.Places[in.Camera].Site
	}
	preset, fits := d.preset(&in)
	switch {
	case r.Severity != "":
		in.Severity, in.Triage.Reason = r.Severity, "by hand"
	case r.Impact > 0:
		in.Severity, in.Triage.Reason = d.Policy.Matrix.Severity(r.Impact, r.Likelihood), byMatrix(r.Impact, r.Likelihood)
	case fits && preset.Severity != "":
		in.Severity, in.Triage.Reason = preset.Severity, "preset "+preset.Name
	}
	if fits {
		if in.Triage.Type == "" {
			in.Triage.Type = preset.Type
		}
		in.Triage.Tags = tagged(append(in.Triage.Tags, preset.Tags...))
	}
	d.checklist(&in, "")
	if r.Exhibit != nil {
		x := *r.Exhibit
		x.By, x.At = who, at
		in.Investigation.Exhibits = []models.Exhibit{x}
	}
	d.reckon(&in, in.Severity, at)
	enter(&in, who, "opened", "", at)
	return in, nil
}

// aheadOfUs is how far before the entry's own clock the clock of whoever reports may be.
const aheadOfUs = 5 * time.Minute

func (d Desk) checkReport(r Report, at time.Time) error {
	switch {
	case r.Origin == models.OriginDetection || !slices.Contains(models.Origins(), r.Origin):
		return fmt.Errorf("origin: is one of %v: %w", models.Origins()[1:], ErrField)
	case r.Occurred.IsZero() || r.Occurred.Year() < 1970:
		return fmt.Errorf("occurred: is missing: %w", ErrField)
	case r.Occurred.After(at.Add(aheadOfUs)):
		return fmt.Errorf("occurred: lies in the future: %w", ErrField)
	case r.Site == "" && r.Camera == "":
		return fmt.Errorf("site: say where it was, by site or by camera: %w", ErrField)
	case r.Site != "" && !d.site(r.Site):
		return fmt.Errorf("site: there is no site %.60q: %w", r.Site, ErrField)
	case r.Severity != "" && r.Severity.Rank() < 0:
		return fmt.Errorf("severity: there is no severity %.60q: %w", r.Severity, ErrField)
	}
	if r.Impact != 0 || r.Likelihood != 0 {
		if d.Policy.Matrix.Severity(r.Impact, r.Likelihood) == "" {
			return fmt.Errorf("impact, likelihood: are 1 to 5 each: %w", ErrField)
		}
	}
	if err := optional("description", r.Description, MaxText); err != nil {
		return err
	}
	if r.Exhibit != nil {
		if err := checkExhibit(*r.Exhibit); err != nil {
			return err
		}
	}
	return d.checkTriage(r.Type, r.Sub, r.Tags)
}

func (d Desk) site(id string) bool {
	return slices.ContainsFunc(d.Policy.Sites, func(s models.Site) bool { return s.ID == id })
}
