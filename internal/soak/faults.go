package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
)

// ErrNotHere says that a fault cannot be made on this machine.
var ErrNotHere = errors.New("cannot be made on this machine")

// Fault is one kind of trouble.
type Fault struct {
	Name string
	// Run lives in the house and does the harm n times. The house is dead afterwards.
	Run func(ctx context.Context, s Scene, n int) error
}

// Scene is where a fault happens.
type Scene struct {
	*House
	Films []string // at least two, with different sizes of picture
	// Tick is told after each injection.
	Tick func()
}

// Faults are all of them.
func Faults() []Fault {
	return []Fault{
		{"killed (SIGKILL) 0.2 to 6 s after a start", kill},
		{"camera restarts every 5 s", restarts},
		{"camera restarts with another size of picture", resizes},
		{"camera's RTP time jumps by an hour, to and fro", timestamps},
		{"camera's NTP clock jumps by an hour, to and fro", ntp},
		{"5 % of the packets lost, for 10 s", loss},
		{"disk full for 6 s", full},
		{"index locked by another program for 6 s", locked},
		{"second instance on the same data", second},
		{"machine's clock set an hour back or forward, and to right again", clockSet},
		{"machine started with a clock 20 years ahead", clockAhead},
		{"killed while people are told by a webhook", toldAndKilled},
		{"S3 server killed, away for 4 s", s3Dies},
		{"S3 connections cut in the middle", s3Cut},
	}
}

// film opens a camera in a box that plays a film again and again and tells its time.
func film(path, addr string) (*camtest.Camera, error) {
	media, err := camtest.LoadMP4(path)
	if err != nil {
		return nil, err
	}
	return &camtest.Camera{Media: media, Loop: true, SenderReports: true, Addr: addr}, nil
}

// cameras starts one camera for each film and watches them.
func (s Scene) cameras(change func(*camtest.Camera)) (stop func(), err error) {
	var all []*camtest.Camera
	stop = func() {
		for _, c := range all {
			c.Stop()
		}
	}
	for _, path := range s.Films {
		c, err := film(path, "")
		if err == nil {
			if change != nil {
				change(c)
			}
			err = c.Start()
		}
		if err != nil {
			stop()
			return nil, err
		}
		all = append(all, c)
		s.Watch(c.URL())
	}
	return stop, nil
}

// one lives one life in which harm is done n times, with quiet before and after it.
func (s Scene) one(ctx context.Context, n int, harm func(*Life) error) error {
	l, err := s.Start(ctx)
	if err != nil {
		return err
	}
	defer l.Process.Kill()
	err = wait(ctx, 5*time.Second)
	for i := 0; i < n && err == nil; i++ {
		err = harm(l)
		s.Tick()
	}
	if err == nil {
		err = wait(ctx, 5*time.Second)
	}
	if err != nil {
		return err
	}
	return l.Stop(ctx)
}

func kill(ctx context.Context, s Scene, n int) error {
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	for range n {
		l, err := s.Start(ctx)
		if err != nil {
			return err
		}
		// The first life lasts until there is something to lose, however slow the machine is.
		for err = nil; err == nil && s.Told() == 0; {
			err = wait(ctx, 100*time.Millisecond)
		}
		err = errors.Join(err, wait(ctx, 200*time.Millisecond+rand.N(5800*time.Millisecond)))
		l.Kill()
		if err != nil {
			return err
		}
		s.Tick()
	}
	return nil
}

func restarts(ctx context.Context, s Scene, n int) error { return flap(ctx, s, n, s.Films[:1]) }

func resizes(ctx context.Context, s Scene, n int) error { return flap(ctx, s, n, s.Films) }

// flap is a camera that stops and comes back on the same address after a second, with the
// next of the films.
func flap(ctx context.Context, s Scene, n int, films []string) error {
	cam, err := film(films[0], "")
	if err == nil {
		err = cam.Start()
	}
	if err != nil {
		return err
	}
	defer func() { cam.Stop() }()
	u, err := url.Parse(cam.URL())
	if err != nil {
		return err
	}
	s.Watch(cam.URL())
	i := 0
	return s.one(ctx, n, func(*Life) error {
		cam.Stop()
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
		i++
		if cam, err = film(films[i%len(films)], u.Host); err == nil {
			err = cam.Start()
		}
		if err != nil {
			return err
		}
		return wait(ctx, 4*time.Second)
	})
}

// hour is an hour in RTP ticks.
const hour = 3600 * camtest.ClockRate

// every calls flip every 4 s of pictures, at 10 pictures a second or so.
func every(flip func(on bool)) func(i int, u camtest.Unit) camtest.Unit {
	on := false
	return func(i int, u camtest.Unit) camtest.Unit {
		if i%40 == 0 {
			on = !on
			flip(on)
		}
		return u
	}
}

func timestamps(ctx context.Context, s Scene, n int) error {
	stop, err := s.cameras(func(c *camtest.Camera) {
		c.SenderReports = false // its clock would jump, too
		shift := int64(0)
		alter := every(func(on bool) {
			shift = 0
			if on {
				shift = hour
			}
		})
		c.Alter = func(i int, u camtest.Unit) camtest.Unit {
			u = alter(i, u)
			u.DTS, u.PTS = u.DTS+shift, u.PTS+shift
			return u
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error { return wait(ctx, 4*time.Second) })
}

func ntp(ctx context.Context, s Scene, n int) error {
	stop, err := s.cameras(func(c *camtest.Camera) {
		// Alter runs where the offset is read.
		c.Alter = every(func(on bool) {
			c.NTPOffset = 0
			if on {
				c.NTPOffset = time.Hour
			}
		})
	})
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error { return wait(ctx, 4*time.Second) })
}

func loss(ctx context.Context, s Scene, n int) error {
	stop, err := s.cameras(func(c *camtest.Camera) {
		dice := rand.New(rand.NewPCG(5, 100))
		c.Drop = func(int) bool { return dice.Float64() < 0.05 }
	})
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error { return wait(ctx, 10*time.Second) })
}

// full leaves no byte on the disk of the data folder.
func full(ctx context.Context, s Scene, n int) error {
	unmount, err := smallDisk(s.Data())
	if err != nil {
		return err
	}
	s.keep(unmount)
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	ballast := filepath.Join(s.Data(), "ballast")
	return s.one(ctx, n, func(*Life) error {
		if err := fill(ballast); err != nil {
			return err
		}
		err := wait(ctx, 6*time.Second)
		return errors.Join(err, os.Remove(ballast), wait(ctx, 8*time.Second))
	})
}

// locker holds SQLite's write lock from outside, as a careless backup does.
const locker = `
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
c.execute("BEGIN EXCLUSIVE")
time.sleep(6)
c.execute("ROLLBACK")
`

func locked(ctx context.Context, s Scene, n int) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotHere, err)
	}
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error {
		out, err := exec.CommandContext(ctx, python, "-c", locker, filepath.Join(s.Data(), "vedette.db")).CombinedOutput()
		if err != nil {
			return fmt.Errorf("lock the index: %w: %s", err, out)
		}
		return wait(ctx, 4*time.Second)
	})
}

func second(ctx context.Context, s Scene, n int) error {
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error {
		other, err := vedettetest.Start(nil, s.Program, "run", "-c", filepath.Join(s.Dir, "vedette.yml"))
		if err == nil {
			other.Kill()
			return errors.New("a second vedette started on the same data folder")
		}
		return wait(ctx, 2*time.Second)
	})
}
