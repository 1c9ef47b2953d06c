package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		name string
		film film
		want []string // kind, start, alarm and end in seconds
	}{
		{"nothing", drawn(60 * time.Second), nil},
		{"frozen", spoil(drawn(90*time.Second), 20, 70, freeze()), []string{"frozen 20 50 69.5"}},
		{"frozen for too short", spoil(drawn(60*time.Second), 20, 45, freeze()), nil},
		{"black", spoil(drawn(60*time.Second), 20, 40, fill(whole, 0, 0, 0)), []string{"blank 20 25 39.5"}},
		{"black, with a sensor's noise", spoil(drawn(60*time.Second), 20, 40, fill(whole, 10, 0, 10)), []string{"blank 20 25 39.5"}},
		{"blue screen", spoil(drawn(60*time.Second), 20, 40, fill(whole, 41, 0, 0)), []string{"blank 20 25 39.5"}},
		{"white", spoil(drawn(60*time.Second), 20, 40, fill(whole, 250, 0, 2)), []string{"blank 20 25 39.5"}},
		{"hand", spoil(drawn(60*time.Second), 20, 40, fill(whole, 70, 40, 3)), []string{"covered 20 25 39.5"}},
		{"dark cloth over most of it", spoil(drawn(60*time.Second), 20, 40, fill(middle(0.8), 25, 10, 2)), []string{"covered 20 25 39.5"}},
		{"bright paint over most of it", spoil(drawn(60*time.Second), 20, 40, fill(middle(0.7), 230, 10, 2)), []string{"covered 20 25 39.5"}},
		{"hand for three seconds", spoil(drawn(60*time.Second), 20, 23, fill(whole, 70, 40, 3)), nil},
		{"hand at once", spoil(drawn(60*time.Second), 0, 40, fill(whole, 70, 40, 3)), nil},
		{"out of focus", spoil(drawn(90*time.Second), 20, 70, blur(0.01, 3)), []string{"defocused 20 50 69.5"}},
		{"far out of focus", spoil(drawn(90*time.Second), 20, 70, blur(0.04, 3)), []string{"defocused 20 50 69.5"}},
		{"slightly soft", spoil(drawn(90*time.Second), 20, 70, soften(0.3)), nil},
		{"turned a little", spoil(drawn(60*time.Second), 20, 45, turn(0.08, 0.03)), []string{"moved 20 30 44.5"}},
		{"turned far", spoil(drawn(60*time.Second), 20, 45, turn(0.6, 0.4)), []string{"moved 20 30 44.5"}},
		{"knocked and back within For", spoil(drawn(60*time.Second), 20, 28, turn(0.6, 0.4)), nil},
		{"trembling", spoil(drawn(60*time.Second), 20, 60, shake(3)), nil},
		{"lorry before half of it", spoil(drawn(60*time.Second), 20, 60, lorry(models.Box{X: 0, Y: 0.1, W: 0.5, H: 0.9})), nil},
		{"light off and on", spoil(drawn(60*time.Second), 20, 40, light(0.25, 6)), nil},
		{"light off but for a little, and on", spoil(drawn(60*time.Second), 20, 40, light(0.1, 3)), nil},
		{"more light", spoil(drawn(60*time.Second), 20, 40, light(1.5, 3)), nil},
		{"infrared", spoil(drawn(90*time.Second), 20, 80, infrared()), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			events := watch(newDetector(rules()), c.film)
			if got := told(events); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
				for _, e := range events {
					t.Logf("%s %s %v", e.Phase, e.Rule.Kind, e.Why)
				}
			}
		})
	}
}
