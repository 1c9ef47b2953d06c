package people

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// book is an accounts file whose clock a test moves.
type book struct {
	*Accounts
	t       *testing.T
	path    string
	oneTime string
	now     time.Time
}

func open(t *testing.T) *book {
	t.Helper()
	b := &book{t: t, path: filepath.Join(t.TempDir(), "accounts.json"), now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	b.again()
	return b
}

// again opens the file as a program that starts does.
func (b *book) again() {
	b.t.Helper()
	a, oneTime, err := Open(b.path, Options{Cost: cheap, Now: func() time.Time { return b.now }})
	if err != nil {
		b.t.Fatal(err)
	}
	if b.Accounts = a; oneTime != "" {
		b.oneTime = oneTime
	}
}

func (b *book) add(user string, grants ...models.Grant) (oneTime string) {
	b.t.Helper()
	_, oneTime, err := b.Add(models.Officer{User: user, Grants: grants}, Operator, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return oneTime
}

func role(r models.Role, groups ...string) models.Grant { return models.Grant{Role: r, Groups: groups} }

// A file as the first release wrote it: its only user could do everything, and still can.
func TestFirstSchemaIsReadAndReplaced(t *testing.T) {
	old, err := os.ReadFile("testdata/schema1.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "accounts.json")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	a, oneTime, err := Open(path, Options{})
	if err != nil || oneTime != "" {
		t.Fatalf("one-time password %q, error %v", oneTime, err)
	}
	if now, _ := os.ReadFile(path); string(now) != string(old) {
		t.Error("the file was changed by reading it")
	}
	if err := a.Verify(t.Context(), AdminUser, "correct horse battery staple"); err != nil {
		t.Error(err)
	}
	p, _, ok := a.Standing(AdminUser)
	if !ok || p.MustChange || !p.May(models.RightAdminister, "gate", nil) || p.Changed.IsZero() {
		t.Errorf("got %+v, %v", p, ok)
	}
	if _, _, err := a.Add(models.Officer{User: "mara"}, Operator, nil); err != nil {
		t.Fatal(err)
	}
	now, _ := os.ReadFile(path)
	if !strings.Contains(string(now), `"schema": 2`) {
		t.Errorf("written as %s", now)
	}
	b, _, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if again, _, _ := b.Standing(AdminUser); again.Edition != 1 || !again.May(models.RightAdminister, "gate", nil) {
		t.Errorf("after the first write: %+v", again)
	}
}

func TestLock(t *testing.T) {
	b := open(t)
	wrong := func(user string) *Refused {
		t.Helper()
		var r *Refused
		if err := b.Verify(t.Context(), user, "wrong"); !errors.As(err, &r) {
			t.Fatalf("got %v", err)
		}
		return r
	}
	right := func() error { return b.Verify(t.Context(), AdminUser, b.oneTime) }

	for range lockAfter - 1 {
		wrong(AdminUser)
	}
	if err := right(); err != nil { // in a row, or not at all
		t.Fatal(err)
	}
	want := []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	for i, lasts := range want {
		var r *Refused
		for range lockAfter {
			r = wrong(AdminUser)
		}
		if !r.Began || !r.Known || !errors.Is(r, ErrCredentials) || r.Until.Sub(b.now) != lasts {
			t.Fatalf("lock %d: %+v, lasts %v, want %v", i+1, r, r.Until.Sub(b.now), lasts)
		}
		until := r.Until
		if err := right(); !errors.Is(err, ErrLocked) {
			t.Errorf("the right password under a lock: %v", err)
		}
		b.now = b.now.Add(lasts / 2)
		b.again() // a restart is no way out
		for range lockAfter + 1 {
			if r := wrong(AdminUser); !errors.Is(r, ErrLocked) || r.Until != until {
				t.Errorf("a wrong password under a lock: %+v", r)
			}
		}
		b.now = until
	}
	if err := right(); err != nil {
		t.Fatalf("after the lock: %v", err)
	}
	for range lockAfter {
		wrong(AdminUser)
	}
	if p, _ := b.Person(AdminUser); p.Locked.Sub(b.now) != lockFirst {
		t.Errorf("after a login the locks begin anew: %v", p.Locked.Sub(b.now))
	}
	if p, err := b.Unlock(AdminUser, Operator, nil); err != nil || !p.Locked.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := right(); err != nil {
		t.Error(err)
	}
}

// Who guesses names must not learn from a lock which of them are there.
func TestStrangersSeemToLockToo(t *testing.T) {
	b := open(t)
	b.add("mara", role(models.RoleOfficer))
	p, _ := b.Person("mara")
	if _, err := b.Change("mara", p.Edition, Operator, func(p *Person) error { p.Disabled = true; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	outcome := func(user string) (all []string) {
		for range lockAfter + 2 {
			err := b.Verify(t.Context(), user, "wrong")
			var r *Refused
			if !errors.As(err, &r) {
				t.Fatal(err)
			}
			all = append(all, err.Error()+r.Until.String())
		}
		return all
	}
	want := outcome(AdminUser)
	for _, user := range []string{"stranger", "mara"} {
		if got := outcome(user); !slices.Equal(got, want) {
			t.Errorf("%s: %v\nadmin: %v", user, got, want)
		}
	}
	if Known(b.Verify(t.Context(), "stranger", "x")) || !Known(b.Verify(t.Context(), AdminUser, "x")) {
		t.Error("the log cannot tell who exists")
	}
}

func TestUserNames(t *testing.T) {
	b := open(t)
	for user, ok := range map[string]bool{
		"mara": true, "m.lindt-2@site": true, "7": true, "": false, "Mara": false, "mara lindt": false, "<b>mara</b>": false, "-mara": false,
		"vedette": false, "unknown": false, "me": false, "mara\n": false, "mära": false, strings.Repeat("a", 65): false,
	} {
		if _, _, err := b.Add(models.Officer{User: user}, Operator, nil); (err == nil) != ok {
			t.Errorf("%q: %v", user, err)
		}
	}
	if _, _, err := b.Add(models.Officer{User: "mara"}, Operator, nil); !errors.Is(err, ErrExists) {
		t.Errorf("a second one: %v", err)
	}
}

func TestWhatAnOfficerCannotBe(t *testing.T) {
	b := open(t)
	for name, o := range map[string]models.Officer{
		"unknown role":          {Grants: []models.Grant{{Role: "god"}}},
		"nameless group":        {Grants: []models.Grant{{Role: models.RoleOfficer, Groups: []string{""}}}},
		"control characters":    {Name: "Mara\x00"},
		"bidirectional break":   {Name: "Mara\u0085x"},
		"not UTF-8":             {Name: "\xff"},
		"too long":              {Name: strings.Repeat("x", 121)},
		"no address":            {Email: "mara"},
		"two addresses":         {Email: "Mara <mara@example.org>"},
		"skill of capitals":     {Skills: []string{"K9"}},
		"beyond the pole":       {Position: &models.Position{Lat: 91}},
		"place that is not one": {Shift: []models.Schedule{{TimeZone: "Mars/Base"}}},
		"wherever we are":       {Shift: []models.Schedule{{TimeZone: "Local"}}},
		"hour 25":               {Shift: []models.Schedule{{From: 25 * time.Hour}}},
		"eighth day":            {Shift: []models.Schedule{{Days: []time.Weekday{7}}}},
	} {
		o.User = "mara"
		if _, _, err := b.Add(o, Operator, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Markup is text like any other; whoever shows it escapes it.
	o := models.Officer{User: "mara", Name: `<script>alert(1)</script>`, Shift: []models.Schedule{{From: 22 * time.Hour, To: 6 * time.Hour, TimeZone: "Europe/Vienna"}}}
	if _, _, err := b.Add(o, Operator, nil); err != nil {
		t.Fatal(err)
	}
	b.again()
	p, err := b.Person("mara")
	if err != nil || p.Name != o.Name {
		t.Fatalf("%+v, %v", p, err)
	}
	// 22:30 in Vienna in March is 21:30 UTC: the place of the shift was found again.
	if !p.OnDuty(time.Date(2026, 3, 4, 21, 30, 0, 0, time.UTC)) || p.OnDuty(time.Date(2026, 3, 4, 20, 30, 0, 0, time.UTC)) {
		t.Error("the shift runs by another clock")
	}
}

func TestLastAdministratorStays(t *testing.T) {
	b := open(t)
	b.add("north", role(models.RoleAdministrator, "north")) // of some cameras: not enough
	demote := func(user string) error {
		_, err := b.Change(user, 0, Operator, func(p *Person) error { p.Grants = []models.Grant{role(models.RoleOfficer)}; return nil }, nil)
		return err
	}
	suspend := func(user string) error {
		_, err := b.Change(user, 0, Operator, func(p *Person) error { p.Disabled = true; return nil }, nil)
		return err
	}
	for name, err := range map[string]error{"demoted": demote(AdminUser), "suspended": suspend(AdminUser)} {
		if !errors.Is(err, ErrLastAdministrator) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.add("second", role(models.RoleAdministrator))
	if err := suspend(AdminUser); err != nil {
		t.Error(err)
	}
	if err := demote("second"); !errors.Is(err, ErrLastAdministrator) {
		t.Errorf("a suspended one counts: %v", err)
	}
	if _, _, ok := b.Standing(AdminUser); ok {
		t.Error("somebody suspended stands")
	}
}

func TestReach(t *testing.T) {
	b := open(t)
	b.add("second", role(models.RoleAdministrator))
	b.add("guard", role(models.RoleOfficer, "north"))
	b.add("everywhere", role(models.RoleOfficer))
	north := By{User: "n", Grants: []models.Grant{role(models.RoleAdministrator, "north", "harbour")}}
	mixed := By{User: "m", Grants: []models.Grant{role(models.RoleAdministrator, "north"), role(models.RoleAuditor)}}
	for _, tc := range []struct {
		name string
		by   By
		give models.Grant
		ok   bool
	}{
		{"their own group", north, role(models.RoleSupervisor, "north"), true},
		{"both groups", north, role(models.RoleAdministrator, "harbour", "north"), true},
		{"another group", north, role(models.RoleOfficer, "south"), false},
		{"one of two", north, role(models.RoleOfficer, "north", "south"), false},
		{"all cameras", north, role(models.RoleOfficer), false},
		{"audit of all", mixed, role(models.RoleAuditor), true},
		{"work of all", mixed, role(models.RoleOfficer), false},
		{"command line", Operator, role(models.RoleAdministrator), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			user := strings.ReplaceAll(tc.name, " ", "-")
			_, _, err := b.Add(models.Officer{User: user, Grants: []models.Grant{tc.give}}, tc.by, nil)
			if tc.ok != (err == nil) || err != nil && !errors.Is(err, ErrReach) {
				t.Errorf("got %v, allowed %v", err, tc.ok)
			}
			_, err = b.Change("guard", 0, tc.by, func(p *Person) error { p.Grants = []models.Grant{tc.give}; return nil }, nil)
			if tc.ok != (err == nil) || err != nil && !errors.Is(err, ErrReach) {
				t.Errorf("change: got %v, allowed %v", err, tc.ok)
			}
			if _, err := b.Change("guard", 0, Operator, func(p *Person) error { p.Grants = []models.Grant{role(models.RoleOfficer, "north")}; return nil }, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	// Nor do they take hold of those who have more.
	for _, user := range []string{AdminUser, "everywhere"} {
		if _, err := b.ResetPassword(user, north, nil); !errors.Is(err, ErrReach) {
			t.Errorf("password of %s: %v", user, err)
		}
		if _, err := b.Unlock(user, north, nil); !errors.Is(err, ErrReach) {
			t.Errorf("lock of %s: %v", user, err)
		}
		if _, err := b.Change(user, 0, north, func(p *Person) error { p.Disabled = true; return nil }, nil); !errors.Is(err, ErrReach) {
			t.Errorf("suspending %s: %v", user, err)
		}
	}
}

func TestWitnessedOrNotDone(t *testing.T) {
	b := open(t)
	var told []string
	witness := Witness(func(act models.Act, note string) error { told = append(told, string(act)+" "+note); return nil })
	deaf := Witness(func(models.Act, string) error { return fs.ErrClosed })
	if _, _, err := b.Add(models.Officer{User: "mara", Grants: []models.Grant{role(models.RoleOfficer, "north")}}, Operator, witness); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(b.path)
	for name, do := range map[string]func(w Witness) error{
		"add": func(w Witness) error {
			_, _, err := b.Add(models.Officer{User: "second"}, Operator, w)
			return err
		},
		"change": func(w Witness) error {
			_, err := b.Change("mara", 1, Operator, func(p *Person) error {
				p.Grants, p.Name = []models.Grant{role(models.RoleSupervisor)}, "Mara"
				return nil
			}, w)
			return err
		},
		"token": func(w Witness) error {
			_, _, err := b.AddToken(Token{Name: "panel", Owner: "mara", Rights: []models.Right{models.RightView}, Expires: b.now.Add(time.Hour)}, w)
			return err
		},
		"password": func(w Witness) error { _, err := b.ResetPassword("mara", Operator, w); return err },
	} {
		if err := do(deaf); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s unseen: %v", name, err)
		}
		if after, _ := os.ReadFile(b.path); string(after) != string(before) {
			t.Errorf("%s happened unseen", name)
		}
	}
	if p, _ := b.Person("mara"); p.Name != "" || p.Edition != 1 {
		t.Errorf("what was not written is believed: %+v", p)
	}
	if _, err := b.Change("mara", 1, Operator, func(p *Person) error {
		p.Grants, p.Email = []models.Grant{role(models.RoleSupervisor)}, "mara@example.org"
		return nil
	}, witness); err != nil {
		t.Fatal(err)
	}
	want := []string{"person_created mara: officer of north", "person_changed mara: officer of north became supervisor of all cameras, email"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if _, err := b.Change("mara", 1, Operator, func(p *Person) error { p.Name = "x"; return nil }, witness); !errors.Is(err, ErrEdition) {
		t.Errorf("an edit of what was read before: %v", err)
	}
	if _, err := b.Change("mara", 2, Operator, func(*Person) error { return nil }, deaf); err != nil {
		t.Errorf("a change of nothing: %v", err)
	}
}

func TestTokens(t *testing.T) {
	b := open(t)
	b.add("mara", role(models.RoleOfficer, "north"), role(models.RoleAuditor))
	b.ChangeOptional = true
	ask := func(name string, life time.Duration, groups []string, rights ...models.Right) (Token, string, error) {
		return b.AddToken(Token{Name: name, Owner: "mara", Rights: rights, Groups: groups, Expires: b.now.Add(life)}, nil)
	}
	for name, err := range map[string]error{
		"a right that they lack":      second(ask("x", time.Hour, nil, models.RightExport)),
		"a group that they lack":      second(ask("x", time.Hour, []string{"south"}, models.RightWork)),
		"a right over too many":       second(ask("x", time.Hour, []string{"north", "south"}, models.RightFootage)),
		"no right":                    second(ask("x", time.Hour, nil)),
		"a right that there is not":   second(ask("x", time.Hour, nil, "root")),
		"for ever":                    second(ask("x", MaxTokenLife+time.Hour, nil, models.RightView)),
		"over before it begins":       second(ask("x", -time.Second, nil, models.RightView)),
		"without a name":              second(ask("", time.Hour, nil, models.RightView)),
		"of somebody who is not here": second(b.AddToken(Token{Name: "x", Owner: "nobody", Rights: []models.Right{models.RightView}, Expires: b.now.Add(time.Hour)}, nil)),
	} {
		if err == nil {
			t.Errorf("%s: was made", name)
		}
	}
	token, secret, err := ask("panel", time.Hour, []string{"south"}, models.RightView)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask("panel", time.Hour, nil, models.RightView); !errors.Is(err, ErrExists) {
		t.Errorf("a second of that name: %v", err)
	}
	if data, _ := os.ReadFile(b.path); strings.Contains(string(data), secret) || !strings.HasPrefix(secret, "vtk_") || len(secret) != 4+43 {
		t.Error("the file holds the secret, or the secret is none")
	}
	if !token.Allows(models.RightView, "gate", []string{"south"}) || token.Allows(models.RightView, "gate", []string{"north"}) || token.Allows(models.RightAudit, "", nil) {
		t.Error("the token's bounds")
	}
	got, owner, first, ok := b.Bearer(secret)
	if !ok || !first || got.ID != token.ID || owner.User != "mara" {
		t.Errorf("got %+v of %s, first %v, ok %v", got, owner.User, first, ok)
	}
	b.now = b.now.Add(30 * time.Second)
	if _, _, first, ok := b.Bearer(secret); first || !ok {
		t.Error("the second use is a first one")
	}
	list, _ := b.Tokens("mara")
	if len(list) != 1 || list[0].Used != b.now.Add(-30*time.Second) {
		t.Errorf("used %v", list)
	}
	b.now = b.now.Add(time.Minute)
	b.Bearer(secret)
	if list, _ := b.Tokens(""); list[0].Used != b.now {
		t.Errorf("used %v, want %v", list[0].Used, b.now)
	}
	for _, other := range []string{"", "vtk_", secret + "A", secret[:len(secret)-1], strings.Repeat("vtk_", 100), token.SHA()} {
		if _, _, _, ok := b.Bearer(other); ok {
			t.Errorf("%q opens", other)
		}
	}
	standing := func() bool {
		_, _, _, one := b.Bearer(secret)
		_, _, two := b.Stands(token.ID)
		if one != two {
			t.Error("a request and a stream are told different things")
		}
		return one
	}
	suspend := func(yes bool) {
		if _, err := b.Change("mara", 0, Operator, func(p *Person) error { p.Disabled = yes; return nil }, nil); err != nil {
			t.Fatal(err)
		}
	}
	if suspend(true); standing() {
		t.Error("a token of somebody suspended")
	}
	suspend(false)
	if b.ChangeOptional = false; standing() {
		t.Error("a token of somebody whose password was reset")
	}
	if b.ChangeOptional = true; !standing() {
		t.Error("and back")
	}
	b.now = token.Expires
	if standing() {
		t.Error("a token that is over")
	}
	_, secret, _ = ask("another", time.Hour, nil, models.RightView)
	list, _ = b.Tokens("mara")
	id := list[len(list)-1].ID
	if err := b.Revoke(id, func(Token, Person) bool { return false }, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("revoked by somebody else: %v", err)
	}
	if err := b.Revoke(id, func(Token, Person) bool { return true }, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, _, ok := b.Bearer(secret); ok {
		t.Error("a token that was revoked")
	}
}

func second[A, B any](_ A, _ B, err error) error { return err }

// SHA is what the file shows of a token to who reads it.
func (t Token) SHA() string { return "vtk_" + strings.Repeat("00", 32) }

// Two programs change the same file at once: the server and the command line.
func TestTwoProcessesChangeTheFile(t *testing.T) {
	b := open(t)
	other, _, err := Open(b.path, Options{Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const each = 12
	for i, a := range []*Accounts{b.Accounts, other} {
		wg.Go(func() {
			for n := range each {
				user := string(rune('a'+i)) + "-" + string(rune('a'+n))
				if _, _, err := a.Add(models.Officer{User: user}, Operator, nil); err != nil {
					t.Error(err)
				}
				if _, err := a.Change(AdminUser, 0, Operator, func(p *Person) error { p.Name = user; return nil }, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, a := range []*Accounts{b.Accounts, other} {
		list, err := a.People()
		if err != nil || len(list) != 1+2*each {
			t.Errorf("%d people, %v; want %d", len(list), err, 1+2*each)
		}
		if p, _ := a.Person(AdminUser); p.Edition != 1+2*each {
			t.Errorf("edition %d, want %d: a change was lost", p.Edition, 1+2*each)
		}
	}
}
