package storage

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// search is a query with everything worked out that needs no incident.
type search struct {
	q      Query
	fields []field
	alarms alarmRange
	// places are the combinations of camera, zone, kind and label that fit the query's
	// limits on those.
	places []int64
	atlas  *atlas
	terms  []term
	tags   []any // as words
	// severities are the priorities that any incident has; only where they are walked.
	severities []int
	// nothing says that no incident can fit.
	nothing bool
}

// term is a word of the query's text. An incident has it in the names of its place or in
// its notes.
type term struct {
	word   string
	places []int64 // whose names have it
	noted  bool    // some incident has it in its notes
	number string  // ID of the incident with this number; empty when there is none
}

// findable says whether any incident can have the word.
func (t term) findable() bool { return len(t.places) > 0 || t.noted || t.number != "" }

// places beyond this many are told apart by their columns, not one by one.
const maxPlaces = 24

func (x *sqlIndex) search(ctx context.Context, q Query) (search, error) {
	s := search{q: q}
	var err error
	if s.fields, err = q.fields(); err != nil {
		return s, err
	}
	if s.alarms, err = x.reach(ctx, q); err != nil {
		return s, err
	}
	if s.atlas, err = x.places(ctx); err != nil {
		return s, err
	}
	s.places = s.atlas.fitting(s.fields)
	s.tags = distinct(q.Tags, func(tag string) any { return tagWord(tag) })
	if len(s.tags) > maxValues {
		return s, fmt.Errorf("query: %d tags, at most %d", len(s.tags), maxValues)
	}
	if len(q.Numbers) > 0 {
		ids, err := x.numbered(ctx, distinct(q.Numbers, func(n int64) any { return n }))
		if err != nil || len(ids) == 0 {
			s.nothing = true
			return s, err
		}
		s.fields = append(s.fields, field{"id", ids})
	}
	words := wordsOf(q.Text)
	for _, word := range words[:min(len(words), maxWords)] {
		s.terms = append(s.terms, term{word: word, places: s.atlas.byWord[word]})
	}
	s.nothing = len(s.places) == 0
	if q.order() == OrderQueue || !q.DueBefore.IsZero() {
		if s.severities, err = x.severities(ctx); err != nil {
			return s, err
		}
		s.nothing = s.nothing || len(s.priorities()) == 0
	}
	for i, t := range s.terms {
		if s.terms[i].noted, err = x.noted(ctx, t.word); err != nil {
			return s, err
		}
		if n, err := strconv.ParseInt(t.word, 10, 64); err == nil && strconv.FormatInt(n, 10) == t.word {
			ids, err := x.numbered(ctx, []any{n})
			if err != nil {
				return s, err
			}
			if len(ids) > 0 {
				s.terms[i].number = ids[0].(string)
			}
		}
		s.nothing = s.nothing || !s.terms[i].findable()
	}
	return s, nil
}

// numbered are the IDs of incidents by their numbers.
func (x *sqlIndex) numbered(ctx context.Context, numbers []any) ([]any, error) {
	if len(numbers) > maxValues {
		return nil, fmt.Errorf("query: %d numbers, at most %d", len(numbers), maxValues)
	}
	w := where{bind: x.bind}
	w.in("number", numbers)
	rows, err := x.read.QueryContext(ctx, "SELECT id FROM incidents"+w.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []any
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// fitting are the places that fit the limits of a query.
func (a *atlas) fitting(fields []field) []int64 {
	fields = slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return !slices.Contains(placeColumns, f.column) })
	if len(fields) == 0 {
		return a.numbers
	}
	var out []int64
	for _, p := range a.all {
		if !slices.ContainsFunc(fields, func(f field) bool { return !slices.Contains(f.values, any(p.column(f.column))) }) {
			out = append(out, p.number)
		}
	}
	return out
}

func (x *sqlIndex) noted(ctx context.Context, word string) (bool, error) {
	w := where{bind: x.bind}
	n := 0
	err := x.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM words WHERE word = "+w.arg(word)+" LIMIT 1) AS one", w.args...).Scan(&n)
	return n > 0, err
}

// group is one way in which incidents can have the words of a text: some in the names of
// their places, others in their notes, one as the number. The groups of a query are
// disjoint.
type group struct {
	places []int64 // only these
	texted bool    // places follow from the text too, not from the columns alone
	notes  []string
	only   string   // ID of the one incident that it can be
	not    []string // IDs of those that it cannot be
	either []term   // words beyond the bound on groups; looked for in both
}

// maxGroups bounds the ways that are told apart.
const maxGroups = 8

func (s search) groups() []group {
	groups := []group{{places: s.places}}
	for _, t := range s.terms {
		if len(groups) >= maxGroups && t.noted && (len(t.places) > 0 || t.number != "") {
			for i := range groups {
				groups[i].either = append(slices.Clip(groups[i].either), t)
			}
			continue
		}
		var next []group
		for _, g := range groups {
			named, other := partition(g.places, t.places)
			if len(named) > 0 {
				next = append(next, g.in(named, true))
			}
			if len(other) == 0 {
				continue
			}
			rest := g.in(other, g.texted || len(named) > 0)
			if t.number != "" && !slices.Contains(g.not, t.number) && (g.only == "" || g.only == t.number) {
				one := rest
				one.only = t.number
				next = append(next, one)
			}
			if t.noted && (t.number == "" || g.only != t.number) {
				rest.notes = append(slices.Clip(g.notes), t.word)
				if t.number != "" {
					rest.not = append(slices.Clip(g.not), t.number)
				}
				next = append(next, rest)
			}
		}
		groups = next
	}
	return groups
}

// in is the part of a group that lies in some of its places.
func (g group) in(places []int64, texted bool) group {
	g.places, g.texted = places, texted
	return g
}

// partition splits a sorted list into what another one has and what it has not.
func partition(list, by []int64) (in, out []int64) {
	for _, n := range list {
		if _, ok := slices.BinarySearch(by, n); ok {
			in = append(in, n)
		} else {
			out = append(out, n)
		}
	}
	return in, out
}

// group limits to the incidents of a group. What the columns say already it leaves out.
func (w *where) group(d dialect, along walk) {
	g := along.group
	if g.texted {
		w.add(d.unindexed("f.place") + " IN (" + numbers(g.places) + ")")
	}
	if g.only != "" && along.column != "id" {
		w.add(d.unindexed("f.id") + " = " + w.arg(g.only))
	}
	for _, id := range g.not {
		w.add("f.id <> " + w.arg(id))
	}
	for _, word := range g.notes {
		if word == along.word {
			continue
		}
		w.add("EXISTS (" + w.note(word) + ")")
	}
}

func (w *where) note(word string) string {
	return "SELECT 1 FROM words n WHERE n.word = " + w.arg(word) + " AND n.alarm_us = f.alarm_us AND n.id = f.id" + w.apart
}

// has limits to incidents that have a word, in a name or in a note.
func (w *where) has(t term) {
	var ways []string
	if len(t.places) > 0 {
		ways = append(ways, "f.place IN ("+numbers(t.places)+")")
	}
	if t.noted {
		ways = append(ways, "EXISTS ("+w.note(t.word)+")")
	}
	if t.number != "" {
		ways = append(ways, "f.id = "+w.arg(t.number))
	}
	w.add("(" + strings.Join(ways, " OR ") + ")")
}

func numbers(list []int64) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(out, ", ")
}

// walk goes along one value of an indexed column, along the list of a word, or along all
// incidents.
type walk struct {
	column   string
	value    any
	word     string
	tags     []any // of the query, up to the one whose list is walked; that is also word
	priority int   // only in OrderQueue; -1 for all
	clock    clock
	group    group
}

// clock says of what a walk passes whether a deadline runs.
type clock int

const (
	either clock = iota
	runs
	stands
)

// table is what the walk goes through. Both have the columns of facets.
func (w walk) table() string {
	if w.word != "" {
		return "words"
	}
	return "facets"
}

// maxBranches bounds the walks of one union; with more, another way is cheaper.
const maxBranches = 32

// ways are the walks that find a whole group: each list is one way to do it.
func (s search) ways(g group) [][]walk {
	if g.only != "" {
		for _, f := range s.fields {
			if f.column == "id" && !slices.Contains(f.values, any(g.only)) {
				return [][]walk{nil} // the query wants others
			}
		}
		return [][]walk{{{column: "id", value: []any{g.only}, group: g}}}
	}
	var all [][]walk
	for _, f := range s.fields {
		if f.column == "id" { // few rows, whatever their order
			return [][]walk{{{column: "id", value: f.values, group: g}}}
		}
		if len(f.values) > maxBranches || f.column == "origin" && slices.Contains(f.values, any(string(models.OriginDetection))) ||
			f.column == "series" && slices.Contains(f.values, any("")) {
			continue // no index, because nearly all are so
		}
		way := make([]walk, len(f.values))
		for i, v := range f.values {
			way[i] = walk{column: f.column, value: v, group: g}
		}
		all = append(all, way)
	}
	if len(g.places) < len(s.atlas.all) && len(g.places) <= maxPlaces {
		way := make([]walk, len(g.places))
		for i, n := range g.places {
			way[i] = walk{column: "place", value: n, group: g}
		}
		all = append(all, way)
	} else if g.texted {
		all = append(all, s.named(g)...)
	}
	for _, word := range g.notes {
		all = append(all, []walk{{word: word, group: g}})
	}
	if len(s.tags) > 0 && len(s.tags) <= maxBranches {
		way := make([]walk, len(s.tags))
		for i, tag := range s.tags {
			way[i] = walk{word: tag.(string), tags: s.tags[:i+1], group: g}
		}
		all = append(all, way)
	}
	if !s.q.DueBefore.IsZero() {
		all = append(all, s.running(g))
	}
	if len(all) == 0 || !s.q.From.IsZero() || !s.q.To.IsZero() {
		all = append(all, []walk{{group: g}})
	}
	return all
}

// running is the way along all clocks that run, the first deadline of each severity first.
func (s search) running(g group) []walk {
	var way []walk
	for _, p := range s.priorities() {
		way = append(way, walk{column: "priority", value: p, priority: p, clock: runs, group: g})
	}
	return way
}

// priorities are those that a query does not exclude and some incident has: to find out
// that a camera has none of some severity takes a walk past all that it has.
func (s search) priorities() []int {
	for _, f := range s.fields {
		if f.column == "priority" {
			return slices.DeleteFunc(slices.Clone(s.severities), func(p int) bool { return !slices.Contains(f.values, any(p)) })
		}
	}
	return s.severities
}

// severities are the priorities that any incident has.
func (x *sqlIndex) severities(ctx context.Context) ([]int, error) {
	rows, err := x.read.QueryContext(ctx, anySeverity)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int
	for rows.Next() {
		var p int
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// anySeverity looks each priority up in the index of the queue; a severity that nobody
// knows comes last.
var anySeverity = func() string {
	var each []string
	for p := range priority("") + 1 {
		each = append(each, fmt.Sprintf("SELECT * FROM (SELECT priority FROM facets WHERE priority = %d LIMIT 1) AS p%d", p, p))
	}
	return strings.Join(each, " UNION ALL ")
}()

// named are the ways along the values that a column has in the places of a group: "truck
// at the fence" are the trucks, or what is at the fence.
func (s search) named(g group) [][]walk {
	var all [][]walk
	for _, column := range placeColumns {
		values := map[string]bool{}
		for _, n := range g.places {
			values[s.atlas.byNumber[n].column(column)] = true
		}
		if len(values) > maxNamed || slices.ContainsFunc(s.fields, func(f field) bool { return f.column == column }) {
			continue
		}
		var way []walk
		for _, v := range slices.Sorted(maps.Keys(values)) {
			way = append(way, walk{column: column, value: v, group: g})
		}
		all = append(all, way)
	}
	return all
}

// maxNamed bounds the walks along what a text names: it mostly names one.
const maxNamed = 4

// few is how many entries of a way are looked at to see how rare it is, and many of one
// whose entries are all new: how far back these reach says nothing of how many there are.
const (
	few  = 200
	many = 4000
)

// rarest chooses the way that passes over the fewest incidents: the one with the fewest
// entries, or among those with more than are looked at the one whose newest entries lie the
// furthest back.
func (x *sqlIndex) rarest(ctx context.Context, s search, g group) ([]walk, error) {
	ways := s.ways(g)
	if len(ways) == 1 {
		return ways[0], nil
	}
	newest, err := x.sample(ctx, s, ways, few)
	if err != nil {
		return nil, err
	}
	best := cheapest(ways, newest)
	switch n := newest[best].n; {
	case n == 0:
		return nil, nil // nothing fits this group
	case n < few:
		return ways[best], nil
	}
	for _, way := range ways {
		if !passing(way) {
			continue
		}
		more, err := x.sample(ctx, s, [][]walk{way}, many)
		if err != nil {
			return nil, err
		}
		if more[0].n < many {
			return way, nil
		}
	}
	if s.sorts(ways[best]) {
		frequent, err := x.frequent(ctx, newest[best].back)
		if err != nil {
			return nil, err
		}
		if frequent {
			return []walk{{group: g}}, nil
		}
	}
	return ways[best], nil
}

// passing says whether a way goes along what incidents are only for a while: what is open,
// on its way to the bucket, or has a clock that runs.
func passing(way []walk) bool {
	return !slices.ContainsFunc(way, func(w walk) bool {
		switch w.value {
		case string(models.StateNew), string(models.StateAcknowledged), string(models.StateResolved),
			string(models.FootageRecording), string(models.FootagePending):
			return w.column != "state" && w.column != "footage"
		}
		return w.clock != runs
	})
}

// sample is what is known of a way: how many entries it has, up to a limit, how many of these
// fit what their columns tell, and the alarms of the newest and the oldest of them, in µs.
type sample struct {
	n, fit     int
	last, back int64
}

// wordProbe is how many entries can be judged by their columns while one is looked up in the
// list of a word: 1 µs against about 10 on PostgreSQL, 3 on SQLite.
const wordProbe = 8

// cheapest is the way with the fewest entries, or among those with more than were looked at
// the one that costs the least to go as far back as any other. What an entry costs is its
// columns, and where these fit a look-up for each word that is not what is walked.
func cheapest(ways [][]walk, of []sample) int {
	var last int64
	for _, o := range of {
		last = max(last, o.last)
	}
	// How far one gets for the price of an entry.
	reach := func(i int) float64 {
		price := 1.0
		if of[i].n > 0 {
			price += float64(wordProbe*probes(ways[i])*of[i].fit) / float64(of[i].n)
		}
		return float64(last-of[i].back) / price
	}
	best := 0
	for i := range of {
		if of[i].n < few || of[best].n < few {
			if of[i].n < of[best].n {
				best = i
			}
		} else if reach(i) > reach(best) {
			best = i
		}
	}
	return best
}

// probes is in how many lists of words an entry of a way is looked up, once it fits otherwise.
func probes(way []walk) int {
	if len(way) == 0 {
		return 0
	}
	n := len(way[0].group.notes)
	if slices.Contains(way[0].group.notes, way[0].word) {
		n--
	}
	return n
}

func (x *sqlIndex) sample(ctx context.Context, s search, ways [][]walk, limit int) ([]sample, error) {
	out := make([]sample, len(ways))
	newest := Query{From: s.q.From, To: s.q.To}
	for i, way := range ways {
		all := where{bind: x.bind}
		var branches []string
		for i, along := range way {
			w := where{bind: x.bind, apart: x.apart, args: all.args}
			pin, order := x.pinned(newest, along), "f.alarm_us DESC"
			if pin != "" {
				order = "f." + pin + " DESC, " + order
			}
			fits := "1"
			if probes(way) > 0 { // before the rest: arguments are in the order of the text
				fits = x.fits(&w, s, along)
			}
			w.along(along, pin)
			w.within(s.q, s.alarms)
			branches = append(branches, "SELECT * FROM (SELECT f.alarm_us, "+fits+" AS fits FROM "+along.table()+" f"+w.String()+
				" ORDER BY "+order+" LIMIT "+strconv.Itoa(limit)+") AS b"+strconv.Itoa(i))
			all.args = w.args
		}
		var fit, last, back sql.NullInt64
		if err := x.read.QueryRowContext(ctx, "SELECT COUNT(*), SUM(fits), MAX(alarm_us), MIN(alarm_us) FROM (SELECT * FROM ("+strings.Join(branches, " UNION ALL ")+
			") AS every ORDER BY alarm_us DESC LIMIT "+strconv.Itoa(limit)+") AS newest", all.args...).Scan(&out[i].n, &fit, &last, &back); err != nil {
			return nil, err
		}
		out[i].fit, out[i].last, out[i].back = int(fit.Int64), last.Int64, back.Int64
	}
	return out, nil
}

// fits is 1 for an entry of a walk whose columns fit the query, 0 for any other; the words
// are left out.
func (x *sqlIndex) fits(w *where, s search, along walk) string {
	c := where{bind: w.bind, args: w.args}
	c.columns(x.dialect, s, along)
	along.group.notes = nil
	c.group(x.dialect, along)
	c.rest(s.q, nil)
	w.args = c.args
	if len(c.conds) == 0 {
		return "1"
	}
	return "CASE WHEN " + strings.Join(c.conds, " AND ") + " THEN 1 ELSE 0 END"
}

// sorts says whether a way is not in the order of the query, once each priority is walked
// by itself: severities, states and the lists of words have an index in the order of the
// queue, and what goes along an ID is few.
func (s search) sorts(way []walk) bool {
	if s.q.order() != OrderQueue || len(way) == 0 || way[0].word != "" || way[0].clock == runs {
		return false
	}
	return !slices.Contains([]string{"", "id", "priority", "state"}, way[0].column)
}

// frequent says whether a way whose few newest entries reach back to an alarm passes at
// least one in a hundred incidents. Then it is cheaper to walk all of them in the order of
// the queue than to sort those of the way. How many there have been since it takes from the
// chunks of the tallies, which are as many incidents each.
func (x *sqlIndex) frequent(ctx context.Context, furthest int64) (bool, error) {
	first, last, err := x.chunkRange(ctx, time.UnixMicro(furthest), time.Time{})
	return (last-first)*chunkSize <= 100*few, err
}

// split makes the walks of a queue: in its order the severity comes first, which the
// index of another column does not know, so each severity is walked by itself. Nor does it
// know the deadlines: those whose clocks run are few, and found along their own index; the
// others of a severity come in the order of their age.
func (s search) split(way []walk) []walk {
	if s.q.order() != OrderQueue || len(way) == 0 {
		return way
	}
	var out []walk
	running := false
	for _, w := range way {
		switch {
		case w.clock == runs:
			out = append(out, w)
		case w.column == "priority":
			w.priority = w.value.(int)
			out = append(out, w)
		case w.column == "" || w.column == "id":
			// The list of a word and that of all incidents have an index in the order of the
			// queue, and a few need none.
			w.priority = -1
			out = append(out, w)
		default:
			for _, p := range s.priorities() {
				w.priority = p
				if w.column != "state" { // the one that has an index with the deadline
					w.clock, running = stands, true
				}
				if w.clock != stands || s.q.DueBefore.IsZero() {
					out = append(out, w)
				}
			}
		}
	}
	if running {
		out = append(out, s.running(way[0].group)...)
	}
	return out
}
