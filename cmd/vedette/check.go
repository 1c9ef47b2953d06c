package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

type checkCmd struct {
	File         string `arg:"" help:"The configuration file."`
	Placeholders bool   `help:"Take environment variables that are not set as given: for checking a file on a machine that has no secrets."`
	Quiet        bool   `short:"q" help:"Say only whether the file is good, not what it means."`
}

func (c checkCmd) Run(p *program) error {
	cfg, err := p.load(c.File, c.Placeholders)
	if err != nil {
		return err
	}
	var b strings.Builder
	zones, rules := 0, 0
	for _, cam := range cfg.Cameras {
		zones += len(cam.Zones)
		for _, z := range cam.Zones {
			rules += len(z.Rules)
		}
		if !c.Quiet {
			describe(&b, cam)
		}
	}
	if !c.Quiet {
		describeDesk(&b, cfg.Policy())
	}
	fmt.Fprintf(&b, "%s: good: %s, %s, %s, hash %.12s\n", c.File,
		counted(len(cfg.Cameras), "camera"), counted(zones, "zone"), counted(rules, "rule"), cfg.Hash)
	_, err = io.WriteString(p.stdout, b.String())
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// describe says what a camera is watched for, so that an operator sees what the file means
// before it is in force.
func describe(b *strings.Builder, cam config.Camera) {
	fmt.Fprintf(b, "%s: %s at %s", cam.ID, cam.Name, cam.Address())
	if cam.Site != "" {
		fmt.Fprintf(b, ", site %s", cam.Site)
	}
	b.WriteByte('\n')
	if len(cam.Zones) == 0 {
		b.WriteString("  no zones: it is not watched for anything but its own health\n")
	}
	for _, z := range cam.Zones {
		fmt.Fprintf(b, "  zone %s\n", z.ID)
		if len(z.Rules) == 0 {
			b.WriteString("    no rules: it is only drawn\n")
		}
		for _, r := range z.Rules {
			fmt.Fprintf(b, "    %s (%s): %s; %s\n", r.Kind, r.Severity, config.Words(r), config.Timetable(r.Schedule))
		}
	}
	fmt.Fprintf(b, "  health: %s\n", health(cam.Health.Rules()))
	// What the buffer must hold is known; how much a camera sends is not.
	reach := cam.PreRoll + cam.LongestDwell()
	if reach > 0 {
		rate := float64(cam.Buffer.Memory+cam.Buffer.Disk) * 8 / 1e6 / reach.Seconds()
		fmt.Fprintf(b, "  buffer: %s of footage for the slowest of these, which fits up to %.3g Mbit/s\n", config.Span(reach), rate)
	}
}

// describeDesk says what is promised for incidents, and what new ones get.
func describeDesk(b *strings.Builder, p models.Policy) {
	for _, s := range p.Sites {
		fmt.Fprintf(b, "site %s: %s\n", s.ID, s.Name)
	}
	b.WriteString("desk\n")
	for _, severity := range []models.Severity{models.SeverityCritical, models.SeverityHigh, models.SeverityMedium, models.SeverityLow} {
		l := p.Levels[severity]
		var promises []string
		for _, promise := range []struct {
			what   string
			within time.Duration
		}{{"acknowledged", l.Acknowledge}, {"responded to", l.Respond}, {"resolved", l.Resolve}} {
			if promise.within > 0 {
				promises = append(promises, promise.what+" within "+config.Span(promise.within))
			}
		}
		if len(promises) == 0 {
			promises = []string{"nothing is promised"}
		}
		fmt.Fprintf(b, "  %s: %s; clocks run %s\n", severity, strings.Join(promises, ", "), config.Timetable(l.Hours))
	}
	for _, preset := range p.Presets {
		var sets []string
		if preset.Severity != "" {
			sets = append(sets, "severity "+string(preset.Severity))
		}
		if preset.Type != "" {
			sets = append(sets, "type "+preset.Type)
		}
		if len(preset.Tags) > 0 {
			sets = append(sets, "tags "+strings.Join(preset.Tags, ", "))
		}
		fmt.Fprintf(b, "  preset %s: %s; %s\n", preset.Name, strings.Join(sets, ", "), config.Timetable(preset.Schedule))
	}
}

// health lists what is looked for and what is not.
func health(rules []models.Rule) string {
	var on []string
	off := models.HealthKinds()
	for _, r := range rules {
		what := string(r.Kind)
		if r.MaxOffset > 0 {
			what += " more than " + config.Span(r.MaxOffset) + " off"
		}
		on = append(on, fmt.Sprintf("%s after %s (%s)", what, config.Span(r.For), r.Severity))
		off = slices.DeleteFunc(off, func(kind models.Kind) bool { return kind == r.Kind })
	}
	said := strings.Join(on, ", ")
	if len(off) > 0 {
		if said != "" {
			said += "; "
		}
		said += "off: " + string(off[0])
		for _, kind := range off[1:] {
			said += ", " + string(kind)
		}
	}
	return said
}

// environment looks variables up; with placeholders one that is not set has a value too.
func (p *program) environment(placeholders bool) func(string) (string, bool) {
	if !placeholders {
		return p.env
	}
	return func(name string) (string, bool) {
		if v, ok := p.env(name); ok {
			return v, true
		}
		return "placeholder-of-a-value", true // long enough for a secret
	}
}

// load reads a configuration for a verb that watches nothing; its mistakes are printed.
func (p *program) load(path string, placeholders bool) (*config.Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Parse(path, source, p.environment(placeholders))
	if err != nil {
		return nil, p.mistakes(err, source)
	}
	return cfg, nil
}

// mistakes prints every mistake with its line and a caret, and returns errReported.
func (p *program) mistakes(err error, source []byte) error {
	var all config.Mistakes
	if !errors.As(err, &all) {
		return err
	}
	for _, m := range all {
		fmt.Fprintln(p.stderr, m.Error())
		if x := config.Excerpt(m, source); x != "" {
			fmt.Fprintln(p.stderr, x)
		}
	}
	fmt.Fprintln(p.stderr, counted(len(all), "mistake"))
	return errReported
}

type schemaCmd struct{}

func (schemaCmd) Run(p *program) error {
	_, err := p.stdout.Write(config.Schema())
	return err
}
