package config

import (
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Desk is how incidents are handled. Every part is there, also when the file says nothing.
type Desk struct {
	Types    []models.Type
	Matrix   models.Matrix
	Presets  []models.Preset
	Levels   map[models.Severity]models.Level
	Outcomes []string
	Waits    []models.Wait
	Attached Attached
}

// Group is a camera group: rights are given over groups.
type Group struct {
	Name    string
	Cameras []models.CameraID
}

// Policy is how the site wants its incidents handled, with where its cameras are. It
// shares lists with c: neither side may change them.
func (c *Config) Policy() models.Policy {
	p := models.Policy{Sites: c.Sites, Matrix: c.Desk.Matrix, Types: c.Desk.Types, Presets: c.Desk.Presets,
		Levels: c.Desk.Levels, Outcomes: c.Desk.Outcomes, Waits: c.Desk.Waits,
		Groups: make(map[string][]models.CameraID, len(c.Groups)), Places: make(map[models.CameraID]models.Place, len(c.Cameras))}
	for _, g := range c.Groups {
		p.Groups[g.Name] = g.Cameras
	}
	for _, cam := range c.Cameras {
		p.Places[cam.ID] = models.Place{Site: cam.Site, Position: cam.Position}
	}
	return p
}

// deskType is a type as the file has it.
type deskType struct {
	models.Type
	enabled bool
}

// deskWait is a reason to wait as the file has it.
type deskWait struct {
	models.Wait
	enabled bool
}

// over lays entries of the file over those that come with the program, by ID: one of the
// same ID takes its place, others follow.
func over[T any](builtin, file []T, id func(T) string) []T {
	all := slices.Clone(builtin)
	for _, one := range file {
		if i := slices.IndexFunc(all, func(b T) bool { return id(b) == id(one) }); i >= 0 {
			all[i] = one
		} else {
			all = append(all, one)
		}
	}
	return all
}

// checkDesk refuses what names a site, a camera, a zone or a type that the file does not
// have: a preset that could never fit is a mistake, not a silence.
func checkDesk(d *decoder, v value, f *file) {
	for _, c := range f.Cameras {
		if c.Site == "" || slices.ContainsFunc(f.Sites, func(s models.Site) bool { return s.ID == c.Site }) {
			continue
		}
		path := join(join("cameras", string(c.ID)), "site")
		at := v.get("cameras").get(string(c.ID)).get("site")
		if at.form == formAbsent {
			path, at = "defaults.site", v.get("defaults").get("site")
		}
		names := make([]string, len(f.Sites))
		for i, s := range f.Sites {
			names[i] = s.ID
		}
		d.mistake(at.place, path, meant(c.Site, names, "name it under sites"), "there is no site %s", quoted(c.Site))
	}
	for _, g := range f.Groups {
		checkNames(d, v.get("groups").get(g.Name), join("groups", g.Name), "camera", g.Cameras, cameraIDs(f.Cameras))
	}
	for _, p := range f.Desk.Presets {
		checkPreset(d, v.get("desk").get("presets").get(p.Name), join("desk.presets", p.Name), p, f)
	}
}

func checkPreset(d *decoder, v value, path string, p models.Preset, f *file) {
	checkNames(d, v.get("cameras"), join(path, "cameras"), "camera", p.Cameras, cameraIDs(f.Cameras))
	var zones []models.ZoneID
	for _, c := range f.Cameras {
		if len(p.Cameras) > 0 && !slices.Contains(p.Cameras, c.ID) {
			continue
		}
		for _, z := range c.Zones {
			zones = append(zones, z.ID)
		}
	}
	checkNames(d, v.get("zones"), join(path, "zones"), "zone", p.Zones, zones)
	types := make([]string, len(f.Desk.Types))
	for i, t := range f.Desk.Types {
		types[i] = t.ID
	}
	if p.Type != "" && !slices.Contains(types, p.Type) && !d.wrongIn("desk.types") {
		d.mistake(v.get("type").place, join(path, "type"), meant(p.Type, types, "name it under desk.types"), "there is no type %s", quoted(p.Type))
	}
	if p.Severity == "" && p.Type == "" && len(p.Tags) == 0 && !d.wrongIn(path) {
		d.mistake(v.owner, path, "give severity, type or tags", "sets nothing")
	}
}

// checkNames refuses names in a list that are none of those there are.
func checkNames[T ~string](d *decoder, v value, path, what string, given, known []T) {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	for i, one := range given {
		at := path + indexed(i)
		switch {
		case d.wrongIn(at) || i >= len(v.items):
		case !slices.Contains(known, one):
			d.mistake(v.items[i].place, at, meant(string(one), names, ""), "there is no %s %s", what, quoted(string(one)))
		case slices.Contains(given[:i], one):
			d.mistake(v.items[i].place, at, "", "%s is named twice", quoted(string(one)))
		}
	}
}

// meant is the hint for a name that is not there.
func meant(word string, among []string, otherwise string) string {
	if near := nearest(word, among); near != "" {
		return `did you mean "` + near + `"?`
	}
	return otherwise
}

func cameraIDs(cameras []Camera) []models.CameraID {
	ids := make([]models.CameraID, len(cameras))
	for i, c := range cameras {
		ids[i] = c.ID
	}
	return ids
}
