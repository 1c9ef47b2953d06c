package exhibit

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// sheetHeight is the most that a contact sheet takes of a page, in mm.
const sheetHeight = 215

// recordPDF makes the record of an incident as a person reads, prints and files it.
func (b *builder) recordPDF(ctx context.Context, it *item) ([]byte, error) {
	title := fmt.Sprintf("Incident %s", it.ID)
	p := newPaper(title, fmt.Sprintf("%s · made %s by %s", it.ID, b.clock(b.o.At), b.o.By), b.o.At)
	b.recordHead(p, it)
	still, err := b.stillOf(ctx, it, models.RoleStill, models.RolePicture)
	if err != nil {
		return nil, err
	}
	p.gap(2)
	p.picture("still", still, textWidth, 92, "The picture of the alarm: zone, path and box are drawn by the recorder. "+
		"The picture without marks is in the package.")
	b.footage(p, it)
	if err := b.reasons(ctx, p, it); err != nil {
		return nil, err
	}
	if it.sheet != nil {
		_, height := fitted(it.sheet, textWidth, sheetHeight)
		p.heading("Contact sheet", height+7)
		p.picture("sheet", it.sheet, textWidth, sheetHeight, "Pictures of the clip at even times, decoded from the original.")
	}
	b.logTable(p, it)
	b.custodyTable(p, it)
	b.fileTable(p, it)
	b.handOver(p)
	return p.bytes()
}

// stillOf reads the first of these pictures that there is.
func (b *builder) stillOf(ctx context.Context, it *item, roles ...models.ObjectRole) ([]byte, error) {
	for _, role := range roles {
		if o, ok := it.find(role); ok {
			return b.read(ctx, it, o)
		}
	}
	return nil, nil
}

func (b *builder) recordHead(p *paper, it *item) {
	p.fill(inkText)
	p.Rect(0, 0, pageWidth, 27, "F")
	white, pale := ink{255, 255, 255}, ink{0xc9, 0xd1, 0xdb}
	p.SetXY(marginLeft, 6)
	p.font("", 8.5, pale)
	p.CellFormat(textWidth, 5, "VIDEO EVIDENCE · INCIDENT RECORD", "", 1, "L", false, 0, "")
	p.font("B", 16, white)
	p.CellFormat(textWidth-32, 8, p.fit(sentence(words(string(it.Kind)))+" · "+it.where(), textWidth-34), "", 1, "L", false, 0, "")
	p.mono(7.5, pale)
	p.CellFormat(textWidth, 5, p.fit(string(it.ID), textWidth), "", 1, "L", false, 0, "")
	if it.Severity.Rank() >= 0 {
		c := severityInk(it.Severity)
		p.fill(c)
		p.Rect(pageWidth-marginRight-27, 10.5, 27, 7.5, "F")
		p.SetXY(pageWidth-marginRight-27, 10.5)
		p.font("B", 9, inkText)
		p.CellFormat(27, 7.5, strings.ToUpper(string(it.Severity)), "", 0, "C", false, 0, "")
	}
	p.SetXY(marginLeft, 32)
	in := it.Incident
	end := "it went on when this was made"
	if !in.End.IsZero() {
		end = b.clock(in.End) + lasting(in.Start, in.End)
	}
	verdict := ""
	if j := in.Judgement; j != nil {
		verdict = map[models.Verdict]string{models.VerdictTrue: "a true alarm", models.VerdictNuisance: "a nuisance alarm"}[j.Verdict]
		if j.Reason != "" {
			verdict += " (" + words(string(j.Reason)) + ")"
		}
		verdict += ", says " + j.By
	}
	hold := ""
	if h := in.Hold; h.Active(b.o.At) {
		hold = "since " + h.At.In(b.o.Place).Format(time.DateOnly) + " by " + h.By + ": " + h.Why
	}
	seen := words(in.Label)
	if in.Score > 0 && seen != "" {
		seen += fmt.Sprintf(" (score %.2f of 1)", in.Score)
	}
	p.facts([][2]string{
		{"Arrival", b.clock(in.Start)}, {"Camera", it.camera()},
		{"Alarm", b.clock(in.Alarm)}, {"Zone", cmp.Or(string(in.Zone), "the camera as a whole")},
		{"End", end}, {"What was seen", seen},
		{"Record opened", b.clock(in.Opened)}, {"State", string(in.State)},
		{"Clock", clockInWords(in.Footage.Clock, in.Footage.ClockOffset)}, {"Judged", verdict},
		{"Stream", it.device.Source}, {"Configuration", fmt.Sprintf("%.16s, vedette %s", in.Config, in.Version)},
		{"Reference", b.o.Reference}, {"Legal hold", hold},
		{"Exported for", b.o.Why}, {"Exported by", b.o.By},
	})
	p.paragraph("Times are those of "+b.o.Place.String()+", with their distance from UTC. clock.txt says what they mean.", 8, inkSoft)
}

func (it *item) where() string {
	name := cmp.Or(it.device.Name, string(it.Camera))
	if it.Zone == "" {
		return name
	}
	return name + " · " + string(it.Zone)
}

// clock is an instant in a fact or a table.
func (b *builder) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.o.Place).Format("2006-01-02 15:04:05.0 -07:00")
}

func lasting(from, to time.Time) string {
	if !to.After(from) {
		return ""
	}
	return ", after " + shortSpan(to.Sub(from))
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// severityInk is the console's colour, which reads on dark and carries dark letters.
func severityInk(s models.Severity) ink {
	switch s {
	case models.SeverityCritical:
		return ink{0xff, 0x6a, 0x45}
	case models.SeverityHigh:
		return ink{0xf5, 0xa1, 0x1d}
	case models.SeverityMedium:
		return ink{0xef, 0xe0, 0x4a}
	}
	return ink{0x56, 0xb4, 0xe9}
}

// footage says how complete the clip is, in words and as a bar.
func (b *builder) footage(p *paper, it *item) {
	f := it.Footage
	p.heading("Footage", 40)
	if !it.complete() || f.Frames == 0 {
		p.paragraph(sentence(footageInWords(it.Incident))+".", 9, inkText)
	} else {
		frames := fmt.Sprintf("%d", f.Frames)
		if f.Expected > 0 {
			frames += fmt.Sprintf(" (%d to be expected in the time asked for)", f.Expected)
		}
		p.facts([][2]string{
			{"Asked for", span(b, f.AskedFrom, f.AskedTo)}, {"Pictures", frames},
			{"There is", span(b, f.From, f.To)}, {"Coding", fmt.Sprintf("%s, %d × %d", strings.ToUpper(string(f.Codec)), f.Width, f.Height)},
		})
		b.bar(p, f)
	}
	if len(f.Gaps) == 0 {
		return
	}
	var rows [][]string
	for _, g := range f.Gaps {
		lost := ""
		if g.Lost > 0 {
			lost = fmt.Sprint(g.Lost)
		}
		why := gapCause(g.Cause)
		if g.Note != "" {
			why += ": " + g.Note
		}
		rows = append(rows, []string{b.clock(g.From), b.clock(g.To), shortSpan(g.To.Sub(g.From)), lost, why})
	}
	p.table([]column{{title: "MISSING FROM", width: 42}, {title: "TO", width: 42}, {title: "LENGTH", width: 20, right: true},
		{title: "LOST", width: 13, right: true}, {title: "CAUSE", width: textWidth - 117}}, rows)
}

func span(b *builder, from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return b.clock(from)
	}
	return fmt.Sprintf("%s to %s, %s", b.clock(from), to.In(b.o.Place).Format("15:04:05.0"), shortSpan(to.Sub(from)))
}

// bar draws the time asked for, what there is of it, and the gaps.
func (b *builder) bar(p *paper, f models.Footage) {
	from, to := earlier(f.AskedFrom, f.From), later(f.AskedTo, f.To)
	if !to.After(from) {
		return
	}
	p.room(14)
	const height = 4.5
	y := p.GetY() + 1
	x := func(t time.Time) float64 {
		share := float64(t.Sub(from)) / float64(to.Sub(from))
		return marginLeft + textWidth*max(0, min(1, share))
	}
	p.fill(inkWell)
	p.Rect(marginLeft, y, textWidth, height, "F")
	p.fill(inkGood)
	p.Rect(x(f.From), y, x(f.To)-x(f.From), height, "F")
	p.fill(inkBad)
	for _, g := range f.Gaps {
		// Also a gap of one picture is to be seen.
		left := min(x(g.From), marginLeft+textWidth-.5)
		p.Rect(left, y, max(.5, x(g.To)-left), height, "F")
	}
	p.colour(inkSoft)
	p.Rect(marginLeft, y, textWidth, height, "D")
	p.SetXY(marginLeft, y+height+.8)
	said, c := "Complete: nothing that was asked for is missing.", inkGood
	if share := f.Complete(); len(f.Gaps) > 0 || share < 1 {
		said, c = fmt.Sprintf("Not complete: %s of the time asked for is there; %s, in red.", percent(share), counted(len(f.Gaps), "gap")), inkBad
	}
	p.font("B", 8.5, c)
	p.CellFormat(textWidth, 5, said, "", 1, "L", false, 0, "")
	p.gap(1)
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reasons says why the rule fired.
func (b *builder) reasons(ctx context.Context, p *paper, it *item) error {
	if len(it.Events) > 0 && len(it.Events[0].Why) > 0 {
		p.heading("Why the alarm was raised", 30)
		var rows [][]string
		for _, f := range it.Events[0].Why {
			threshold := ""
			if f.Threshold != 0 {
				threshold = quantity(f.Threshold, f.Unit)
			}
			rows = append(rows, []string{words(f.Name), quantity(f.Observed, f.Unit), threshold, f.Note})
		}
		p.table([]column{{title: "WHAT", width: 40}, {title: "OBSERVED", width: 30, right: true}, {title: "THRESHOLD", width: 30, right: true},
			{title: "", width: textWidth - 100}}, rows)
		if n := it.EventCount; n > 1 {
			p.paragraph(fmt.Sprintf("This is the first of %d events that belong to the incident; record.json has them.", n), 8, inkSoft)
		}
	}
	why, err := b.stillOf(ctx, it, models.RoleWhy)
	if err != nil || why == nil {
		return err
	}
	p.gap(2)
	p.picture("why", why, textWidth*.62, 200, "Drawn by the recorder when the alarm was raised.")
	return nil
}

func quantity(v float64, unit string) string {
	s := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	if unit != "" {
		s += " " + unit
	}
	return s
}

func (b *builder) logTable(p *paper, it *item) {
	p.heading("Log of the incident", 20)
	if len(it.Log) == 0 {
		p.paragraph("Nobody has acted on it.", 9, inkSoft)
		return
	}
	var rows [][]string
	for _, a := range it.Log {
		rows = append(rows, []string{b.clock(a.At), a.Who, words(a.What), a.Note})
	}
	p.table([]column{{title: "WHEN", width: 42}, {title: "WHO", width: 26}, {title: "WHAT", width: 40}, {title: "NOTE", width: textWidth - 108}}, rows)
}

func (b *builder) custodyTable(p *paper, it *item) {
	p.heading("Chain of custody", 20)
	if len(it.chain) == 0 {
		p.paragraph("The package has no custody log about this incident.", 9, inkSoft)
		return
	}
	p.paragraph("Who did what to the evidence. Each entry is proved by custody.json; its hash is that of the entry in the log.", 8, inkSoft)
	p.gap(1)
	var rows [][]string
	for _, r := range it.chain {
		what := words(string(r.Act))
		var more []string
		if r.Note != "" {
			more = append(more, r.Note)
		}
		if r.Remote != "" {
			more = append(more, "from "+r.Remote)
		}
		if n := len(r.Objects); n > 0 {
			more = append(more, objectNames(r.Objects))
		}
		rows = append(rows, []string{fmt.Sprint(r.Index), b.clock(r.At), r.Who, what, strings.Join(more, "; "), r.Leaf})
	}
	p.table([]column{{title: "NO.", width: 11}, {title: "WHEN", width: 24}, {title: "WHO", width: 22}, {title: "ACT", width: 21},
		{title: "DETAIL", width: textWidth - 122}, {title: "HASH OF THE ENTRY", width: 44, mono: true}}, rows)
}

func objectNames(objects []models.Object) string {
	var names []string
	for _, o := range objects[:min(len(objects), 8)] {
		names = append(names, path.Base(o.Key))
	}
	if more := len(objects) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func (b *builder) fileTable(p *paper, it *item) {
	p.heading("Files and their SHA-256", 20)
	var rows [][]string
	for _, f := range it.files {
		rows = append(rows, []string{strings.TrimPrefix(f.Path, it.folder+"/"), roleInWords(f.Role), bytesInWords(f.Size), f.SHA256})
	}
	p.table([]column{{title: "FILE", width: 33}, {title: "WHAT IT IS", width: 52}, {title: "SIZE", width: 17, right: true},
		{title: "SHA-256", width: textWidth - 102, mono: true}}, rows)
}

func bytesInWords(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// handOver is the block that two people sign on paper.
func (b *builder) handOver(p *paper) {
	p.heading("Signatures", 62)
	p.paragraph("The package is signed by the recorder's key "+b.o.Keys[0].ID+" (Ed25519), whose fingerprint (SHA-256) is", 9, inkText)
	p.gap(1)
	p.mono(8, inkText)
	p.CellFormat(textWidth, 4.4, Fingerprint(b.o.Keys[0]), "", 1, "L", false, 0, "")
	p.gap(1)
	p.paragraph("Compare it with what the operator of the recorder tells you by another way than this package.", 8, inkSoft)
	p.gap(8)
	top := p.GetY()
	for i, who := range []string{"Handed over by", "Received by"} {
		x := marginLeft + float64(i)*(textWidth/2+4)
		for j, line := range []string{"name, function", "date, time, place", "signature"} {
			y := top + 6 + float64(j)*11
			p.colour(inkSoft)
			p.Line(x, y+5, x+textWidth/2-4, y+5)
			p.font("", 7, inkSoft)
			p.SetXY(x, y+5.3)
			p.CellFormat(60, 4, line, "", 0, "L", false, 0, "")
		}
		p.font("B", 9, inkText)
		p.SetXY(x, top)
		p.CellFormat(60, 5, who, "", 0, "L", false, 0, "")
	}
	p.SetXY(marginLeft, top+44)
}
