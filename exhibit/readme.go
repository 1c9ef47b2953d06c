package exhibit

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
)

//go:embed readme.txt
var readmeText string

var readmeTemplate = template.Must(template.New("readme").Parse(readmeText))

// readme writes the page that the recipient reads first.
func (b *builder) readme(items []*item) ([]byte, error) {
	type shown struct {
		Folder, ID, Camera, Kind, Alarm, Footage string
		Files                                    []string
	}
	var incidents []shown
	native, copies := false, false
	for _, it := range items {
		s := shown{Folder: it.folder, ID: string(it.ID), Camera: it.camera(), Kind: words(string(it.Kind)),
			Alarm: instant(it.Alarm, b.o.Place), Footage: footageInWords(it.Incident)}
		for _, f := range it.files {
			s.Files = append(s.Files, fmt.Sprintf("%-22s %s", strings.TrimPrefix(f.Path, it.folder+"/"), roleInWords(f.Role)))
			native = native || f.Role == Role(models.RoleClip)
			copies = copies || f.Role == RolePlayable
		}
		s.Files = append(s.Files, fmt.Sprintf("%-22s %s", "record.pdf", "the record, to read and print"))
		incidents = append(incidents, s)
	}
	var out bytes.Buffer
	err := readmeTemplate.Execute(&out, map[string]any{
		"List": b.list, "Exported": instant(b.list.Exported, b.o.Place), "Incidents": incidents, "Notes": b.notes,
		"Native": native, "Copies": copies, "Working": len(b.o.Copies) > 0, "Custody": b.o.Custody.Format != "",
		"Key": b.o.Keys[0].ID, "Fingerprint": Fingerprint(b.o.Keys[0]), "PEM": "keys/" + safeName(b.o.Keys[0].ID) + ".pem",
	})
	return out.Bytes(), err
}

// Fingerprint is what two people compare to know that they have the same key: SHA-256 of
// it, in groups that can be read out.
func Fingerprint(k custody.PublicKey) string {
	hex := fingerprint(k)
	var groups []string
	for len(hex) > 0 {
		groups, hex = append(groups, hex[:4]), hex[4:]
	}
	return strings.Join(groups, " ")
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// footageInWords says in one line how complete the footage is.
func footageInWords(in models.Incident) string {
	f := in.Footage
	switch f.State {
	case models.FootageNone:
		return "none: there was nothing to keep; the record says why"
	case models.FootageDeleted:
		return "deleted when its time was over; the signed record of that is here"
	}
	length := shortSpan(f.To.Sub(f.From))
	if len(f.Gaps) == 0 {
		return fmt.Sprintf("%s, %d pictures, complete", length, f.Frames)
	}
	return fmt.Sprintf("%s, %d pictures, %s of the time asked for; %s", length, f.Frames, percent(f.Complete()), counted(len(f.Gaps), "gap"))
}

// percent never rounds something that is not complete to 100 %.
func percent(share float64) string {
	if share < 1 {
		share = min(share, .999)
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func roleInWords(r Role) string {
	switch r {
	case Role(models.RoleClip):
		return "THE FOOTAGE as the camera sent it (the original)"
	case RolePlayable:
		return "a copy of it for players that refuse the original"
	case Role(models.RoleStill):
		return "the picture of the alarm, with marks"
	case Role(models.RolePicture):
		return "the same picture without marks"
	case Role(models.RoleWhy):
		return "why the alarm was raised, as a picture"
	case Role(models.RoleMask):
		return "what moved at the alarm, as a picture"
	case Role(models.RoleManifest):
		return "what was stored, written when it was stored"
	case Role(models.RoleSignature):
		return "signature over manifest.json"
	case Role(models.RoleDeletion):
		return "signed record that evidence was deleted, and why"
	case Role(models.RoleAttachment):
		return "a file that somebody added; open it with care"
	case Role(models.RoleExhibit):
		return "other footage that belongs to it, as it was recorded"
	case RoleSheet:
		return "pictures of the clip at even times"
	case RoleClock:
		return "which clock, how far it was off"
	case RoleRecord:
		return "the record, for programs"
	case RoleWorking:
		return "a working copy, such as a redacted one; not the original"
	case RoleSidecar:
		return "which original a working copy was made from"
	}
	return words(string(r))
}

// gapCause says why footage is missing.
func gapCause(c models.Cause) string {
	switch c {
	case models.CausePacketLoss:
		return "lost between camera and recorder"
	case models.CauseCameraLost:
		return "no connection to the camera"
	case models.CauseRestart:
		return "the recorder itself stopped"
	case models.CauseDisk:
		return "the recorder's disk could not take it"
	case models.CauseOverrun:
		return "the recorder could not keep up"
	case models.CauseNotYet:
		return "from before the recorder had footage"
	case models.CauseStream:
		return "the camera sent pictures that cannot be stored"
	case models.CauseNotRecorded:
		return "nobody recorded it"
	case models.CauseDeleted:
		return "deleted when its time was over"
	}
	return words(string(c))
}

// clockInWords says which clock times are by.
func clockInWords(c models.Clock, off time.Duration) string {
	switch c {
	case models.ClockCamera:
		if off != 0 {
			return "the camera's, " + aheadBehind(off) + " the recorder's"
		}
		return "the camera's"
	case models.ClockFile:
		return "none: footage from a file"
	case models.ClockArrival:
		return "the recorder's, when a picture arrived"
	}
	return "the recorder's"
}
