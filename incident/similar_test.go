package incident

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// habit is how an offender of the drawn set works.
type habit struct {
	camera models.CameraID
	zone   models.ZoneID
	kind   models.Kind
	hour   float64
	from   models.Point // first foot point
	turns  []models.Point
	dwell  time.Duration
	words  string
	things string
}

// drawn is a set of incidents with the offender of each; 0 is nobody in particular.
type drawn struct {
	incidents []models.Incident
	offender  map[models.IncidentID]int
}

// draw makes a set from a seed: some offenders with habits, who vary them, among many who
// have none but come where and when people come.
func draw(seed uint64, offenders, each, background int) drawn {
	rng := rand.New(rand.NewPCG(seed, 1))
	cameras := []models.CameraID{"gate", "yard", "lane", "ramp"}
	zones := []models.ZoneID{"door", "fence"}
	kinds := []models.Kind{models.KindLoitering, models.KindIntrusion, models.KindReturning}
	things := []string{"red jacket", "grey hood", "white van", "blue cap", "green bag", "black helmet"}
	tools := []string{"crowbar on the hinge", "ladder against the wall", "torch with a red filter", "bicycle without lights", "bolt cutter at the chain", "hand truck with boxes"}
	random := func() habit {
		h := habit{camera: cameras[rng.IntN(len(cameras))], zone: zones[rng.IntN(len(zones))], kind: kinds[rng.IntN(len(kinds))],
			hour: 24 * rng.Float64(), dwell: time.Duration(20+rng.ExpFloat64()*240) * time.Second, things: things[rng.IntN(len(things))], words: tools[rng.IntN(len(tools))]}
		h.from = models.Point{X: rng.Float64(), Y: rng.Float64()}
		for range 3 {
			h.turns = append(h.turns, models.Point{X: rng.Float64(), Y: rng.Float64()})
		}
		return h
	}
	d := drawn{offender: map[models.IncidentID]int{}}
	one := func(h habit, who int) {
		day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(120))
		hour := math.Mod(h.hour+rng.NormFloat64()*0.6+24, 24)
		if rng.Float64() < 0.15 {
			hour = 24 * rng.Float64() // not every time
		}
		alarm := day.Add(time.Duration(hour * float64(time.Hour)))
		zone := h.zone
		if rng.Float64() < 0.2 {
			zone = zones[rng.IntN(len(zones))]
		}
		n := len(d.incidents)
		in := models.Incident{ID: models.IncidentID(fmt.Sprintf("%05d", n)), Number: int64(n + 1), Camera: h.camera, Zone: zone, Kind: h.kind,
			Label: "person", Site: "north", Alarm: alarm, State: models.StateClosed}
		dwell := time.Duration(float64(h.dwell) * math.Exp(rng.NormFloat64()*0.25))
		in.Start, in.End = alarm.Add(-dwell/2), alarm.Add(dwell/2)
		jitter := func(p models.Point) models.Point {
			return models.Point{X: p.X + rng.NormFloat64()*0.04, Y: p.Y + rng.NormFloat64()*0.04}
		}
		points := []models.PathPoint{{Foot: jitter(h.from)}}
		for _, p := range h.turns {
			points = append(points, models.PathPoint{Foot: jitter(p)})
		}
		in.Events = []models.Event{{Path: points}}
		if rng.Float64() < 0.4 { // somebody looked into it
			in.Description = "The person came with a " + h.words + " and left on foot."
			in.Investigation.Subjects = []models.Subject{{Kind: "person", Role: "suspect", Text: "about 30, " + h.things}}
		}
		d.incidents = append(d.incidents, in)
		d.offender[in.ID] = who
	}
	for who := 1; who <= offenders; who++ {
		h := random()
		for range each {
			one(h, who)
		}
	}
	// The rest come at the busy hours too, so that place and hour alone mislead.
	for range background {
		h := random()
		h.hour = []float64{22, 2, 12, 17}[rng.IntN(4)]
		one(h, 0)
	}
	return d
}

// precisionAt5 is the share of true ones among the five best, over all incidents of offenders.
func (d drawn) precisionAt5(rank func(in models.Incident, others []models.Incident) []models.IncidentID) float64 {
	hits, all := 0, 0
	for _, in := range d.incidents {
		who := d.offender[in.ID]
		if who == 0 {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(d.incidents), func(o models.Incident) bool { return o.ID == in.ID })
		best := rank(in, others)
		for _, id := range best[:min(5, len(best))] {
			if d.offender[id] == who {
				hits++
			}
		}
		all += 5
	}
	return float64(hits) / float64(all)
}

// fully is the way that the program takes: outlines, then the records of the best.
func fully(in models.Incident, others []models.Incident) []models.IncidentID {
	var outlines []models.Outline
	for _, o := range others {
		outlines = append(outlines, models.OutlineOf(o))
	}
	short := Shortlist(in, outlines, nil)
	var records []models.Incident
	for _, o := range others {
		if slices.Contains(short, o.ID) {
			records = append(records, o)
		}
	}
	var ids []models.IncidentID
	for _, m := range Similar(in, records, nil) {
		ids = append(ids, m.Incident)
	}
	return ids
}

// placeAndHour is what anybody would do without us.
func placeAndHour(in models.Incident, others []models.Incident) []models.IncidentID {
	a := models.OutlineOf(in)
	score := func(o models.Incident) float64 {
		b := models.OutlineOf(o)
		return samePlace(a, b).score + sameHour(a, b, nil).score
	}
	slices.SortStableFunc(others, func(x, y models.Incident) int {
		switch s, t := score(x), score(y); {
		case s > t:
			return -1
		case s < t:
			return 1
		}
		return 0
	})
	var ids []models.IncidentID
	for _, o := range others {
		ids = append(ids, o.ID)
	}
	return ids
}

// TestSimilarFindsTheSameHand measures on drawn sets, whose truth is known, that the
// factors together find the incidents of one offender better than place and hour alone.
func TestSimilarFindsTheSameHand(t *testing.T) {
	const margin = 0.25
	ours, plain := 0.0, 0.0
	const seeds = 2
	for seed := range uint64(seeds) {
		d := draw(seed+1, 6, 8, 300)
		ours += d.precisionAt5(fully) / seeds
		plain += d.precisionAt5(placeAndHour) / seeds
	}
	t.Logf("precision at 5: %.2f, by place and hour alone %.2f", ours, plain)
	if ours < plain+margin || ours < 0.7 {
		t.Errorf("precision at 5 is %.2f, by place and hour alone %.2f: want at least %.2f more", ours, plain, margin)
	}
}

// TestReasonsAreTrue checks each sentence that is given against the two records.
func TestReasonsAreTrue(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	clocks := Clocks(func(string) *time.Location { return vienna })
	d := draw(7, 5, 6, 300)
	told := map[Factor]int{}
	for i := range d.incidents {
		in := &d.incidents[i]
		if i%3 == 0 {
			in.Triage = models.Triage{Type: "theft", Tags: []string{"night", "tools"}}
		}
	}
	for _, in := range d.incidents[:30] {
		for _, m := range Similar(in, d.incidents, clocks) {
			o := d.incidents[m.Number-1]
			sum := 0.0
			for _, r := range m.Reasons {
				told[r.Factor]++
				sum += r.Weight * r.Score
				if r.Score < leastReason || r.Score > 1+1e-9 {
					t.Errorf("%s: score %.2f of a reason", r.Factor, r.Score)
				}
				if untrue := untrue(r, in, o, vienna); untrue != "" {
					t.Errorf("%s and %s: “%s” is not true: %s", in.ID, o.ID, r.Text, untrue)
				}
			}
			if m.Score < LeastSimilar || m.Score > 1 || sum > m.Score+1e-9 {
				t.Errorf("score %.3f, of the reasons alone %.3f", m.Score, sum)
			}
		}
	}
	for _, w := range weights {
		if told[w.factor] == 0 {
			t.Errorf("%s was never a reason in this set", w.factor)
		}
	}
}

// untrue says why a reason is not true of two records; empty: it is.
func untrue(r Reason, a, b models.Incident, place *time.Location) string {
	need := func(ok bool, why string) string {
		if ok {
			return ""
		}
		return why
	}
	x, y := a.Alarm.In(place), b.Alarm.In(place)
	switch r.Factor {
	case FactorPlace:
		if strings.HasPrefix(r.Text, "same zone") {
			return need(a.Camera == b.Camera && a.Zone == b.Zone && strings.HasSuffix(r.Text, string(a.Camera)+"/"+string(a.Zone)), "other zones")
		}
		return need(a.Camera == b.Camera && strings.HasSuffix(r.Text, string(a.Camera)), "other cameras")
	case FactorHour:
		apart := math.Abs(float64(x.Hour()*60 + x.Minute() - y.Hour()*60 - y.Minute()))
		apart = min(apart, 24*60-apart)
		return need(apart <= 91 && strings.Contains(r.Text, x.Format("15:04")) && strings.Contains(r.Text, y.Format("15:04")), fmt.Sprint(apart, " min"))
	case FactorWeekday:
		day := func(t time.Time) time.Weekday { return t.Add(-6 * time.Hour).Weekday() }
		weekend := func(d time.Weekday) bool { return d == 0 || d == 6 }
		if strings.Contains(r.Text, "weekend") {
			return need(weekend(day(x)) && weekend(day(y)), "a working day")
		}
		return need(day(x) == day(y) && strings.Contains(r.Text, day(x).String()), "other days")
	case FactorKind:
		return need(a.Kind == b.Kind, "other kinds")
	case FactorType:
		return need(a.Triage.Type == b.Triage.Type && strings.Contains(r.Text, a.Triage.Type), "other types")
	case FactorLabel:
		return need(a.Label == b.Label, "other labels")
	case FactorDwell:
		p, q := a.End.Sub(a.Start).Seconds(), b.End.Sub(b.Start).Seconds()
		return need(max(p, q)/min(p, q) <= 2.01, "one is twice as long")
	case FactorPath:
		return need(a.Camera == b.Camera && len(a.Events[0].Path) > 0, "no paths of one camera")
	case FactorEntry:
		return need(a.Camera == b.Camera && math.Cos(heading(a)-heading(b)) > 0.4, "they began in other directions")
	case FactorTags:
		return need(slices.Equal(a.Triage.Tags, b.Triage.Tags), "other tags")
	case FactorWords:
		for _, w := range strings.Split(strings.Trim(strings.TrimPrefix(r.Text, "both mention "), "“”"), "”, “") {
			for _, in := range []models.Incident{a, b} {
				if !strings.Contains(strings.ToLower(in.Description+" "+in.Investigation.Subjects[0].Text), w) {
					return "one has not " + w
				}
			}
		}
		return ""
	case FactorLooks:
		thing := strings.TrimPrefix(r.Text, "both described with ")
		return need(strings.Contains(a.Investigation.Subjects[0].Text, thing) && strings.Contains(b.Investigation.Subjects[0].Text, thing), "other looks")
	}
	return "nobody knows this factor"
}

// heading is the direction from where a path begins to where a quarter of it is walked.
func heading(in models.Incident) float64 {
	path := in.Events[0].Path
	all := 0.0
	for i := 1; i < len(path); i++ {
		all += math.Hypot(path[i].Foot.X-path[i-1].Foot.X, path[i].Foot.Y-path[i-1].Foot.Y)
	}
	at := path[0].Foot
	const steps = 10_000
	for i, gone := 1, 0.0; i < len(path); i++ {
		dx, dy := (path[i].Foot.X-path[i-1].Foot.X)/steps, (path[i].Foot.Y-path[i-1].Foot.Y)/steps
		for n := 0; n < steps && gone < all/4; n++ {
			gone += math.Hypot(dx, dy)
			at.X, at.Y = at.X+dx, at.Y+dy
		}
	}
	return math.Atan2(at.Y-path[0].Foot.Y, at.X-path[0].Foot.X)
}

func TestFactors(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	outline := func(alarm string) models.Outline {
		return models.Outline{Camera: "gate", Zone: "door", Site: "north", Alarm: at(alarm)}
	}
	base := outline("2026-03-06T23:50:00Z") // a Friday
	near := func(got, want float64) bool { return math.Abs(got-want) < 0.001 }
	for _, c := range []struct {
		name string
		got  finding
		want float64
		text string
	}{
		{"around midnight", sameHour(base, outline("2026-04-01T00:10:00Z"), nil), 1 - 20.0/180, "20 min from the same hour (23:50 and 00:10)"},
		{"half a day", sameHour(base, outline("2026-04-01T12:00:00Z"), nil), 0, "11 h 50 min from the same hour (23:50 and 12:00)"},
		{"the night after Friday", sameWeekday(base, outline("2026-03-14T02:00:00Z"), nil), 1, "both on a Friday or in the night after it"},
		{"the same Friday", sameWeekday(base, outline("2026-03-13T12:00:00Z"), nil), 1, "both on a Friday"},
		{"the weekend", sameWeekday(outline("2026-03-07T12:00:00Z"), outline("2026-03-08T12:00:00Z"), nil), 0.6, "both at the weekend"},
		{"another zone", samePlace(base, models.Outline{Camera: "gate", Zone: "fence"}), 0.7, "same camera gate"},
		{"another camera", samePlace(base, models.Outline{Camera: "yard", Site: "north"}), 0.35, "same site north"},
		{"elsewhere", samePlace(base, models.Outline{Camera: "yard", Site: "south"}), 0, ""},
		{"twice as long", sameDwell(time.Minute, 2*time.Minute), 0.5, "stayed about as long (1 min and 2 min)"},
		{"tags", sameTags([]string{"a", "b"}, []string{"b", "c"}), 1.0 / 3, "both tagged b"},
		{"plates", sameLooks(looks{plates: []string{plate("w-123 ab")}}, looks{plates: []string{plate("W 123AB")}}), 1, "same plate W123AB"},
	} {
		if !c.got.known || !near(c.got.score, c.want) || c.got.text != c.text {
			t.Errorf("%s: %+v, want %.3f %q", c.name, c.got, c.want, c.text)
		}
	}
	for name, f := range map[string]finding{
		"no dwell": sameDwell(0, time.Minute), "no type": sameType(base, base), "no tags": sameTags(nil, []string{"a"}), "no path": samePath(features{}, features{}),
		"no entry": sameEntry(features{}, features{}), "no words": corpus{}.same(nil, nil), "no looks": sameLooks(looks{}, looks{}),
		"reported": sameKind(models.Outline{Kind: models.KindReported}, models.Outline{Kind: models.KindReported}),
		"no place": samePlace(models.Outline{}, base), "vague label": sameLabel(models.Outline{Label: models.LabelUnknown}, models.Outline{Label: models.LabelUnknown}),
	} {
		if f.known {
			t.Errorf("%s: %+v, want nothing known", name, f)
		}
	}
	sum := 0.0
	for _, w := range weights {
		sum += w.weight
	}
	if !near(sum, 1) {
		t.Errorf("the weights are %v together, want 1", sum)
	}
}

func TestPathsAreComparedWhereverTheyAre(t *testing.T) {
	walk := func(dx, dy float64, points ...models.Point) features {
		var path []models.PathPoint
		for _, p := range points {
			path = append(path, models.PathPoint{Foot: models.Point{X: p.X + dx, Y: p.Y + dy}})
		}
		return featuresOf(models.Incident{Camera: "gate", Events: []models.Event{{Path: path}}})
	}
	bend := []models.Point{{X: 0, Y: 0}, {X: 0.3, Y: 0}, {X: 0.3, Y: 0.3}}
	back := []models.Point{{X: 0.3, Y: 0.3}, {X: 0.3, Y: 0}, {X: 0, Y: 0}}
	a := walk(0.1, 0.1, bend...)
	if f := samePath(a, walk(0.5, 0.4, bend...)); f.score < 0.999 || f.text != "the same way through the picture" {
		t.Errorf("the same bend elsewhere: %+v", f)
	}
	if f := samePath(a, walk(0, 0, back...)); f.score > 0.2 {
		t.Errorf("the way back: %+v", f)
	}
	if f := sameEntry(a, walk(0.5, 0.4, bend...)); f.score < 0.999 || f.text != "the same way in, from the left" {
		t.Errorf("entry: %+v", f)
	}
	if f := sameEntry(a, walk(0, 0, back...)); f.score > 0.01 {
		t.Errorf("entry of the way back: %+v", f)
	}
	still := walk(0, 0, models.Point{X: .5, Y: .5}, models.Point{X: .505, Y: .5})
	if f := samePath(a, still); !f.known || f.score != 0 {
		t.Errorf("one stood: %+v", f)
	}
	if f := samePath(still, walk(0.2, 0.2, models.Point{X: .5, Y: .5}, models.Point{X: .5, Y: .51})); f.score != 1 {
		t.Errorf("both stood: %+v", f)
	}
	// The leash of a man and a dog that walk side by side is as long as the street is wide.
	p := []models.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 2, Y: 0}}
	q := []models.Point{{X: 0, Y: 1}, {X: 1, Y: 3}, {X: 2, Y: 1}}
	if got := frechet(p, q); math.Abs(got-3) > 1e-9 {
		t.Errorf("Fréchet distance %v, want 3", got)
	}
	if got := resample([]models.Point{{X: 0, Y: 0}, {X: 0, Y: 0}, {X: 1, Y: 0}}, 5); math.Abs(got[2].X-0.5) > 1e-9 || len(got) != 5 {
		t.Errorf("resampled: %v", got)
	}
}

func TestSimilarLeavesOut(t *testing.T) {
	day := time.Date(2026, 3, 6, 23, 0, 0, 0, time.UTC)
	in := models.Incident{ID: "a", Camera: "gate", Zone: "door", Kind: models.KindLoitering, Label: "person", Start: day.Add(-time.Minute), Alarm: day, End: day.Add(time.Minute),
		Events: []models.Event{{Path: []models.PathPoint{{Foot: models.Point{X: .1, Y: .5}}, {Foot: models.Point{X: .9, Y: .5}}}}}}
	same, merged, nuisance := in, in, in
	same.ID, merged.ID, nuisance.ID = "b", "c", "d"
	merged.Linked.Into = "b"
	nuisance.Judgement = &models.Judgement{Verdict: models.VerdictNuisance}
	var outlines []models.Outline
	for _, o := range []models.Incident{in, same, same, nuisance} {
		outlines = append(outlines, models.OutlineOf(o))
	}
	if got := Shortlist(in, outlines, nil); !slices.Equal(got, []models.IncidentID{"b"}) {
		t.Errorf("shortlist: %v", got)
	}
	if got := Similar(in, []models.Incident{in, same, merged}, nil); len(got) != 1 || got[0].Incident != "b" {
		t.Errorf("similar: %+v", got)
	}
	other := same
	other.Camera, other.Alarm, other.Label, other.Kind = "yard", day.Add(7*time.Hour), "car", models.KindMotion
	if got := Similar(in, []models.Incident{other}, nil); len(got) != 0 {
		t.Errorf("not alike: %+v", got)
	}
}
