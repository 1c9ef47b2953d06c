package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/vedette-cctv/vedette/config"
)

type checkCmd struct {
	File         string `arg:"" help:"The configuration file."`
	Placeholders bool   `help:"Take environment variables that are not set as given: for checking a file on a machine that has no secrets."`
}

func (c checkCmd) Run(p *program) error {
	source, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	cfg, err := config.Parse(c.File, source, p.environment(c.Placeholders))
	if err != nil {
		return p.mistakes(err, source)
	}
	zones, rules := 0, 0
	for _, cam := range cfg.Cameras {
		zones += len(cam.Zones)
		for _, z := range cam.Zones {
			rules += len(z.Rules)
		}
	}
	_, err = fmt.Fprintf(p.stdout, "%s: good: %d cameras, %d zones, %d rules, hash %.12s\n", c.File, len(cfg.Cameras), zones, rules, cfg.Hash)
	return err
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
		return "placeholder", true
	}
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
	fmt.Fprintf(p.stderr, "%d mistakes\n", len(all))
	return errReported
}

type schemaCmd struct{}

func (schemaCmd) Run(p *program) error {
	_, err := p.stdout.Write(config.Schema())
	return err
}
