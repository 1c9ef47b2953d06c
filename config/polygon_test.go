package config

import (
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

func TestOutline(t *testing.T) {
	for _, c := range []struct {
		name    string
		corners models.Polygon
		want    string
	}{
		{"triangle", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, ""},
		{"other way round", models.Polygon{{X: 1, Y: 1}, {X: 1, Y: 0}, {X: 0, Y: 0}}, ""},
		{"corner on a straight edge", models.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, ""},
		{"L", models.Polygon{{X: 0, Y: 0}, {X: 0.9, Y: 0}, {X: 0.9, Y: 0.3}, {X: 0.3, Y: 0.3}, {X: 0.3, Y: 0.9}, {X: 0, Y: 0.9}}, ""},
		{"arrow", models.Polygon{{X: 0.1, Y: 0.1}, {X: 0.9, Y: 0.5}, {X: 0.1, Y: 0.9}, {X: 0.4, Y: 0.5}}, ""},
		{"small", models.Polygon{{X: 0.5, Y: 0.5}, {X: 0.502, Y: 0.5}, {X: 0.502, Y: 0.502}}, ""},
		{"too small", models.Polygon{{X: 0.5, Y: 0.5}, {X: 0.501, Y: 0.5}, {X: 0.501, Y: 0.501}}, "covers no area"},
		{"line", models.Polygon{{X: 0.1, Y: 0.1}, {X: 0.5, Y: 0.5}, {X: 0.9, Y: 0.9}}, "covers no area"},
		{"there and back", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0.5, Y: 0}, {X: 0.2, Y: 0}}, "covers no area"},
		{"bow tie", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 1, Y: 0}, {X: 0, Y: 1}}, "the outline crosses or touches itself"},
		{"crosses with area left", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 1, Y: 0}, {X: 0, Y: 0.4}}, "the outline crosses or touches itself"},
		{"corner touches an edge", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.5, Y: 0}, {X: 0, Y: 1}}, "the outline crosses or touches itself"},
		{"two corners in one place", models.Polygon{{X: 0, Y: 0}, {X: 0.4, Y: 0.2}, {X: 0, Y: 0.4}, {X: 1, Y: 0.4}, {X: 0.4, Y: 0.2}, {X: 1, Y: 0}}, "the outline crosses or touches itself"},
		{"edge along an edge", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.8, Y: 0}, {X: 0.2, Y: 0}, {X: 0, Y: 1}}, "the outline crosses or touches itself"},
		{"spike", models.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 0.9}, {X: 0.5, Y: 0.5}, {X: 0, Y: 0.5}}, "the outline crosses or touches itself"},
		{"spike at the end", models.Polygon{{X: 0.5, Y: 0}, {X: 0.5, Y: 0.5}, {X: 0, Y: 0.5}, {X: 0, Y: 0}, {X: 0.9, Y: 0}}, "the outline crosses or touches itself"},
		{"repeated corner", models.Polygon{{X: 0, Y: 0}, {X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, "two neighbouring corners are the same"},
		{"closed ring", models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 0}}, "two neighbouring corners are the same"},
	} {
		// What a polygon is does not depend on the corner that it is told from.
		for turn := range c.corners {
			turned := append(append(models.Polygon{}, c.corners[turn:]...), c.corners[:turn]...)
			if got, _ := outline(turned); got != c.want {
				t.Errorf("%s from corner %d: got %q, want %q", c.name, turn, got, c.want)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"url", "detect_url", "zones", "pre_roll", "post_roll", "transport", "timeout", "name", "dwell"}
	for word, want := range map[string]string{
		"zonse": "zones", "zone": "zones", "Zones": "zones", "pre-roll": "pre_roll", "preroll": "pre_roll", "postroll": "post_roll",
		"trnsport": "transport", "detecturl": "detect_url", "timout": "timeout", "dwell_time": "dwell", "nmae": "name",
		"": "", "x": "", "hwaccel": "", "ffmpeg": "", string(make([]byte, 1000)): "",
	} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest to %q: got %q, want %q", word, got, want)
		}
	}
}
