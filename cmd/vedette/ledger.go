package main

import (
	"context"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// ledger tells the keeper of each record that a series changes, so that its copy in the
// bucket follows.
type ledger struct {
	web.Ledger
	keeper *storage.Keeper
}

func (l ledger) LinkSeries(ctx context.Context, id string, incident models.IncidentID, change func(*models.Series, *models.Incident) error) (models.Series, models.Incident, error) {
	s, in, err := l.Ledger.LinkSeries(ctx, id, incident, change)
	if err == nil {
		l.keeper.Touched(incident)
	}
	return s, in, err
}
