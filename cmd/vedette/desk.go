package main

import (
	"log/slog"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// officers are the people whom incidents can be given to now: those who can log in.
func officers(accounts *people.Accounts, log *slog.Logger) []models.Officer {
	all, err := accounts.People()
	if err != nil {
		log.Error("who can be sent is not known", "err", err)
		return nil
	}
	var list []models.Officer
	for _, p := range all {
		if !p.Disabled {
			list = append(list, p.Officer)
		}
	}
	return list
}
