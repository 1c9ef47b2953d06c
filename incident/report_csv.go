package incident

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Defuse makes a text safe for a spreadsheet, which takes a cell that begins with one of
// these for a formula and runs it (OWASP, CSV Injection).
func Defuse(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

// Table is a summary as the lines of a table, the head first. Durations are in seconds.
func (s Summary) Table() [][]string {
	head := []string{"by", "site", "camera", "zone", "kind", "type", "officer", "severity", "hour", "day", "day_hours",
		"incidents", "merged", "true", "nuisance", "unjudged", "open", "overdue", "reopened"}
	for _, p := range []string{"acknowledge", "respond", "resolve"} {
		head = append(head, p+"_count", p+"_median_s", p+"_90th_s", p+"_promised", p+"_in_time", p+"_missed", p+"_share")
	}
	out := [][]string{append(head, "effort_s", "losses")}
	for _, r := range s.Rows {
		hour, length := "", ""
		if r.Hour != nil {
			hour = strconv.Itoa(*r.Hour)
		}
		if r.By == ByDay {
			length = strconv.FormatFloat(r.Length.Hours(), 'f', -1, 64)
		}
		line := []string{string(r.By), Defuse(r.Site), Defuse(string(r.Camera)), Defuse(string(r.Zone)), string(r.Kind), Defuse(r.Type), Defuse(r.Officer),
			string(r.Severity), hour, r.Day, length}
		for _, n := range []int{r.Incidents, r.Merged, r.True, r.Nuisance, r.Unjudged, r.Open, r.Overdue, r.Reopened} {
			line = append(line, strconv.Itoa(n))
		}
		for _, h := range []Handling{r.Acknowledge, r.Respond, r.Resolve} {
			share, median, slow := "", "", ""
			if h.Share != nil {
				share = strconv.FormatFloat(*h.Share, 'f', 4, 64)
			}
			if h.Count > 0 {
				median, slow = seconds(h.Median), seconds(h.Slow90)
			}
			line = append(line, strconv.Itoa(h.Count), median, slow, strconv.Itoa(h.Promised), strconv.Itoa(h.InTime), strconv.Itoa(h.Missed), share)
		}
		var losses []string
		for _, m := range r.Losses {
			losses = append(losses, fmt.Sprintf("%d %s", m.Amount, m.Currency))
		}
		out = append(out, append(line, seconds(r.Effort), strings.Join(losses, "; ")))
	}
	return out
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// Table is a page of the log book as the lines of a table, the head first; times by the
// clock of a place.
func (b LogBook) Table(place *time.Location) [][]string {
	out := [][]string{{"line", "ref", "time", "what", "who", "measures", "written", "corrected_by"}}
	for _, l := range b.Lines {
		written := ""
		if !l.Logged.IsZero() {
			written = l.Logged.In(place).Format(time.RFC3339)
		}
		out = append(out, []string{strconv.Itoa(l.Line), l.Ref, l.At.In(place).Format(time.RFC3339), Defuse(l.What), Defuse(l.Who), Defuse(l.Measures), written, l.Corrected})
	}
	return out
}
