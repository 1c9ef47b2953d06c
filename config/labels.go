package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// label is the name of a class. Where the classes of the weights are known, another name
// could never match and is refused.
func label() shape[string] {
	s := text(regexp.MustCompile(`^\S(.{0,62}\S)?$`), "the name of a class such as person")
	read := s.read
	s.read = func(d *decoder, v value, path string, into *string) {
		if read(d, v, path, into); *into == "" || d.labels == nil || slices.Contains(d.labels, *into) {
			return
		}
		hint := ""
		if near := nearest(*into, d.labels); near != "" {
			hint = `did you mean "` + near + `"?`
		}
		d.mistake(v.place, path, hint, "the weights know no class %s", d.shown(v))
	}
	return s
}

// checkLabels refuses labels that nothing on this camera can give a track.
func checkLabels(d *decoder, v value, path string, c *Camera) {
	if c.Detect.Objects {
		return
	}
	for _, zone := range c.Zones {
		for i, rule := range zone.Rules {
			if len(rule.Labels) == 0 || slices.Contains(rule.Labels, models.LabelUnknown) {
				continue
			}
			at := join(join(join(path, "zones"), string(zone.ID)), "rules") + indexed(i)
			held := v.get("zones").get(string(zone.ID)).get("rules").items[i].get("labels")
			d.mistake(held.owner, join(at, "labels"), "", "no track gets a label while detect.objects is false")
		}
	}
}

// labelsOf are the labels that tracks can have with these weights; nil when they are not
// known here.
func labelsOf(weights string) []string {
	if !strings.HasPrefix(weights, "yolox_") {
		return nil
	}
	return append([]string{models.LabelUnknown}, models.COCO()...)
}
