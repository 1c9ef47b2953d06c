package soak

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// Findings are what an autopsy found.
type Findings struct {
	Incidents int // that people were told of
	Cut       int // of these, open when the program was killed
	Without   int // killed before the first second of their clip was written; their records say so
	Clips     int // files of footage that were fetched, hashed and read
	Frames    int // in them

	Lost       []string // incidents that are not there, or never get their footage stored
	Unreadable []string // clips that FFmpeg does not read to the end, or with fewer pictures than the record says
	Altered    []string // objects that are not what the record says, by SHA-256
	Unnamed    []string // gaps in the pictures that the record does not name
	Custody    []string // what is wrong with the custody log

	Missing []float64 // seconds of footage missing at each kill
}

// Whole says that nothing was lost and nothing is silent.
func (f Findings) Whole() bool {
	return len(f.Lost)+len(f.Unreadable)+len(f.Altered)+len(f.Unnamed)+len(f.Custody) == 0
}

// Add takes the findings of another house.
func (f *Findings) Add(o Findings) {
	f.Incidents += o.Incidents
	f.Cut += o.Cut
	f.Without += o.Without
	f.Clips += o.Clips
	f.Frames += o.Frames
	f.Lost = append(f.Lost, o.Lost...)
	f.Unreadable = append(f.Unreadable, o.Unreadable...)
	f.Altered = append(f.Altered, o.Altered...)
	f.Unnamed = append(f.Unnamed, o.Unnamed...)
	f.Custody = append(f.Custody, o.Custody...)
	f.Missing = append(f.Missing, o.Missing...)
}

// patience is how long the last life may take to store the footage of one incident.
const patience = time.Minute

// Autopsy starts the program once more with nothing to watch, waits until everything is
// stored, and compares what is there with what people were told.
func (h *House) Autopsy(ctx context.Context) (Findings, error) {
	told := h.everything()
	f := Findings{Incidents: len(told), Cut: len(h.cut)}
	p, client, err := h.start(ctx, "\n  none: {url: rtsp://127.0.0.1:1/}\n") // nobody can reach it
	if err != nil {
		return f, err
	}
	defer p.Kill()
	for _, id := range slices.Sorted(maps.Keys(told)) {
		in, err := stored(ctx, client, id)
		if err != nil {
			f.Lost = append(f.Lost, fmt.Sprintf("%s: %v", id, err))
			continue
		}
		if err := h.examine(ctx, client, in, &f); err != nil {
			return f, err
		}
	}
	if h.check != nil {
		lost, err := h.check(ctx, client, told)
		if err != nil {
			return f, err
		}
		f.Lost = append(f.Lost, lost...)
	}
	if err := p.Stop(ctx); err != nil {
		return f, err
	}
	f.Custody, err = h.logWrong(ctx)
	return f, err
}

// logWrong has the program check its custody log, and returns what it says when that is not
// in order.
func (h *House) logWrong(ctx context.Context) ([]string, error) {
	cmd := exec.CommandContext(ctx, h.Program, "log", "verify", "-c", filepath.Join(h.Dir, "vedette.yml"))
	cmd.Env = append(os.Environ(), h.Env...)
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return []string{strings.TrimSpace(string(out))}, nil
	}
	return nil, err
}

// stored waits until the footage of an incident is where it belongs.
func stored(ctx context.Context, client *vedettetest.Client, id models.IncidentID) (models.Incident, error) {
	in, err := client.Incident(ctx, id)
	for end := time.Now().Add(patience); err == nil; in, err = client.Incident(ctx, id) {
		switch in.Footage.State {
		case models.FootageStored, models.FootageNone:
			return in, nil
		case models.FootageDeleted:
			return in, errors.New("its footage was deleted")
		}
		if time.Now().After(end) {
			return in, fmt.Errorf("its footage is still %s", in.Footage.State)
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return in, err
		}
	}
	return in, err
}

// examine looks at the footage of one incident.
func (h *House) examine(ctx context.Context, client *vedettetest.Client, in models.Incident, f *Findings) error {
	if in.Footage.Frames == 0 {
		// An incident about the disk itself asks for no footage.
		if len(in.Footage.Gaps) == 0 && !in.Footage.AskedFrom.IsZero() {
			f.Unnamed = append(f.Unnamed, fmt.Sprintf("%s: no footage and no gap", in.ID))
		}
		f.Without++
		return nil
	}
	h.mu.Lock()
	at, wasCut := h.cut[in.ID]
	h.mu.Unlock()
	if in.Footage.AskedTo.Before(at) {
		at = in.Footage.AskedTo // nothing after this was wanted
	}
	if wasCut && in.Footage.To.Before(at) {
		f.Missing = append(f.Missing, at.Sub(in.Footage.To).Seconds())
	}
	frames, from, alone := 0, in.Footage.From, true
	for _, o := range in.Footage.Objects {
		path, err := h.fetch(ctx, client, in, o)
		switch {
		case err != nil:
			f.Altered = append(f.Altered, fmt.Sprintf("%s: %s: %v", in.ID, o.Key, err))
			continue
		case path == "" || o.Role != models.RoleClip:
			continue
		}
		f.Clips++
		times, err := pictures(ctx, path)
		if err != nil {
			f.Unreadable = append(f.Unreadable, fmt.Sprintf("%s: %s: %v", in.ID, o.Key, err))
			continue
		}
		frames += len(times)
		if alone { // where a second file begins on the clock is in that file alone
			f.Unnamed = append(f.Unnamed, silences(in, from, times)...)
		}
		alone = false
	}
	f.Frames += frames
	if frames != in.Footage.Frames {
		f.Unreadable = append(f.Unreadable, fmt.Sprintf("%s: %d pictures can be read, the record says %d", in.ID, frames, in.Footage.Frames))
	}
	f.Unnamed = append(f.Unnamed, ends(in)...)
	return nil
}

// fetch reads an object out of the folder that is the bucket, or the clip through the
// program when the bucket is elsewhere, and checks that it is what the record says. The
// path is empty for what only the program itself can read.
func (h *House) fetch(ctx context.Context, client *vedettetest.Client, in models.Incident, o models.Object) (string, error) {
	path := filepath.Join(h.Data(), "evidence", filepath.FromSlash(o.Key))
	data, err := os.ReadFile(path)
	if h.Also != "" && strings.Contains(h.Also, "s3:") {
		if o.Role != models.RoleClip {
			return "", nil
		}
		path = filepath.Join(h.Dir, "clip.mp4")
		if data, err = client.Fetch(ctx, "/api/incidents/"+string(in.ID)+"/clip"); err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
	}
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(data); int64(len(data)) != o.Size || hex.EncodeToString(sum[:]) != o.SHA256 {
		return "", fmt.Errorf("%d bytes with SHA-256 %x, the record says %d and %s", len(data), sum, o.Size, o.SHA256)
	}
	return path, nil
}

// silences finds the stretches in which pictures are missing without a word in the record.
// Pictures come evenly but for jitter: three times the usual distance is a gap.
func silences(in models.Incident, from time.Time, times []float64) []string {
	if len(times) < 3 {
		return nil
	}
	slices.Sort(times)
	steps := make([]float64, len(times)-1)
	for i := range steps {
		steps[i] = times[i+1] - times[i]
	}
	usual := slices.Clone(steps)
	slices.Sort(usual)
	limit := max(3*usual[len(usual)/2], 0.5)
	var found []string
	for i, step := range steps {
		a := from.Add(seconds(times[i] - times[0]))
		if b := a.Add(seconds(step)); step > limit && !named(in.Footage.Gaps, a, b) {
			found = append(found, fmt.Sprintf("%s: nothing from %s for %.1f s", in.ID, a.Format(time.TimeOnly), step))
		}
	}
	return found
}

// endSlack is how much later than asked a clip may begin, or how much earlier end, without
// a named gap: half a second is what the program promises, and the distance of two pictures
// of a slow camera.
const endSlack = time.Second

func ends(in models.Incident) []string {
	var found []string
	f := in.Footage
	if f.From.Sub(f.AskedFrom) > endSlack && !named(f.Gaps, f.AskedFrom, f.From) {
		found = append(found, fmt.Sprintf("%s: begins %s late", in.ID, f.From.Sub(f.AskedFrom)))
	}
	if f.AskedTo.Sub(f.To) > endSlack && !named(f.Gaps, f.To, f.AskedTo) {
		found = append(found, fmt.Sprintf("%s: ends %s early", in.ID, f.AskedTo.Sub(f.To)))
	}
	return found
}

// named says whether a gap of the record meets the stretch.
func named(gaps []models.Gap, from, to time.Time) bool {
	return slices.ContainsFunc(gaps, func(g models.Gap) bool {
		return g.From.Before(to.Add(endSlack)) && g.To.After(from.Add(-endSlack))
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Causes counts the gaps of an incident list by what they say they come from.
func Causes(list []models.Incident) string {
	count := map[models.Cause]int{}
	for _, in := range list {
		for _, g := range in.Footage.Gaps {
			count[g.Cause]++
		}
	}
	var out []string
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b models.Cause) int { return cmp.Compare(a, b) }) {
		out = append(out, fmt.Sprintf("%d %s", count[c], c))
	}
	return strings.Join(out, ", ")
}
