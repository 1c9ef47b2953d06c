package people

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// By is who changes people: what they may do themselves bounds what they give.
type By struct {
	User   string // empty for the command line
	Grants []models.Grant
	// All is for the command line: who may read and write the file needs no other right.
	All bool
}

// Operator is who changes people from the command line.
var Operator = By{All: true}

// covers says whether somebody has all that a grant gives, over all its cameras.
func (b By) covers(g models.Grant) bool {
	if b.All {
		return true
	}
	for _, right := range g.Role.Rights() {
		if len(g.Groups) == 0 && !holds(b.Grants, right, "") {
			return false
		}
		for _, group := range g.Groups {
			if !holds(b.Grants, right, group) {
				return false
			}
		}
	}
	return true
}

// holds says whether grants give a right over a whole camera group; "" is all cameras.
func holds(grants []models.Grant, right models.Right, group string) bool {
	return slices.ContainsFunc(grants, func(g models.Grant) bool {
		if !slices.Contains(g.Role.Rights(), right) {
			return false
		}
		return len(g.Groups) == 0 || group != "" && slices.Contains(g.Groups, group)
	})
}

// Reaches says whether they have all that these grants give, so that they may change
// whoever has them.
func (b By) Reaches(grants []models.Grant) bool { return b.reaches(grants) == nil }

func (b By) reaches(grants []models.Grant) error {
	for _, g := range grants {
		if !b.covers(g) {
			return fmt.Errorf("%w: %s", ErrReach, describeGrant(g))
		}
	}
	return nil
}

// Add adds somebody and returns their one-time password, which is stored nowhere.
func (a *Accounts) Add(o models.Officer, by By, w Witness) (p Person, oneTime string, err error) {
	if err := checkUserName(o.User); err != nil {
		return Person{}, "", err
	}
	if err := checkOfficer(&o); err != nil {
		return Person{}, "", err
	}
	if err := by.reaches(o.Grants); err != nil {
		return Person{}, "", err
	}
	oneTime = oneTimePassword()
	u := account{Officer: o, Created: a.at(), Edition: 1}
	u.Grants = slices.Clone(o.Grants)
	a.give(&u, oneTime, true)
	err = a.change(func() error {
		if a.find(o.User) >= 0 {
			return fmt.Errorf("user %q: %w", o.User, ErrExists)
		}
		if err := w.tell(models.ActPersonCreated, "%s: %s", o.User, Describe(o.Grants)); err != nil {
			return err
		}
		a.content.Users = append(a.content.Users, u)
		return nil
	})
	if err != nil {
		return Person{}, "", err
	}
	return u.person(a.now()), oneTime, nil
}

// Change edits somebody. The user name is not edit's to change. edition is the one that
// the change was made for; 0: whichever there is.
func (a *Accounts) Change(user string, edition int64, by By, edit func(*Person) error, w Witness) (Person, error) {
	return a.edit(user, edition, by, w, func(u *account) (string, error) {
		before := u.person(a.now())
		after := before
		if err := edit(&after); err != nil {
			return "", err
		}
		after.User = before.User
		if err := checkOfficer(&after.Officer); err != nil {
			return "", err
		}
		u.Officer, u.Disabled = after.Officer, after.Disabled
		return describeChange(before, after), nil
	})
}

// SetAvailability says whether somebody can be sent, and where they are. It is theirs to
// say, so nobody's rights bound it and the log of who administers stays free of it.
func (a *Accounts) SetAvailability(user, away, site string, position *models.Position) (Person, error) {
	var p Person
	err := a.change(func() error {
		i := a.find(user)
		if i < 0 {
			return unknown(user)
		}
		u := &a.content.Users[i]
		o := u.Officer
		o.Away, o.Site, o.Position, o.Since = away, site, position, a.at()
		if err := checkOfficer(&o); err != nil {
			return err
		}
		u.Officer = o
		u.Edition++
		p = u.person(a.now())
		return nil
	})
	return p, err
}

// Unlock ends a lock.
func (a *Accounts) Unlock(user string, by By, w Witness) (Person, error) {
	return a.touch(user, by, func(u *account) error {
		u.Lock = lock{}
		return w.tell(models.ActUnlocked, "%s", u.User)
	})
}

// ResetPassword gives a user a new one-time password, which must be changed at the next
// login, ends the user's sessions and a lock, and refuses their tokens until then. From
// the command line it creates the user "admin" when that is missing, and gives it back
// the administration of all cameras; any other unknown user is an fs.ErrNotExist.
func (a *Accounts) ResetPassword(user string, by By, w Witness) (oneTime string, err error) {
	oneTime = oneTimePassword()
	var next account
	a.give(&next, oneTime, true)
	err = a.change(func() error {
		i := a.find(user)
		switch {
		case i >= 0:
			if err := by.reaches(a.content.Users[i].Grants); err != nil {
				return err
			}
		case user == AdminUser && by.All:
			u := a.administrator(oneTime)
			a.content.Users = append(a.content.Users, u)
			i = len(a.content.Users) - 1
		default:
			return unknown(user)
		}
		if err := w.tell(models.ActPasswordChanged, "%s: to a one-time password", user); err != nil {
			return err
		}
		u := &a.content.Users[i]
		u.Hash, u.parsed, u.MustChange, u.Changed, u.Lock = next.Hash, next.parsed, true, next.Changed, lock{}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	return oneTime, nil
}

// touch changes one account that by reaches.
func (a *Accounts) touch(user string, by By, fn func(*account) error) (Person, error) {
	var p Person
	err := a.change(func() error {
		i := a.find(user)
		if i < 0 {
			return unknown(user)
		}
		u := &a.content.Users[i]
		if err := by.reaches(u.Grants); err != nil {
			return err
		}
		if err := fn(u); err != nil {
			return err
		}
		p = u.person(a.now())
		return nil
	})
	return p, err
}

// edit changes one account and counts the change; step returns what it was in words, or
// nothing when nothing is different.
func (a *Accounts) edit(user string, edition int64, by By, w Witness, step func(*account) (string, error)) (Person, error) {
	return a.touch(user, by, func(u *account) error {
		if edition != 0 && edition != u.Edition {
			return ErrEdition
		}
		admins := a.administrators()
		note, err := step(u)
		if err != nil || note == "" {
			return err
		}
		if err := by.reaches(u.Grants); err != nil {
			return err
		}
		if admins > 0 && a.administrators() == 0 {
			return ErrLastAdministrator
		}
		u.Edition++
		return w.tell(models.ActPersonChanged, "%s: %s", u.User, note)
	})
}

// administrators are how many may administer all cameras.
func (a *Accounts) administrators() (n int) {
	for _, u := range a.content.Users {
		if !u.Disabled && holds(u.Grants, models.RightAdminister, "") {
			n++
		}
	}
	return n
}

// describeChange says what is different, without what is nobody's concern in a log that
// is kept for ever.
func describeChange(before, after Person) string {
	var parts []string
	add := func(different bool, what string) {
		if different {
			parts = append(parts, what)
		}
	}
	add(!reflect.DeepEqual(before.Grants, after.Grants), Describe(before.Grants)+" became "+Describe(after.Grants))
	add(!before.Disabled && after.Disabled, "suspended")
	add(before.Disabled && !after.Disabled, "let in again")
	add(before.Name != after.Name, "name")
	add(before.Email != after.Email, "email")
	add(!slices.Equal(before.Skills, after.Skills), "skills")
	add(!reflect.DeepEqual(before.Shift, after.Shift), "shift")
	add(before.Site != after.Site || !reflect.DeepEqual(before.Position, after.Position), "post")
	add(before.Away != after.Away, "availability")
	return strings.Join(parts, ", ")
}

// Describe says in words what grants give.
func Describe(grants []models.Grant) string {
	if len(grants) == 0 {
		return "no role"
	}
	parts := make([]string, len(grants))
	for i, g := range grants {
		parts[i] = describeGrant(g)
	}
	return strings.Join(parts, " and ")
}

func describeGrant(g models.Grant) string {
	if len(g.Groups) == 0 {
		return string(g.Role) + " of all cameras"
	}
	return string(g.Role) + " of " + strings.Join(g.Groups, ", ")
}

// within says whether an instant is in the future, but not too far.
func within(now, until time.Time, most time.Duration) bool {
	return until.After(now) && !until.After(now.Add(most))
}
