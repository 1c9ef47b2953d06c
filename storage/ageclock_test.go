package storage

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ageMachine is a machine whose clock can be set apart from the time that passes.
type ageMachine struct {
	t      *testing.T
	path   string
	ahead  time.Duration // of the right time
	passed time.Duration // since noon
	synced bool
	*AgeClock
}

func newAgeMachine(t *testing.T) *ageMachine {
	m := &ageMachine{t: t, path: filepath.Join(t.TempDir(), "retention-clock.json")}
	m.start()
	return m
}

// start is a new run of the program.
func (m *ageMachine) start() {
	m.t.Helper()
	c, err := OpenAgeClock(m.path, func() bool { return m.synced }, slog.New(slog.DiscardHandler))
	if err != nil {
		m.t.Fatal(err)
	}
	began := m.passed
	c.clocks = func() (time.Time, time.Duration) { return m.wall(), m.passed - began }
	m.AgeClock = c
	c.Now()
}

func (m *ageMachine) wall() time.Time { return noon.Add(m.passed + m.ahead).UTC() }

// live lets time pass in which retention has its rounds.
func (m *ageMachine) live(d time.Duration) {
	const round = time.Hour
	for ; d > round; d -= round {
		m.passed += round
		m.Now()
	}
	m.passed += d
	m.Now()
}

// behindTruth is how far the clock of retention is behind the right time.
func (m *ageMachine) behindTruth() time.Duration {
	late := noon.Add(m.passed).Sub(m.Now())
	if late < 0 {
		m.t.Errorf("after %s: %s early", m.passed, -late)
	}
	return late
}

func TestAgeClock(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for _, c := range []struct {
		name string
		do   func(m *ageMachine)
		late time.Duration
	}{
		{"a clock that is right", func(m *ageMachine) { m.live(90 * day) }, 0},
		{"years ahead for some days, then set right", func(m *ageMachine) {
			m.ahead = 20 * year
			m.live(6 * day)
			m.ahead = 0
		}, 0},
		{"years ahead at each of some starts", func(m *ageMachine) {
			m.ahead = 20 * year
			for range 5 {
				m.start()
				m.live(day)
			}
			m.ahead = 0
		}, 0},
		{"set back and to right again", func(m *ageMachine) {
			m.ahead = -time.Hour
			m.live(day)
			m.ahead = 0
		}, 0},
		{"set back: never later than the machine's clock", func(m *ageMachine) {
			m.live(day)
			m.ahead = -time.Hour
		}, time.Hour},
		{"off for a month, no time server: late by as much", func(m *ageMachine) {
			m.live(day)
			m.passed += 30 * day
			m.start()
			m.live(6 * day)
		}, 30 * day},
		{"off for a month, and a week later", func(m *ageMachine) {
			m.live(day)
			m.passed += 30 * day
			m.start()
			m.live(8 * day)
		}, 0},
		{"off for a month, with a time server", func(m *ageMachine) {
			m.live(day)
			m.passed += 30 * day
			m.start()
			m.synced = true
		}, 0},
		{"off each night", func(m *ageMachine) {
			for range 15 {
				m.live(12 * time.Hour)
				m.passed += 12 * time.Hour
				m.start()
			}
		}, 12 * time.Hour},
		{"killed: a minute of its life is forgotten at most", func(m *ageMachine) {
			m.live(59*time.Second + 5*time.Hour)
			m.start()
		}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newAgeMachine(t)
			c.do(m)
			if late := m.behindTruth(); late > c.late || c.late > time.Minute && late < c.late-time.Minute {
				t.Errorf("%s late, want %s", late, c.late)
			}
		})
	}
}

// What was made while the machine's clock was in the past has no age until the clock is
// right, and is young then.
func TestAgeOfWhatAPastClockHasStamped(t *testing.T) {
	m := newAgeMachine(t)
	m.live(time.Hour)
	before := m.wall()
	m.ahead = -50 * 365 * 24 * time.Hour
	m.start()
	m.live(time.Hour)
	stamped := m.wall()
	m.live(time.Hour)
	if since, known := m.Since(stamped); known {
		t.Errorf("its age is known, from %s", since)
	}
	if since, known := m.Since(before); !known || !since.Equal(before) {
		t.Errorf("what was made before: %s, %v", since, known)
	}
	m.ahead, m.synced = 0, true
	m.live(time.Minute)
	right := m.wall()
	m.live(time.Hour)
	m.start()
	since, known := m.Since(stamped)
	if !known || since.Before(right.Add(-time.Minute)) || since.After(right) {
		t.Errorf("counts from %s, %v; want %s", since, known, right)
	}
	k := Keeper{Policy: Policy{Default: time.Hour}, Age: m.AgeClock}
	in := models.Incident{Alarm: stamped, End: stamped, Footage: models.Footage{State: models.FootageStored, Objects: []models.Object{{Role: models.RoleClip}}}}
	if at, ends := k.Expires(in); !ends || !at.Equal(since.Add(time.Hour)) {
		t.Errorf("expires at %s, %v", at, ends)
	}
}

func TestAgeClockRefusesAStateThatItCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "retention-clock.json")
	if err := os.WriteFile(path, []byte(`{"at": "yesterd`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAgeClock(path, nil, nil); err == nil {
		t.Error("no error")
	}
}
