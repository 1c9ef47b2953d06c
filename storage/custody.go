package storage

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Signer signs what leaves this room under the program's key. The signature covers the
// purpose too, so that one for a manifest is none for a deletion.
type Signer interface {
	Sign(purpose string, data []byte) (models.Signature, error)
}

// Custodian keeps the custody log. An entry is durable when Record returns.
type Custodian interface {
	Record(ctx context.Context, c models.Custody) error
}

// custodyPatience bounds each entry: a log on a disk that hangs must not hold evidence.
const custodyPatience = 30 * time.Second

// tell writes an entry of the custody log. Evidence comes before the log of it: when the
// log cannot be written that is reported, and the evidence goes its way.
func tell(ctx context.Context, to Custodian, log *slog.Logger, c models.Custody) {
	if to == nil {
		return
	}
	if c.At.IsZero() {
		c.At = time.Now().UTC()
	}
	if c.Who == "" {
		c.Who = by
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), custodyPatience)
	defer cancel()
	if err := to.Record(ctx, c); err != nil {
		log.Error("custody log not written", "act", c.Act, "incident", c.Incident, "error", err)
	}
}

// custodyOf begins an entry about an incident.
func custodyOf(in models.Incident, act models.Act) models.Custody {
	return models.Custody{Act: act, Incident: in.ID, Camera: in.Camera, Config: in.Config}
}
