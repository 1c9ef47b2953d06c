// Command bench prints the tables of bench/README.md. It runs a built vedette as the
// process that people run, with cameras in a box on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// table is one measurement.
type table struct {
	name string
	run  func(context.Context, *setting) error
}

// setting is what the measurements share.
type setting struct {
	vedette string // the program
	data    string // folder of the footage
	work    string // scratch folder
	kills   int    // of the program, in the soak
	faults  int    // of every other kind
	lanes   int    // houses in the soak at a time
	events  int
	seconds time.Duration
	// incidents in the index, and searches of each kind.
	incidents, searches int
	index               string         // an SQLite file that is kept from run to run
	postgres            string         // DSN of a database that is kept from run to run
	rows                *regexp.Regexp // of the tables that have names for rows
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if url := os.Getenv(bareURL); url != "" {
		if err := runBare(ctx, url); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "bench: bare decode:", err)
			os.Exit(1)
		}
		return
	}
	if url := os.Getenv(recordURL); url != "" {
		if err := runRecord(ctx, url, os.Getenv(recordDir)); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "bench: record:", err)
			os.Exit(1)
		}
		return
	}
	s := &setting{}
	flag.StringVar(&s.vedette, "vedette", "bin/vedette", "the program to measure")
	flag.StringVar(&s.data, "data", envOr("VEDETTE_DATA", "../shared/data"), "folder of the footage; without it the tables that need it are skipped")
	flag.IntVar(&s.kills, "kills", 100, "soak: how often to kill the program")
	flag.IntVar(&s.faults, "faults", 10, "soak: how often to make every other fault")
	flag.IntVar(&s.lanes, "lanes", 2, "soak: programs to break at a time")
	flag.IntVar(&s.events, "events", 120, "how many alerts to time")
	flag.DurationVar(&s.seconds, "for", time.Minute, "how long to measure the cost of a camera")
	flag.IntVar(&s.incidents, "incidents", 1_000_000, "index: how many incidents")
	flag.StringVar(&s.index, "index", "", "index: keep the SQLite index in this file, and use it when it is there")
	flag.StringVar(&s.postgres, "postgres", "", "index: use the PostgreSQL database of this DSN, and what is in it, instead of a server made for the run")
	flag.IntVar(&s.searches, "searches", 500, "index: how many searches of each kind")
	only := flag.String("only", "", "comma-separated: loitering, latency, final, cost, record, soak, accuracy, replay, index")
	rows := flag.String("rows", "", "only the rows (accuracy, replay, soak; of index the database, a comma and the search) whose name matches this regular expression")
	flag.Parse()
	var err error
	if s.rows, err = regexp.Compile(*rows); err != nil {
		fmt.Fprintln(os.Stderr, "bench: -rows:", err)
		os.Exit(2)
	}
	tables := []table{{"loitering", loitering}, {"latency", latency}, {"final", final}, {"cost", cost}, {"record", record}, {"soak", breakThings}, {"accuracy", accuracy}, {"replay", replay}, {"index", measureIndex}}
	if err := run(ctx, s, tables, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s *setting, tables []table, only string) error {
	var err error
	if s.work, err = os.MkdirTemp("", "vedette-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.work)
	if s.vedette, err = filepath.Abs(s.vedette); err != nil {
		return err
	}
	fmt.Printf("%s, %d CPUs (%s), %s\n", time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), cpu(), runtime.Version())
	for _, t := range tables {
		if only != "" && !strings.Contains(","+only+",", ","+t.name+",") {
			continue
		}
		fmt.Printf("\n## %s\n\n", t.name)
		if err := t.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// footage is a file of the test footage; false, said out loud, when it is not there.
func (s *setting) footage(name string) (string, bool) {
	path := filepath.Join(s.data, name)
	if _, err := os.Stat(path); err != nil {
		fmt.Printf("skipped: the footage %s is not present (set VEDETTE_DATA)\n", name)
		return "", false
	}
	return path, true
}

func (s *setting) write(name, text string) (string, error) {
	path := filepath.Join(s.work, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func envOr(name, or string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return or
}

// cpu is the processor's name.
func cpu() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, name, _ := strings.Cut(string(info), "model name")
	name, _, _ = strings.Cut(name, "\n")
	return strings.TrimLeft(name, "\t: ")
}
