package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

type holdCmd struct {
	Incident []string `arg:"" help:"The incidents, by ID."`
	Config   string   `short:"c" default:"vedette.yml" help:"The configuration file; its index and bucket are used, also while vedette runs."`
	Why      string   `required:"" help:"Why, such as the reference of the case. It is kept in the record and in the custody log."`
	Until    string   `help:"When the hold ends by itself: a day, which is held to its end (2027-03-01), or an instant (RFC 3339). Default: when somebody releases it."`
	Who      string   `help:"Who sets it. Default: the user of this machine."`
}

func (c holdCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	until := time.Time{}
	if c.Until != "" {
		day, whole, err := parseDay(c.Until, time.Local)
		if err != nil {
			return fmt.Errorf("--until: %w", err)
		}
		if until = day; whole {
			until = day.AddDate(0, 0, 1)
		}
	}
	return eachKept(ctx, p, log, c.Config, c.Incident, func(k *storage.Keeper, id models.IncidentID) (string, error) {
		_, err := k.Hold(ctx, id, models.Hold{By: whoever(c.Who), Why: c.Why, At: time.Now().UTC(), Until: until.UTC()})
		if until.IsZero() {
			return "held until somebody releases it", err
		}
		return "held until " + until.Format(time.RFC3339), err
	})
}

type releaseCmd struct {
	Incident []string `arg:"" help:"The incidents, by ID."`
	Config   string   `short:"c" default:"vedette.yml" help:"The configuration file; its index and bucket are used, also while vedette runs."`
	Why      string   `required:"" help:"Why. It is kept in the record and in the custody log."`
	Who      string   `help:"Who releases it. Default: the user of this machine."`
}

func (c releaseCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return eachKept(ctx, p, log, c.Config, c.Incident, func(k *storage.Keeper, id models.IncidentID) (string, error) {
		in, err := k.Release(ctx, id, whoever(c.Who), c.Why, time.Now().UTC())
		if at, ends := k.Expires(in); err == nil && ends {
			return "released; retention may delete the evidence from " + at.Local().Format(time.RFC3339), nil
		}
		return "released; the evidence is kept for ever all the same", err
	})
}

// eachKept does one thing to each incident and says how it went; one that fails does not
// keep the others from it.
func eachKept(ctx context.Context, p *program, log *slog.Logger, path string, ids []string,
	do func(*storage.Keeper, models.IncidentID) (string, error)) (err error) {
	cfg, err := p.load(path, true)
	if err != nil {
		return err
	}
	keeper, done, err := openKeeper(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	var errs []error
	for _, id := range ids {
		said, err := do(keeper, models.IncidentID(id))
		if err != nil {
			errs = append(errs, fmt.Errorf("incident %s: %w", id, err))
			continue
		}
		fmt.Fprintf(p.stdout, "%s  %s\n", id, said)
	}
	return errors.Join(errs...)
}

// openKeeper opens what a keeper needs beside a vedette that may be running.
func openKeeper(ctx context.Context, cfg *config.Config, log *slog.Logger) (_ *storage.Keeper, done func() error, err error) {
	var open []func() error
	done = func() (err error) {
		for _, closer := range slices.Backward(open) {
			err = errors.Join(err, closer())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, done())
		}
	}()
	bucket, err := openBucket(cfg.Storage.Bucket)
	if err != nil {
		return nil, nil, err
	}
	if db := cfg.Storage.Index.SQLite; db != nil {
		if _, err := os.Stat(db.Path); err != nil {
			return nil, nil, fmt.Errorf("index: %w (has vedette run with this configuration?)", err)
		}
	}
	index, err := openIndex(ctx, cfg.Storage.Index)
	if err != nil {
		return nil, nil, err
	}
	open = append(open, index.Close)
	keys, err := custody.OpenKeys(dataFile(cfg, "keys"))
	if err != nil {
		return nil, nil, err
	}
	open = append(open, keys.Close)
	custodyLog, err := custody.OpenLog(dataFile(cfg, "custody"), custody.LogOptions{Keys: keys, Log: log})
	if err != nil {
		return nil, nil, err
	}
	open = append(open, custodyLog.Close)
	keeper := newKeeper(cfg, index, bucket, log)
	keeper.Signer, keeper.Custody = keys, custodyLog
	return keeper, done, nil
}

// whoever names who acts from the command line.
func whoever(given string) string {
	if given != "" {
		return given
	}
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
