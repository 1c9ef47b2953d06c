package main

import (
	"fmt"
	"os"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/web"
)

type passwordCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
	User   string `arg:"" help:"The user, such as admin."`
}

func (c passwordCmd) Run(p *program) error {
	source, err := os.ReadFile(c.Config)
	if err != nil {
		return err
	}
	cfg, err := config.Parse(c.Config, source, p.environment(true))
	if err != nil {
		return p.mistakes(err, source)
	}
	accounts, oneTime, err := web.OpenAccounts(dataFile(cfg, "accounts.json"))
	if err != nil {
		return err
	}
	if oneTime == "" || c.User != "admin" {
		if oneTime, err = accounts.ResetPassword(c.User); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "new one-time password of %s: %s\n", c.User, oneTime)
	return err
}
