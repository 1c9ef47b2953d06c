package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// The database goes away in the middle of an Update and comes back: it has happened once,
// or the caller is told that it has not, or that nobody knows.
func TestDatabaseGoesAwayInMidAction(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	dsn := server.Database("away")
	wire := newWire(t, dsn)
	x := mustPostgres(t, wire.dsn).(*sqlIndex)
	n := 0
	for _, c := range []struct {
		name string
		// at is what happens the first time that a step is reached.
		at       map[string]func()
		patience time.Duration
		after    func()
		calls    int // of change
		stored   bool
		err      error
	}{
		{name: "killed while the change is made", calls: 2, stored: true, at: map[string]func(){
			"change": func() { server.Kill(); server.Restart() }}},
		{name: "killed before the commit", calls: 2, stored: true, at: map[string]func(){
			"commit": func() { server.Kill(); server.Restart() }}},
		{name: "restarted in good order before the commit", calls: 2, stored: true, at: map[string]func(){
			"commit": func() { server.Stop(); server.Restart() }}},
		{name: "the answer to the commit is lost", calls: 1, stored: true, at: map[string]func(){
			"commit": wire.loseAnswer}},
		{name: "killed before the commit, and away for longer", calls: 1, err: ErrOutcome, patience: 50 * time.Millisecond,
			at: map[string]func(){"commit": server.Kill}, after: server.Restart},
		{name: "the answer is lost, and the database away for longer", calls: 1, stored: true, err: ErrOutcome, patience: 50 * time.Millisecond,
			at: map[string]func(){"commit": func() { wire.loseAnswer(); wire.closed.Store(true) }}, after: func() { wire.closed.Store(false) }},
		{name: "killed while the change is made, and away for longer", calls: 1, err: errAny,
			at: map[string]func(){"change": server.Kill}, after: server.Restart},
	} {
		t.Run(c.name, func(t *testing.T) {
			n++
			in, err := x.Create(t.Context(), incident(n))
			if err != nil {
				t.Fatal(err)
			}
			once := func(step string) {
				if do := c.at[step]; do != nil {
					delete(c.at, step)
					do()
				}
			}
			x.onStep, x.patience = once, settlePatience
			if c.patience > 0 {
				x.patience = c.patience
			}
			defer func() { x.onStep = nil }()
			calls := 0
			got, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error {
				calls++
				once("change")
				in.State = models.StateClosed
				in.Log = append(in.Log, models.Action{At: noon, Who: "ann", What: "closed"})
				return nil
			})
			if c.after != nil {
				c.after()
			}
			switch {
			case c.err == nil && err != nil, c.err != nil && err == nil, c.err == ErrOutcome && !errors.Is(err, ErrOutcome):
				t.Errorf("got %v, want %v", err, c.err)
			case err == nil && (got.Revision != 2 || len(got.Log) != 2):
				t.Errorf("got revision %d and %d entries", got.Revision, len(got.Log))
			}
			if calls != c.calls {
				t.Errorf("the change was made %d times, want %d", calls, c.calls)
			}
			want := models.StateNew
			if c.stored {
				want = models.StateClosed
			}
			var now models.Incident
			for range attempts { // broken connections of the pool are used up
				if now, err = x.Get(t.Context(), in.ID); err == nil {
					break
				}
			}
			if err != nil || now.State != want || int64(len(now.Log)) != now.Edition || now.Revision != now.Edition {
				t.Errorf("stored: %s, revision %d, %d entries, %v; want %s", now.State, now.Revision, len(now.Log), err, want)
			}
		})
	}
	for step, what := range map[string]func(){
		"between":  func() { server.Kill(); server.Restart() },
		"together": func() { server.Kill(); server.Restart() },
		"commit":   wire.loseAnswer,
	} {
		t.Run("of two steps together, "+step, func(t *testing.T) {
			testTogetherAway(t, x, incident(n+1), incident(n+2), step, what)
		})
		n += 2
	}
	t.Run("while people are at work", func(t *testing.T) {
		n++
		testWorkGoesOn(t, x, incident(n), func() { server.Kill(); server.Restart() })
	})
	// None of this has cost or wasted a number.
	page, err := x.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range page.Items {
		if want := int64(n - i); in.Number != want {
			t.Errorf("got number %d, want %d", in.Number, want)
		}
	}
}

// testTogetherAway merges two incidents while the database goes away once: both records say
// so, once.
func testTogetherAway(t *testing.T, x *sqlIndex, a, b models.Incident, step string, what func()) {
	create(t, x, a, b)
	once := func(reached string) {
		if reached == step && what != nil {
			do := what
			what = nil
			do()
		}
	}
	x.onStep, x.patience = once, settlePatience
	defer func() { x.onStep = nil }()
	note := func(in *models.Incident) error {
		in.Log = append(in.Log, models.Action{At: noon, Who: "ann", What: "merged"})
		return nil
	}
	if err := x.Together(t.Context(), func(r Records) error {
		if _, err := r.Update(a.ID, note); err != nil {
			return err
		}
		once("between")
		_, err := r.Update(b.ID, note)
		return err
	}); err != nil {
		t.Errorf("it came back in time, but: %v", err)
	}
	for _, id := range []models.IncidentID{a.ID, b.ID} {
		if in := comesBack(t, x, id); in.Revision != 2 || len(in.Log) != 2 {
			t.Errorf("%s: revision %d, %d entries; want 2 of each", id, in.Revision, len(in.Log))
		}
	}
}

// comesBack reads an incident; broken connections of the pool are used up before.
func comesBack(t *testing.T, x *sqlIndex, id models.IncidentID) models.Incident {
	t.Helper()
	var err error
	for range attempts {
		var in models.Incident
		if in, err = x.Get(t.Context(), id); err == nil {
			return in
		}
	}
	t.Error(err)
	return models.Incident{}
}

// testWorkGoesOn has several people write notes and claim an incident at the same time, while
// the database is killed and started again, twice: a note that was answered is there once, one
// of which nobody knows is there once or not at all, and any other is not there; one person
// has the incident.
func testWorkGoesOn(t *testing.T, x *sqlIndex, in models.Incident, kill func()) {
	const people, each = 4, 25
	create(t, x, in)
	errTaken := errors.New("taken")
	answers := make([]map[string]error, people)
	claims := make([]error, people)
	var work sync.WaitGroup
	noted := make(chan struct{}, people*each) // so that nobody waits to say so
	for i := range people {
		answers[i] = map[string]error{}
		work.Go(func() {
			who := fmt.Sprint("person", i)
			_, claims[i] = x.Update(t.Context(), in.ID, func(in *models.Incident) error {
				if in.Assignment.Officer != "" {
					return errTaken
				}
				in.Assignment.Officer = who
				in.Log = append(in.Log, models.Action{At: noon, Who: who, What: "claimed"})
				return nil
			})
			for n := range each {
				text := fmt.Sprint(who, " note ", n)
				_, answers[i][text] = x.Update(t.Context(), in.ID, func(in *models.Incident) error {
					in.Log = append(in.Log, models.Action{At: noon, Who: who, What: "note", Note: text})
					return nil
				})
				noted <- struct{}{}
			}
		})
	}
	for n := range people * each {
		<-noted
		if n == people || n == people*each/2 {
			kill()
		}
	}
	work.Wait()
	got := comesBack(t, x, in.ID)
	count := map[string]int{}
	for _, a := range got.Log {
		if a.What == "note" {
			count[a.Note]++
		}
	}
	stored := 0
	for _, one := range answers {
		for text, err := range one {
			n := count[text]
			stored += n
			if want := err == nil; n > 1 || !errors.Is(err, ErrOutcome) && (n == 1) != want {
				t.Errorf("%s: there %d times; the answer was %v", text, n, err)
			}
		}
	}
	if stored == 0 || got.Revision != got.Edition || int64(len(got.Log)) != got.Edition {
		t.Errorf("%d notes, revision %d, %d entries of %d", stored, got.Revision, len(got.Log), got.Edition)
	}
	for i, err := range claims {
		has := got.Assignment.Officer == fmt.Sprint("person", i)
		switch {
		case err == nil && !has, errors.Is(err, errTaken) && has:
			t.Errorf("person%d was told %v; %s has it", i, err, got.Assignment.Officer)
		}
	}
}

var errAny = errors.New("any")

// wire is the way to a database, which can lose what the database says.
type wire struct {
	dsn    string
	closed atomic.Bool // nobody gets through any more
	lose   atomic.Bool // the next answer is lost, and the connection with it
}

func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.Addr().String()
	w := &wire{dsn: u.String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.join(c, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return w
}

func (w *wire) loseAnswer() { w.lose.Store(true) }

func (w *wire) join(client net.Conn, address string) {
	defer client.Close()
	if w.closed.Load() {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		io.Copy(server, client)
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || w.lose.CompareAndSwap(true, false) {
			break
		}
		if _, err := client.Write(buf[:n]); err != nil {
			break
		}
	}
	client.Close()
	server.Close()
	wg.Wait()
}

func TestSeveralNodesShareAnIndex(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t).Database("shared")
	const nodes, each = 3, 20
	var wg sync.WaitGroup
	got := make([][]int64, nodes)
	for node := range nodes {
		wg.Go(func() { // they also make the tables at the same time
			x, err := OpenPostgres(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer x.Close()
			for i := range each {
				// Each node also creates what another one creates at the same time.
				for _, n := range []int{i, 1000*(node+1) + i} {
					in, err := x.Create(t.Context(), incident(n))
					if err != nil {
						t.Error(err)
						return
					}
					got[node] = append(got[node], in.Number)
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(got...)
	slices.Sort(all)
	all = slices.Compact(all)
	for i, n := range all {
		if n != int64(i)+1 {
			t.Fatalf("number %d is missing", i+1)
		}
	}
	if want := (nodes + 1) * each; len(all) != want {
		t.Errorf("%d numbers, want %d", len(all), want)
	}
}

func TestBroken(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"an end":           {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		"a reset":          {&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, true},
		"nobody waits":     {fmt.Errorf("timeout: %w", context.Canceled), false},
		"a refused change": {errRefused, false},
		"a mistake":        {errors.New("record: not JSON"), false},
	} {
		if got := broken(c.err); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
