package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
)

// keysCmd is about the key that signs for this recorder.
type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"Say which keys have signed from when to when."`
	Export keysExportCmd `cmd:"" help:"Print the public keys, for whoever is to check what this recorder signed."`
	Rotate keysRotateCmd `cmd:"" help:"Make another key that signs from now on. Vedette must not be running."`
}

type keysListCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
}

func (c keysListCmd) Run(p *program) error {
	keys, err := p.publicKeys(c.Config)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tFROM\tTO\tSHA-256 OF THE KEY")
	for _, k := range keys {
		until := "in use"
		if !k.Until.IsZero() {
			until = k.Until.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%x\n", k.ID, k.Since.Format(time.RFC3339), until, sha256.Sum256(k.Key))
	}
	return w.Flush()
}

type keysExportCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
	JSON   bool   `help:"All keys with their times and what vouches for them, as vedette reads them. Default: PEM, as openssl reads them."`
	Key    string `help:"Only the key with this ID."`
}

func (c keysExportCmd) Run(p *program) error {
	keys, err := p.publicKeys(c.Config)
	if err != nil {
		return err
	}
	if c.JSON {
		if c.Key != "" {
			return errors.New("--json exports all keys: each is vouched for by the one before it")
		}
		data, err := custody.MarshalPublicKeys(keys)
		if err != nil {
			return err
		}
		_, err = p.stdout.Write(data)
		return err
	}
	found := false
	for _, k := range keys {
		if c.Key != "" && k.ID != c.Key {
			continue
		}
		found = true
		text, err := k.PEM()
		if err != nil {
			return err
		}
		if _, err := p.stdout.Write(text); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("there is no key %s", c.Key)
	}
	return nil
}

type keysRotateCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
	Who    string `help:"Who does it. Default: the user of this machine."`
	Why    string `help:"Why. It is kept in the custody log."`
}

func (c keysRotateCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	cfg, err := p.load(c.Config, false)
	if err != nil {
		return err
	}
	held, err := openCustody(cfg, nil, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	before := held.Keys.Public()[0]
	next, err := held.Keys.Rotate(time.Now())
	if err != nil {
		return err
	}
	note := fmt.Sprintf("key %s took the place of %s", next.ID, before.ID)
	if c.Why != "" {
		note += ": " + c.Why
	}
	if err := held.Log.Record(context.WithoutCancel(ctx), models.Custody{Who: whoever(c.Who), Act: models.ActKeyRotated, Note: note}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Key %s signs from now on. What key %s signed can still be checked.\nGive the new public key to those who check: vedette keys export\n", next.ID, before.ID)
	return err
}

// publicKeys reads the public keys, also while vedette runs.
func (p *program) publicKeys(path string) ([]custody.PublicKey, error) {
	cfg, err := p.load(path, false)
	if err != nil {
		return nil, err
	}
	keys, err := custody.ReadPublicKeys(dataFile(cfg, "keys"))
	if err != nil {
		return nil, fmt.Errorf("%w (the first start of vedette run makes the key)", err)
	}
	return keys, nil
}

// printJSON prints one value on one line.
func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
