package incident

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// sameTags compares what two incidents are tagged with (Jaccard index).
func sameTags(a, b []string) finding {
	if len(a) == 0 || len(b) == 0 {
		return finding{}
	}
	both := common(a, b)
	return finding{float64(len(both)) / float64(len(a)+len(b)-len(both)), true, "both tagged " + strings.Join(both, ", ")}
}

// common are the values of two sorted lists that both have.
func common(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); ok {
			out = append(out, s)
		}
	}
	return out
}

// leastWord is how many letters a word has at least that says something.
const leastWord = 3

// wordsOf are the distinct words of what people wrote of an occurrence, sorted.
func wordsOf(in models.Incident) []string {
	texts := []string{in.Description}
	for _, s := range in.Investigation.Statements {
		texts = append(texts, s.Text)
	}
	for _, s := range in.Investigation.Subjects {
		texts = append(texts, s.Text)
	}
	if in.Resolution != nil {
		texts = append(texts, in.Resolution.Assessment)
	}
	out := split(strings.Join(texts, "\n"))
	out = slices.DeleteFunc(out, func(w string) bool { return utf8.RuneCountInString(w) < leastWord })
	slices.Sort(out)
	return slices.Compact(out)
}

// split cuts a text into its words, in lower case.
func split(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}

// corpus counts in how many texts a word stands.
type corpus map[string]int

// texts is where a corpus counts the texts themselves: no word is empty.
const texts = ""

func (c corpus) add(words []string) {
	if len(words) == 0 {
		return
	}
	c[texts]++
	for _, w := range words {
		c[w]++
	}
}

// rarity is the inverse document frequency of a word (Spärck Jones, Journal of
// Documentation 28, 1972); 0 for one that stands in most texts.
func (c corpus) rarity(word string) float64 {
	n, all := float64(c[word]), float64(c[texts])
	if all > 4 && n > all/2 {
		return 0
	}
	return math.Log(1 + all/n)
}

// wordsReach is the cosine from which two texts count as saying the same: people never use
// the same words for it all.
const wordsReach = 0.5

// same compares two texts by the cosine of their words, the rare ones counting more.
func (c corpus) same(a, b []string) finding {
	x, y := c.norm(a), c.norm(b)
	if x == 0 || y == 0 {
		return finding{}
	}
	both := common(a, b)
	dot := 0.0
	for _, w := range both {
		dot += math.Pow(c.rarity(w), 2)
	}
	slices.SortStableFunc(both, func(v, w string) int { return c[v] - c[w] })
	return finding{min(1, dot/(x*y)/wordsReach), true, "both mention " + quoted(both[:min(3, len(both))])}
}

func (c corpus) norm(words []string) float64 {
	sum := 0.0
	for _, w := range words {
		sum += math.Pow(c.rarity(w), 2)
	}
	return math.Sqrt(sum)
}

func quoted(words []string) string { return "“" + strings.Join(words, "”, “") + "”" }

// looks are the plates and the coloured things of the people and vehicles described.
type looks struct {
	plates []string // letters and digits alone, in capitals; sorted
	things []string // such as "red jacket"; sorted
}

// colours are the words that people describe clothing and vehicles with.
var colours = []string{"beige", "black", "blue", "bright", "brown", "cream", "dark", "gold", "golden", "gray", "green", "grey",
	"khaki", "light", "orange", "pink", "purple", "red", "reflective", "silver", "tan", "turquoise", "white", "yellow"}

func looksOf(in models.Incident) looks {
	var l looks
	for _, s := range in.Investigation.Subjects {
		if s.Role != "" && s.Role != "suspect" {
			continue // how a witness looks says nothing of who did it
		}
		if p := plate(s.Plate); p != "" {
			l.plates = append(l.plates, p)
		}
		words := split(s.Text)
		for i, w := range words {
			if i+1 < len(words) && slices.Contains(colours, w) && !slices.Contains(colours, words[i+1]) {
				l.things = append(l.things, strings.Replace(w, "gray", "grey", 1)+" "+words[i+1])
			}
		}
	}
	slices.Sort(l.plates)
	slices.Sort(l.things)
	l.plates, l.things = slices.Compact(l.plates), slices.Compact(l.things)
	return l
}

// plate is a registration without the spaces and dashes that everybody writes differently.
func plate(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// sameLooks: the same plate is as good as certain; of clothing, what both have counts
// (Dice coefficient).
func sameLooks(a, b looks) finding {
	if both := common(a.plates, b.plates); len(both) > 0 {
		return finding{1, true, "same plate " + strings.Join(both, ", ")}
	}
	if len(a.things) == 0 || len(b.things) == 0 {
		return finding{}
	}
	both := common(a.things, b.things)
	return finding{2 * float64(len(both)) / float64(len(a.things)+len(b.things)), true, "both described with " + strings.Join(both, ", ")}
}
