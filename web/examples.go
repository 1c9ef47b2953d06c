package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// The examples of the description are of one night: a man loiters at the window of a shop,
// an officer takes it, an investigator finds that he has been there before.
var (
	exampleAlarm  = time.Date(2026, 11, 22, 23, 40, 12, 0, time.UTC)
	exampleBefore = models.IncidentID("20261115T233102.480Z-window-glass-loitering-3")
	exampleThat   = models.IncidentID("20261122T234012.000Z-window-glass-loitering-7")
	exampleSeries = "k2q7mzr4x6tn3vdb5wyc"
	exampleNext   = "eyJhIjoiMjAyNi0xMS0yMlQyMzo0MDoxMloifQ"
)

func after(d time.Duration) time.Time { return exampleAlarm.Add(d) }

// exampleIncident is that of the night, as lists have it.
func exampleIncident() models.Incident {
	return whole(models.Incident{
		ID: exampleThat, Number: 2411, Site: "arcade", Camera: "window", Zone: "glass", Kind: models.KindLoitering,
		Severity: models.SeverityHigh, State: models.StateAcknowledged, Label: "person", Score: .93, Origin: models.OriginDetection,
		Start: after(-42 * time.Second), Alarm: exampleAlarm, End: after(95 * time.Second), Opened: after(200 * time.Millisecond),
		EventCount: 1, Revision: 4, Edition: 1, Config: "9f2c41d07ab35e68", Version: "1.4.0",
		Assignment: models.Assignment{Officer: "mara", By: "mara", At: after(31 * time.Second)},
		Course:     models.Course{Acknowledged: after(31 * time.Second)},
		Footage: models.Footage{State: models.FootageStored, AskedFrom: after(-52 * time.Second), AskedTo: after(105 * time.Second),
			From: after(-53 * time.Second), To: after(105 * time.Second), Frames: 3950, Codec: models.H264, Clock: models.ClockCamera,
			Objects: []models.Object{exampleClip()}},
	})
}

func exampleClip() models.Object {
	return models.Object{Role: models.RoleClip, Key: "incidents/2026/11/22/" + string(exampleThat) + "/clip.mp4", Type: "video/mp4",
		Size: 41_203_874, SHA256: exampleSum("6a")}
}

// exampleSum is a SHA-256 in hex.
func exampleSum(octet string) string { return strings.Repeat(octet, 32) }

func exampleJournal() models.JournalEntry {
	return models.JournalEntry{ID: "m4v9dk2c7p", Number: 812, Site: "arcade", At: after(-3 * time.Hour), Logged: after(-3*time.Hour + 2*time.Minute),
		Who: "mara", Kind: models.JournalKey, Text: "Key 12 handed to Mr. Lang, plumber", Measures: "Identity checked, signed for"}
}

func exampleCustody() CustodyPage {
	return CustodyPage{Items: []models.CustodyRecord{{Index: 90_412, Leaf: exampleSum("c3"), Custody: models.Custody{At: after(40 * time.Second),
		Who: "mara", Act: models.ActPlayed, Incident: exampleThat, Camera: "window", Objects: []models.Object{exampleClip()}, Remote: "192.0.2.40"}}},
		Next: "90412"}
}

func exampleProfile() Profile {
	return Profile{User: "mara", Name: "Mara Lindt", Roles: []string{string(models.RoleOfficer)}, Skills: []string{"first_aid"}, OnDuty: true, Site: "arcade",
		Position: &models.Position{Lat: 48.2082, Lon: 16.3738}}
}

func exampleOfSeries() models.Series {
	return models.Series{ID: exampleSeries, Number: 9, Name: "Window shoppers", Description: "The man in the red jacket, Sunday nights", State: models.SeriesOpen,
		Opened: after(9 * time.Hour), By: "ines", Incidents: []models.IncidentID{exampleBefore, exampleThat},
		Log: []models.Action{{At: after(9 * time.Hour), Who: "ines", What: "series opened"}}, Edition: 1}
}

// examples are the bodies of answers, by operation: of each that answers with a list. They
// are made of the types of the answers, and a test holds them against the description.
func examples() map[string]any {
	in, series := exampleIncident(), exampleOfSeries()
	brief := series
	brief.Log = []models.Action{}
	handover := models.Handover{ID: "t6f8n3w2qz", Number: 77, Site: "arcade", From: after(-100 * time.Minute), To: after(6 * time.Hour), By: "mara", At: after(6 * time.Hour),
		Notes: "The gate of the yard does not close by itself.", TakenBy: "otto", Taken: after(6*time.Hour + 4*time.Minute),
		Sheet: models.HandoverSheet{
			Open: []models.HandoverIncident{{ID: in.ID, Number: in.Number, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Severity: in.Severity, State: in.State,
				Officer: "mara", Alarm: in.Alarm, Due: after(8 * time.Hour)}},
			Happened: models.ShiftCount{Opened: 3, True: 1, Nuisance: 2, Closed: 2}, Work: []models.Workload{{Officer: "mara", Incidents: 1}},
			Journal: []models.JournalEntry{exampleJournal()}, Troubles: []models.CameraTrouble{}}}
	hour, share, far := 23, .9, 122.0
	times := incident.Handling{Count: 10, Median: 38 * time.Second, Slow90: 110 * time.Second, Promised: 10, InTime: 9, Missed: 1, Share: &share}
	night := models.Span{From: after(-time.Hour), To: after(time.Hour)}
	return map[string]any{
		"list-incidents": IncidentPage{Items: []models.Incident{in}, Next: exampleNext, Open: 12},
		"list-cameras": CameraList{Items: []Camera{wholeCamera(Camera{ID: "window", Name: "Jewellery window", FPS: 10, Objects: true,
			Health: models.Health{Connection: models.Connected, Since: after(-31 * time.Hour), Codec: models.H264, Width: 1920, Height: 1080, LastFrame: exampleAlarm,
				Clock: models.ClockCamera, Offset: -40 * time.Millisecond, Drift: 1.2, Recording: true, Archived: after(-14 * 24 * time.Hour), Sessions: 2,
				Bytes: 41_870_112_884, Units: 2_790_001, Frames: 1_116_000, Analysed: 1_115_820, Looks: 40_113, Shed: 180, Buffered: 11 * time.Second, BufferSize: 4_100_232},
			Zones: []models.Zone{{ID: "glass", Polygon: models.Polygon{{X: .1, Y: .4}, {X: .9, Y: .4}, {X: .9, Y: .95}, {X: .1, Y: .95}},
				Rules: []models.Rule{{Kind: models.KindLoitering, Severity: models.SeverityHigh, Dwell: 30 * time.Second, Labels: []string{"person"}}}}}})}},
		"list-duplicates": []incident.Duplicate{{Incident: exampleBefore, Number: 2409, Reasons: []string{"same zone", "same kind"}, Apart: 70 * time.Second}},
		"suggest-officers": incident.Suggestion{
			Officers: []incident.Candidate{{User: "mara", Name: "Mara Lindt", Distance: &far, SameSite: true, Reasons: []string{"122 m away", "on shift until 06:00", "first_aid", "free"}}},
			LeftOut:  []incident.Candidate{{User: "otto", Name: "Otto Weiss", Open: 2, Reasons: []string{"not on shift"}}}},
		"list-similar": Similar{Least: .5,
			Items: []incident.Match{{Incident: exampleBefore, Number: 2302, Camera: "window", Zone: "glass", Kind: models.KindLoitering, State: models.StateClosed,
				Severity: models.SeverityHigh, Alarm: after(-7 * 24 * time.Hour), Series: exampleSeries, Score: .82,
				Reasons: []incident.Reason{{Factor: incident.FactorPlace, Score: 1, Weight: .2, Text: "same zone"}}}},
			Series: []SimilarSeries{{ID: exampleSeries, Number: 9, Name: series.Name, Matches: 1, Score: .82}}},
		"list-custody":     exampleCustody(),
		"incident-custody": exampleCustody(),
		"list-keys": KeyList{Items: []KeyEntry{{PublicKey: PublicKey{ID: "5bfe2a90c1d47e36", Key: make([]byte, 32), Since: after(-90 * 24 * time.Hour)},
			Fingerprint: exampleSum("66"), Current: true,
			PEM: "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n"}}},
		"recall-cameras":  RecallCameras{Items: []models.CameraID{"ramp", "window"}},
		"recall-coverage": Coverage{Have: []models.Span{night}, Gaps: []models.Gap{{From: after(time.Hour), To: after(time.Hour + 4*time.Second), Cause: models.CausePacketLoss, Lost: 212}}},
		"recall-moved":    MovedList{Items: []models.Moved{{Span: models.Span{From: after(-50 * time.Second), To: after(100 * time.Second)}, Strength: .62}}},
		"list-journal":    JournalPage{Items: []models.JournalEntry{exampleJournal()}, Next: exampleNext},
		"list-handovers":  HandoverPage{Items: []models.Handover{handover}},
		"get-logbook": incident.LogBook{Site: "arcade", Day: "2026-11-22", From: after(-24*time.Hour - 40*time.Minute - 12*time.Second), To: after(-40*time.Minute - 12*time.Second), TimeZone: "Europe/Vienna",
			Lines: []incident.LogLine{{Line: 1, Ref: "J812", At: after(-3 * time.Hour), Logged: after(-3*time.Hour + 2*time.Minute), Source: incident.LogJournal,
				What: "Key 12 handed to Mr. Lang, plumber", Who: "mara", Measures: "Identity checked, signed for"}}},
		"report-precision": incident.PrecisionReport{From: after(-30 * 24 * time.Hour), To: exampleAlarm, TimeZone: "Europe/Vienna",
			Rows: []incident.PrecisionRow{{By: incident.ByHour, Hour: &hour, Precision: incident.Precision{Alarms: 40, Unjudged: 10, True: 27, Nuisance: 3,
				Reasons: map[models.Nuisance]int{models.NuisanceRain: 3}, Precision: &incident.Estimate{Value: .9, Low: .74, High: .97}}}}},
		"report-summary": incident.Summary{From: after(-7 * 24 * time.Hour), To: exampleAlarm, Made: exampleAlarm,
			Rows: []incident.SummaryRow{{By: incident.BySite, Site: "arcade", Figures: incident.Figures{Incidents: 10, Merged: 1, True: 7, Nuisance: 2, Unjudged: 1, Open: 2,
				Acknowledge: times, Respond: times, Resolve: times, Effort: 5 * time.Hour, Losses: []models.Money{{Amount: 120_000, Currency: "EUR"}}}}}},
		"list-series": SeriesPage{Items: []models.Series{brief}, Next: exampleNext},
		"get-series":  SeriesAnswer{Series: series, Items: []models.Incident{in}, Hidden: 1, Profile: incident.ProfileOf([]models.Incident{in}, nil)},
		"list-names":  NameList{Items: []Named{{User: "mara", Name: "Mara Lindt"}}},
		"list-people": PeoplePage{Items: []Person{{Profile: exampleProfile(), Account: &Account{Email: "mara@example.org", Grants: []models.Grant{{Role: models.RoleOfficer, Groups: []string{"arcade"}}},
			Shift: []models.Schedule{}, Created: after(-400 * 24 * time.Hour), Changed: after(-20 * 24 * time.Hour), Edition: 5}}}},
		"list-tokens": TokenList{Items: []people.Token{{ID: "q8d3w5n7", Name: "alarm panel", Owner: "mara", Rights: []models.Right{models.RightView, models.RightWork},
			Groups: []string{"arcade"}, Created: after(-10 * 24 * time.Hour), Expires: after(80 * 24 * time.Hour), Used: after(-time.Hour)}}},
		"list-channels": Channels{Items: []Channel{{Name: "pager", Type: "webhook", Target: "hooks.example.org", Kinds: []models.NoticeKind{models.NoticeOpened}, MinSeverity: models.SeverityHigh,
			Groups: []string{"arcade"}, Schedule: []models.Schedule{}, Still: true, RateMost: 10, RateWithin: time.Minute, Delivered: 318, Errors: 2, LastSent: after(time.Second)}}},
		"list-deliveries": DeliveryPage{Items: []Delivered{{ID: "n7c2x9", Channel: "pager", Kind: models.NoticeOpened, State: models.DispatchDelivered, Incident: in.ID, Number: in.Number,
			Severity: in.Severity, Camera: in.Camera, At: exampleAlarm, Message: "n7c2x9", Attempts: 1, Done: after(time.Second)}}, Next: exampleNext},
	}
}

// exemplify puts the examples into the description.
func exemplify(o *huma.OpenAPI) error {
	left := examples()
	for _, path := range o.Paths {
		if path.Get == nil || left[path.Get.OperationID] == nil {
			continue
		}
		path.Get.Responses["200"].Content["application/json"].Example = left[path.Get.OperationID]
		delete(left, path.Get.OperationID)
	}
	if len(left) > 0 {
		return fmt.Errorf("web: there are examples for operations that do not exist: %v", left)
	}
	return nil
}
