package config

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// requiredFields are what a type may require of a file before it is closed.
func requiredFields() []string {
	return []string{"description", "type", "judgement", "outcome", "assessment", "recovery", "loss", "police", "subject", "statement", "effort", "tasks"}
}

// procedure is how one responds to what has no procedure of its own.
func procedure() []models.Step {
	return []models.Step{
		{Stage: "assess", Text: "Say what it is, where, who is affected and how bad it is"},
		{Stage: "alert", Text: "Call who must know: supervisor, police, fire brigade, ambulance"},
		{Stage: "secure", Text: "Make the place safe, control access, keep evidence as it is"},
		{Stage: "document", Text: "Note times, place, people and actions; link the footage"},
		{Stage: "debrief", Text: "Tell who takes over what is done and what is left"},
	}
}

// builtinTypes are the occurrences that the security trade tells apart.
func builtinTypes() []models.Type {
	kind := func(id, name string, subs, skills, required []string, own ...models.Step) models.Type {
		return models.Type{ID: id, Name: name, Subs: subs, Skills: skills, Required: append([]string{"type", "outcome"}, required...), Checklist: with(own)}
	}
	step := func(stage, text string) models.Step { return models.Step{Stage: stage, Text: text} }
	return []models.Type{
		kind("theft", "Theft", []string{"burglary", "shoplifting", "vehicle", "from a vehicle", "attempt"}, nil, []string{"description", "loss"},
			step("alert", "Call the police while the offender is there or can be stopped"),
			step("secure", "Touch nothing that the offender touched"),
			step("document", "List what is missing, with its value")),
		kind("vandalism", "Vandalism", []string{"graffiti", "glass", "vehicle", "fire setting"}, nil, []string{"description", "loss"},
			step("document", "Photograph the damage before it is mended")),
		kind("assault", "Assault", []string{"threat", "bodily harm", "robbery"}, []string{"first_aid"}, []string{"description", "subject", "statement", "police"},
			step("assess", "See whether anybody is hurt and whether the offender is still there"),
			step("alert", "Call the police, and the ambulance for whoever is hurt"),
			step("secure", "Part those involved and stay with the victim"),
			step("document", "Take statements apart from each other")),
		kind("trespass", "Trespass", []string{"after hours", "banned person", "camping"}, nil, []string{"description"},
			step("secure", "Ask them to leave, and see that they do")),
		kind("intrusion", "Intrusion", []string{"forced entry", "climbing", "tailgating"}, nil, []string{"description"},
			step("alert", "Call the police before anybody goes in"),
			step("secure", "Watch the ways out; search the place in twos"),
			step("document", "Say how they got in")),
		kind("accident", "Accident", []string{"fall", "vehicle", "machine"}, []string{"first_aid"}, []string{"description", "statement"},
			step("assess", "See who is hurt, and what still endangers them"),
			step("alert", "Call the ambulance"),
			step("secure", "Give first aid and keep others away"),
			step("document", "Photograph the place as it is; note light, ground and weather")),
		kind("medical", "Medical emergency", []string{"collapse", "breathing", "injury", "intoxication"}, []string{"first_aid"}, []string{"description"},
			step("alert", "Call the ambulance and send somebody to show it the way"),
			step("secure", "Give first aid; fetch the defibrillator")),
		kind("disorder", "Disorder", []string{"noise", "crowd", "dispute", "intoxication"}, nil, []string{"description"},
			step("secure", "Speak calmly, keep a distance, leave them a way out")),
		kind("fire_safety", "Fire and safety", []string{"fire", "smoke", "gas", "water", "blocked exit", "alarm system"}, nil, []string{"description", "recovery"},
			step("alert", "Call the fire brigade; start the evacuation"),
			step("secure", "Keep the ways of the fire brigade clear"),
			step("document", "Note which detector and which exits")),
		kind("loss", "Loss", []string{"key", "badge", "property", "found"}, nil, []string{"description"},
			step("secure", "Block lost keys and badges")),
		kind("damage", "Damage", []string{"building", "vehicle", "equipment", "weather"}, nil, []string{"description"},
			step("secure", "Close off what could fall, leak or shock")),
		kind("suspicious", "Suspicious behaviour", []string{"person", "vehicle", "object", "observation"}, nil, []string{"assessment"},
			step("assess", "Watch before you go; compare with earlier incidents"),
			step("secure", "Do not touch objects that nobody owns")),
		kind("technical", "Technical", []string{"camera", "storage", "network", "power"}, nil, []string{"recovery"},
			step("assess", "See whether somebody did it on purpose"),
			step("alert", "Tell who keeps the equipment working"),
			step("secure", "Have the place patrolled while it is not watched")),
		kind("other", "Other", nil, nil, []string{"description"}),
	}
}

// with is the response procedure with steps of a type's own in their stages.
func with(own []models.Step) []models.Step {
	var steps []models.Step
	for _, s := range procedure() {
		steps = append(steps, s)
		for _, o := range own {
			if o.Stage == s.Stage {
				steps = append(steps, o)
			}
		}
	}
	return slices.Clip(steps)
}

// builtinMatrix rates impact higher than likelihood: what kills seldom matters more than
// what annoys daily.
func builtinMatrix() models.Matrix {
	const l, m, h, c = models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical
	return models.Matrix{
		{l, l, l, l, m},
		{l, l, m, m, m},
		{l, m, m, h, h},
		{m, m, h, h, c},
		{m, h, h, c, c},
	}
}

func builtinLevels() map[models.Severity]models.Level {
	const s, m, h = time.Second, time.Minute, time.Hour
	return map[models.Severity]models.Level{
		models.SeverityCritical: {Acknowledge: 1 * m, Respond: 5 * m, Resolve: 4 * h, Warn: 20 * s},
		models.SeverityHigh:     {Acknowledge: 2 * m, Respond: 10 * m, Resolve: 8 * h, Warn: 1 * m},
		models.SeverityMedium:   {Acknowledge: 10 * m, Respond: 30 * m, Resolve: 24 * h, Warn: 5 * m},
		models.SeverityLow:      {Acknowledge: 1 * h, Resolve: 72 * h, Warn: 15 * m},
	}
}

func builtinOutcomes() []string {
	return []string{"deterred", "left by themselves", "sent away", "handed to police", "handed to ambulance", "handed to fire brigade",
		"repaired", "returned to owner", "nothing found", "unsolved", "no action needed"}
}

func builtinWaits() []models.Wait {
	resolve := []models.Promise{models.PromiseResolve}
	return []models.Wait{
		{ID: "police", Name: "Police", Pauses: resolve},
		{ID: "owner", Name: "Owner or tenant", Pauses: resolve},
		{ID: "parts", Name: "Parts or repair", Pauses: resolve},
	}
}
