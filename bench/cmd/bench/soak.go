package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/bench/score"
	"github.com/vedette-cctv/vedette/internal/soak"
)

// breakThings breaks things under a running vedette and counts what is lost.
func breakThings(ctx context.Context, s *setting) error {
	var films []string
	for _, name := range []string{"pets/pets_s2l1.mp4", "clips/cars_from_above.mp4"} {
		path, ok := s.footage(name)
		if !ok {
			return nil
		}
		films = append(films, path)
	}
	fmt.Println("| fault | injected | incidents | open at a kill | incidents lost | clips read, pictures | unreadable | altered | gaps not named | footage missing at a kill: median, p99, max |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	var bad []string
	for i, f := range soak.Faults() {
		if s.rows.String() != "" && !s.rows.MatchString(f.Name) {
			continue
		}
		n := s.faults
		if i == 0 {
			n = s.kills
		}
		found, took, err := s.breakOne(ctx, f, films, n)
		switch {
		case errors.Is(err, soak.ErrNotHere):
			fmt.Printf("| %s | skipped: %v |\n", f.Name, err)
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		missing := ""
		if len(found.Missing) > 0 {
			missing = fmt.Sprintf("%.2f s, %.2f s, %.2f s", score.Quantile(found.Missing, .5), score.Quantile(found.Missing, .99), score.Quantile(found.Missing, 1))
		}
		fmt.Printf("| %s | %d in %s | %d | %d | %d | %d, %d | %d | %d | %d | %s |\n", f.Name, n, took.Round(time.Second), found.Incidents, found.Cut,
			len(found.Lost), found.Clips, found.Frames, len(found.Unreadable), len(found.Altered), len(found.Unnamed), missing)
		for what, list := range map[string][]string{"lost": found.Lost, "unreadable": found.Unreadable, "altered": found.Altered, "not named": found.Unnamed, "custody log": found.Custody} {
			for _, line := range list {
				bad = append(bad, f.Name+": "+what+": "+line)
			}
		}
		if found.Without > 0 {
			bad = append(bad, fmt.Sprintf("%s: %d incidents have no footage; their records say why", f.Name, found.Without))
		}
	}
	if len(bad) > 0 {
		fmt.Println("\n- " + strings.Join(bad, "\n- "))
	}
	return nil
}

// breakOne does one fault n times, in several houses at a time.
func (s *setting) breakOne(ctx context.Context, f soak.Fault, films []string, n int) (soak.Findings, time.Duration, error) {
	begin := time.Now()
	lanes := max(1, min(s.lanes, n))
	progress := mpb.NewWithContext(ctx, mpb.WithOutput(os.Stderr), mpb.WithWidth(40))
	bar := progress.AddBar(int64(n), mpb.PrependDecorators(decor.Name(f.Name+" ")), mpb.AppendDecorators(decor.CountersNoUnit("%d of %d")), mpb.BarRemoveOnComplete())
	found := make([]soak.Findings, lanes)
	g, gctx := errgroup.WithContext(ctx)
	for i := range lanes {
		share := n / lanes
		if i < n%lanes {
			share++
		}
		g.Go(func() (err error) {
			found[i], err = f.Break(gctx, s.vedette, filepath.Join(s.work, fmt.Sprintf("house-%d", i)), films, share, bar.Increment)
			return err
		})
	}
	err := g.Wait()
	bar.Abort(true)
	progress.Wait()
	var all soak.Findings
	for _, one := range found {
		all.Add(one)
	}
	return all, time.Since(begin), err
}
