package main

import (
	"fmt"

	"github.com/vedette-cctv/vedette/people"
)

type passwordCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
	User   string `arg:"" help:"The user, such as admin."`
}

func (c passwordCmd) Run(p *program) error {
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return err
	}
	accounts, oneTime, err := people.Open(dataFile(cfg, "accounts.json"), people.Options{})
	if err != nil {
		return err
	}
	if oneTime == "" || c.User != "admin" {
		if oneTime, err = accounts.ResetPassword(c.User, people.Operator, nil); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "new one-time password of %s: %s\n", c.User, oneTime)
	return err
}
