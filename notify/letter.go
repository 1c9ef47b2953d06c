package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// stillName is what the picture is called in a mail.
const stillName = "still.jpg"

func newReader(data []byte) *bytes.Reader { return bytes.NewReader(data) }

// thread names the mails of one incident.
func thread(id models.IncidentID) string {
	sum := sha256.Sum256([]byte("thread\x00" + id))
	return hex.EncodeToString(sum[:12])
}

// maxListed bounds the notices that a summary names one by one.
const maxListed = 25

// letterPage is the HTML of a mail. Mail programs know no style sheets worth the name, so the
// styles stand with the elements. html/template escapes what comes from elsewhere.
var letterPage = template.Must(template.New("letter").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif;color:#1a1d21;background:#ffffff">
<h1 style="margin:0 0 12px;font-size:20px;line-height:1.3">{{.Title}}</h1>
{{with .Still}}<p style="margin:0 0 12px"><img src="cid:{{.}}" alt="Picture of the alarm" style="max-width:100%;height:auto;border:0"></p>
{{end}}{{if .Facts}}<table role="presentation" style="border-collapse:collapse">
{{range .Facts}}<tr><th scope="row" style="padding:2px 16px 2px 0;text-align:left;vertical-align:top;font-weight:normal;color:#5b6570">{{.Name}}</th><td style="padding:2px 0;vertical-align:top">{{.Value}}</td></tr>
{{end}}</table>
{{end}}{{if .Lines}}<ol style="margin:0;padding-left:24px">
{{range .Lines}}<li>{{if .Link}}<a href="{{.Link}}">{{.Text}}</a>{{else}}{{.Text}}{{end}}</li>
{{end}}</ol>
{{end}}{{with .Rest}}<p>and {{.}} more</p>
{{end}}{{with .Link}}<p style="margin:16px 0 0"><a href="{{.}}">Open in the console</a></p>
{{end}}</body></html>
`))

// listed is one notice of a summary.
type listed struct{ Text, Link string }

// pages are the two forms of a mail: plain text and HTML.
func (m Message) pages() (text, page string, err error) {
	view := struct {
		Subject, Title, Still, Link string
		Facts                       []line
		Lines                       []listed
		Rest                        int
	}{Subject: m.subject(), Title: strings.TrimPrefix(m.subject(), "[vedette] "), Link: m.link(m.Notice.Incident)}
	var b strings.Builder
	b.WriteString(view.Title + "\n\n")
	if len(m.More) == 0 {
		view.Facts = m.facts()
		for _, f := range view.Facts {
			fmt.Fprintf(&b, "%-12s %s\n", f.Name, f.Value)
		}
	} else {
		view.Link = m.Console
		all := append([]models.Notice{m.Notice}, m.More...)
		view.Rest = max(0, len(all)-maxListed)
		for _, n := range all[:len(all)-view.Rest] {
			l := listed{headline(n), m.link(n.Incident)}
			view.Lines = append(view.Lines, l)
			b.WriteString("- " + l.Text + "\n")
			if l.Link != "" {
				b.WriteString("  " + l.Link + "\n")
			}
		}
		if view.Rest > 0 {
			fmt.Fprintf(&b, "and %d more\n", view.Rest)
		}
	}
	if view.Link != "" {
		b.WriteString("\nOpen in the console: " + view.Link + "\n")
	}
	if m.Still != nil {
		view.Still = stillName
	}
	var out bytes.Buffer
	if err := letterPage.Execute(&out, view); err != nil {
		return "", "", err
	}
	return b.String(), out.String(), nil
}
