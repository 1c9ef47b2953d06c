package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/bench/score"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// latency times alerts: from the capture of the frame in which a rule became true, by the
// camera's own clock, to the arrival of the incident on the event stream.
func latency(ctx context.Context, s *setting) error {
	var files []string
	for _, name := range []string{"clips/cars_from_above.mp4", "clips/one_by_one_person.mp4", "clips/mall_corridor.mp4", "pets/pets_s2l1.mp4"} {
		path, ok := s.footage(name)
		if !ok {
			return nil
		}
		files = append(files, path)
	}
	var cameras strings.Builder
	for i, path := range files {
		cam, err := box(path)
		if err != nil {
			return err
		}
		defer cam.Stop()
		fmt.Fprintf(&cameras, motionCamera, i, cam.URL())
	}
	p, client, err := s.start(ctx, "latency", cameras.String())
	if err != nil {
		return err
	}
	defer p.Kill()
	var delays []float64
	seen := map[models.IncidentID]bool{}
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	err = client.Listen(limit, func(a vedettetest.Alert) bool {
		if a.Kind != "incident" {
			return true
		}
		in, err := a.Incident()
		if err != nil || seen[in.ID] {
			return true
		}
		seen[in.ID] = true
		delays = append(delays, 1e3*a.At.Sub(in.Alarm).Seconds())
		return len(delays) < s.events
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	fmt.Printf("| alerts | cameras | p50 | p99 | max | in |\n|---|---|---|---|---|---|\n| %d | %d at their true rate (7–25 fps) | %.0f ms | %.0f ms | %.0f ms | %s |\n",
		len(delays), len(files), score.Quantile(delays, .5), score.Quantile(delays, .99), score.Quantile(delays, 1), time.Since(begin).Round(time.Second))
	return p.Stop(ctx)
}

// motionCamera is a camera whose every zone alarms on motion. Four quarters and short
// merges make many alerts from little footage.
const motionCamera = `
  cam%d:
    url: %s
    pre_roll: 2s
    post_roll: 1s
    detect: {fps: 0}
    zones:
      nw: {polygon: [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      ne: {polygon: [[0.5, 0], [1, 0], [1, 0.5], [0.5, 0.5]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      sw: {polygon: [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      se: {polygon: [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
`

// box is a camera in a box that plays a film again and again and tells its time.
func box(path string) (*camtest.Camera, error) {
	media, err := camtest.LoadMP4(path)
	if err != nil {
		return nil, err
	}
	cam := &camtest.Camera{Media: media, Loop: true, SenderReports: true}
	return cam, cam.Start()
}

// start runs vedette with these cameras, on motion alone, and logs in.
func (s *setting) start(ctx context.Context, name, cameras string) (*vedettetest.Process, *vedettetest.Client, error) {
	return s.startWith(ctx, name, "defaults: {detect: {objects: false}}", cameras)
}

func (s *setting) startWith(ctx context.Context, name, also, cameras string) (*vedettetest.Process, *vedettetest.Client, error) {
	data := s.work + "/" + name
	cfg, err := s.write(name+"/vedette.yml", fmt.Sprintf("data: %s\nweb: {listen: \"127.0.0.1:0\"}\n%s\ncameras:%s", data, also, cameras))
	if err != nil {
		return nil, nil, err
	}
	p, err := vedettetest.Start(nil, s.vedette, "--log-level", "warn", "run", "-c", cfg)
	if err != nil {
		return nil, nil, err
	}
	password := p.Password
	if password == "" {
		password = vedettetest.Password
	}
	client, err := vedettetest.Login(ctx, p.URL, password)
	if err != nil {
		p.Kill()
		return nil, nil, err
	}
	return p, client, nil
}
