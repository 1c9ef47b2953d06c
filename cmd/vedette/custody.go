package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// custodian is the key that signs for this recorder and the log that it signs. Verbs may
// have one open while vedette runs.
type custodian struct {
	Keys *custody.Keys
	Log  *custody.Log
}

// openCustody opens, or at the first start makes, the keys and the custody log in the data
// folder. Checkpoints go to the bucket too, unless it is nil.
func openCustody(cfg *config.Config, bucket storage.Bucket, log *slog.Logger) (*custodian, error) {
	keys, err := custody.OpenKeys(dataFile(cfg, "keys"))
	if err != nil {
		return nil, err
	}
	o, err := custodyOptions(cfg, keys, bucket, log)
	if err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	l, err := custody.OpenLog(dataFile(cfg, "custody"), o)
	if err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	return &custodian{keys, l}, nil
}

func (c *custodian) Close() error { return errors.Join(c.Log.Close(), c.Keys.Close()) }

func custodyOptions(cfg *config.Config, keys *custody.Keys, bucket storage.Bucket, log *slog.Logger) (custody.LogOptions, error) {
	o := custody.LogOptions{Keys: keys, Origin: cfg.Custody.Site, Log: log}
	if bucket != nil {
		o.Publish = func(ctx context.Context, name string, data []byte) error {
			sum := sha256.Sum256(data)
			return bucket.Put(ctx, name, bytes.NewReader(data),
				models.Object{Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Type: "text/plain; charset=utf-8"})
		}
	}
	if t := cfg.Custody.Timestamp; t != nil {
		roots, err := readRoots(t.CAFile)
		if err != nil {
			return custody.LogOptions{}, fmt.Errorf("custody.timestamp.ca_file: %w", err)
		}
		o.Authority = &custody.Authority{URL: t.URL, Roots: roots}
	}
	return o, nil
}

// readRoots reads certificates; none for no file.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return pool, nil
}

// enter records what the program itself did.
func (s *service) enter(ctx context.Context, act models.Act, cfg *config.Config, note string) error {
	return s.custody.Log.Record(context.WithoutCancel(ctx), models.Custody{Who: "vedette", Act: act, Config: cfg.Hash, Note: note})
}

// publicKeys are the keys as the console shows them.
func publicKeys(keys *custody.Keys) func() []web.PublicKey {
	return func() []web.PublicKey {
		var list []web.PublicKey
		for _, k := range keys.Public() {
			list = append(list, web.PublicKey{ID: k.ID, Key: k.Key, Since: k.Since, Until: k.Until})
		}
		return list
	}
}

// check says why a signature does not fit the data.
func (c *custodian) check(data []byte, sig models.Signature) error {
	return custody.Verify(c.Keys.Public(), data, sig)
}
