package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/bench/score"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// published is what people have been told of incidents, over all lives of the program.
type published struct {
	mu  sync.Mutex
	all map[models.IncidentID]models.Incident
	// cut is when the program was killed while the incident was open.
	cut map[models.IncidentID]time.Time
}

// kill ends the program at random instants of a run with incidents, and counts what was
// lost.
func kill(ctx context.Context, s *setting) error {
	var cameras strings.Builder
	for i, name := range []string{"pets/pets_s2l1.mp4", "clips/cars_from_above.mp4"} {
		path, ok := s.footage(name)
		if !ok {
			return nil
		}
		cam, err := box(path)
		if err != nil {
			return err
		}
		defer cam.Stop()
		fmt.Fprintf(&cameras, motionCamera, i, cam.URL())
	}
	told := &published{all: map[models.IncidentID]models.Incident{}, cut: map[models.IncidentID]time.Time{}}
	begin := time.Now()
	for i := range s.kills {
		if err := s.live(ctx, cameras.String(), told); err != nil {
			return fmt.Errorf("life %d: %w", i+1, err)
		}
		fmt.Fprintf(os.Stderr, "\rkill %d of %d, %d incidents ", i+1, s.kills, len(told.all))
	}
	fmt.Fprintln(os.Stderr)
	lost, unreadable, without, missing, err := s.autopsy(ctx, told)
	if err != nil {
		return err
	}
	fmt.Println("| kill -9 | incidents | open at a kill | incidents lost | clips unreadable | footage missing at the cut: median, p99, max |\n|---|---|---|---|---|---|")
	fmt.Printf("| %d in %s | %d | %d | %d | %d | %.2f s, %.2f s, %.2f s |\n", s.kills, time.Since(begin).Round(time.Second), len(told.all), len(told.cut),
		lost, unreadable, score.Quantile(missing, .5), score.Quantile(missing, .99), score.Quantile(missing, 1))
	if without > 0 {
		fmt.Printf("\n%d incidents were killed before the first second of their clip was written; their records say so.\n", without)
	}
	return nil
}

// live starts the program, listens, and kills it after 0.2 to 6 seconds.
func (s *setting) live(ctx context.Context, cameras string, told *published) error {
	p, client, err := s.start(ctx, "kill", cameras)
	if err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		_ = client.Listen(listening, func(a vedettetest.Alert) bool {
			if a.Kind == "incident" {
				if in, err := a.Incident(); err == nil {
					told.mu.Lock()
					told.all[in.ID] = in
					told.mu.Unlock()
				}
			}
			return true
		})
	})
	err = wait(ctx, 200*time.Millisecond+rand.N(5800*time.Millisecond))
	at := time.Now()
	p.Kill()
	stop()
	done.Wait()
	for id, in := range told.all {
		if _, before := told.cut[id]; in.Footage.State == models.FootageRecording && !before {
			told.cut[id] = at
		}
	}
	return err
}

// autopsy starts the program once more, waits until everything is stored, and compares
// the records and clips with what people were told.
func (s *setting) autopsy(ctx context.Context, told *published) (lost, unreadable, without int, missing []float64, err error) {
	// Cameras that nobody can reach: nothing new may happen.
	p, client, err := s.start(ctx, "kill", "\n  none: {url: rtsp://127.0.0.1:1/}\n")
	if err != nil {
		return 0, 0, 0, nil, err
	}
	defer p.Kill()
	for id := range told.all {
		in, err := client.Incident(ctx, id)
		for i := 0; err == nil && in.Footage.State != models.FootageStored && i < 600; i++ {
			if err = wait(ctx, 100*time.Millisecond); err == nil {
				in, err = client.Incident(ctx, id)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "lost:", id, err)
			lost++
			continue
		}
		at, wasCut := told.cut[id]
		if in.Footage.Frames == 0 {
			without++
			continue
		}
		if in.Footage.AskedTo.Before(at) {
			at = in.Footage.AskedTo // nothing after this was wanted
		}
		if wasCut && in.Footage.To.Before(at) {
			missing = append(missing, at.Sub(in.Footage.To).Seconds())
		}
		if why := s.decodes(ctx, client, in); why != "" {
			fmt.Fprintln(os.Stderr, "unreadable:", id, why)
			unreadable++
		}
	}
	return lost, unreadable, without, missing, p.Stop(ctx)
}

// decodes fetches the clip and decodes every frame; it returns what is wrong.
func (s *setting) decodes(ctx context.Context, client *vedettetest.Client, in models.Incident) string {
	body, err := client.Fetch(ctx, "/api/incidents/"+string(in.ID)+"/clip")
	if err != nil {
		return err.Error()
	}
	path := filepath.Join(s.work, "clip.mp4")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return err.Error()
	}
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0",
		"-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	if got := strings.Trim(string(out), " ,\n"); got != fmt.Sprint(in.Footage.Frames) {
		return fmt.Sprintf("decodes to %s frames, the record says %d", got, in.Footage.Frames)
	}
	return ""
}
