package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/bench/score"
	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// halvedCamera alarms on motion in each half of the picture: several incidents a minute,
// more than any site should have. The post-roll is longer than what a rule waits before it
// says that something is over, so that the end is known when it comes.
const halvedCamera = `
  cam%d:
    url: %s
    pre_roll: 2s
    post_roll: 3s
    zones:
      left: {polygon: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], rules: [{kind: motion, dwell: 500ms, grace: 1s, merge: 1s}]}
      right: {polygon: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]], rules: [{kind: motion, dwell: 500ms, grace: 1s, merge: 1s}]}
`

// final times evidence: from the end of an incident's footage (its post-roll included) to
// the record that names the finished objects, which the program writes when a MinIO server
// has answered for each of them. Afterwards every object is read back and hashed.
func final(ctx context.Context, s *setting) error {
	var cameras strings.Builder
	n := 0
	for _, name := range []string{"clips/cars_from_above.mp4", "clips/one_by_one_person.mp4", "clips/mall_corridor.mp4", "pets/pets_s2l1.mp4"} {
		path, ok := s.footage(name)
		if !ok {
			return nil
		}
		cam, err := box(path)
		if err != nil {
			return err
		}
		defer cam.Stop()
		fmt.Fprintf(&cameras, halvedCamera, n, cam.URL())
		n++
	}
	store, home := s.work+"/final-minio", s.work+"/final-home"
	if err := errors.Join(os.MkdirAll(store+"/evidence", 0o700), os.MkdirAll(home, 0o700)); err != nil {
		return err
	}
	server, err := miniotest.Run(ctx, store, home)
	if err != nil {
		return err
	}
	defer server.Kill()
	p, client, err := s.startWith(ctx, "final", fmt.Sprintf("defaults: {detect: {objects: false}}\nstorage: {bucket: {s3: {endpoint: %q, region: us-east-1, bucket: evidence, access_key: %s, secret_key: %s, tls: false}}}",
		server.Endpoint, server.AccessKey, server.SecretKey), cameras.String())
	if err != nil {
		return err
	}
	defer p.Kill()
	stored := map[models.IncidentID]models.Incident{}
	var delays []float64
	live := map[models.IncidentID]bool{}
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	err = client.Listen(limit, func(a vedettetest.Alert) bool {
		if a.Kind != "incident" {
			return true
		}
		in, err := a.Incident()
		if err != nil {
			return true
		}
		if !in.Footage.OffSite.IsZero() {
			live[in.ID] = true
		}
		if _, again := stored[in.ID]; again || in.Footage.State != models.FootageStored {
			return true
		}
		stored[in.ID] = in
		delays = append(delays, a.At.Sub(in.Footage.AskedTo).Seconds())
		return len(delays) < s.events
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	took := time.Since(begin)
	bucket, err := storage.OpenS3(storage.S3Options{Endpoint: server.Endpoint, Region: "us-east-1", Bucket: "evidence", PathStyle: true,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey})
	if err != nil {
		return err
	}
	objects, bad := 0, 0
	for _, in := range stored {
		m := storage.Manifest{Objects: in.Footage.Objects}
		objects += len(m.Objects)
		if err := m.VerifyObjects(ctx, func(ctx context.Context, o models.Object) (io.ReadCloser, error) { return bucket.Open(ctx, o.Key) }); err != nil {
			fmt.Println("lost:", in.ID, err)
			bad++
		}
	}
	fmt.Printf("| incidents | cameras | p50 | p99 | max | objects read back | incidents with a wrong one | off site before their end | in |\n|---|---|---|---|---|---|---|---|---|\n"+
		"| %d | %d at their true rate | %.2f s | %.2f s | %.2f s | %d | %d | %d | %s |\n",
		len(delays), n, score.Quantile(delays, .5), score.Quantile(delays, .99), score.Quantile(delays, 1), objects, bad, len(live), took.Round(time.Second))
	return p.Stop(ctx)
}
