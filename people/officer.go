package people

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// Bounds of what an account holds, in bytes and in numbers.
const (
	maxUser   = 64
	maxName   = 120
	maxEmail  = 254 // RFC 5321, 4.5.3.1.3, without the angle brackets
	maxAway   = 200
	maxGroup  = 256
	maxGrants = 16
	maxGroups = 256
	maxSkills = 32
	maxShifts = 32
)

// userName is what the name of a new user looks like: it stands in logs, in file names and
// on command lines.
var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

var skillName = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,39}$`)

// taken are names under which the logs tell what nobody has done.
var taken = []string{"vedette", "unknown", "nobody", "everybody", "me"}

func checkUserName(user string) error {
	if !userName.MatchString(user) {
		return fmt.Errorf("%w: a user name has 1 to 64 of a-z, 0-9, dot, dash, underline and @, and begins with a letter or digit", ErrInvalid)
	}
	if slices.Contains(taken, user) {
		return fmt.Errorf("%w: the user name %s has another meaning in the logs", ErrInvalid, user)
	}
	return nil
}

// checkOfficer refuses what an officer cannot be, and finds the places of their shifts.
func checkOfficer(o *models.Officer) error {
	for _, text := range []struct {
		what, value string
		most        int
	}{{"name", o.Name, maxName}, {"email", o.Email, maxEmail}, {"away", o.Away, maxAway}, {"site", o.Site, maxGroup}} {
		if err := checkText(text.what, text.value, text.most); err != nil {
			return err
		}
	}
	if o.Email != "" {
		if at, err := mail.ParseAddress(o.Email); err != nil || at.Address != o.Email {
			return fmt.Errorf("%w: email %q is no address", ErrInvalid, o.Email)
		}
	}
	if err := checkGrants(o.Grants); err != nil {
		return err
	}
	if len(o.Skills) > maxSkills {
		return fmt.Errorf("%w: more than %d skills", ErrInvalid, maxSkills)
	}
	for _, s := range o.Skills {
		if !skillName.MatchString(s) {
			return fmt.Errorf("%w: skill %q has other than a-z, 0-9 and underline, or is longer than 40", ErrInvalid, s)
		}
	}
	if p := o.Position; p != nil && !(p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180) {
		return fmt.Errorf("%w: position %v, %v is not on the earth", ErrInvalid, p.Lat, p.Lon)
	}
	return checkShift(o.Shift)
}

func checkText(what, value string, most int) error {
	switch {
	case len(value) > most:
		return fmt.Errorf("%w: %s has more than %d bytes", ErrInvalid, what, most)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%w: %s holds control characters", ErrInvalid, what)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("%w: %s begins or ends with a space", ErrInvalid, what)
	}
	return nil
}

func checkGrants(grants []models.Grant) error {
	if len(grants) > maxGrants {
		return fmt.Errorf("%w: more than %d grants", ErrInvalid, maxGrants)
	}
	for _, g := range grants {
		if !slices.Contains(models.Roles(), g.Role) {
			return fmt.Errorf("%w: there is no role %q", ErrInvalid, g.Role)
		}
		if err := checkGroups(g.Groups); err != nil {
			return err
		}
	}
	return nil
}

func checkGroups(groups []string) error {
	if len(groups) > maxGroups {
		return fmt.Errorf("%w: more than %d camera groups", ErrInvalid, maxGroups)
	}
	for _, name := range groups {
		if name == "" {
			return fmt.Errorf("%w: a camera group without a name", ErrInvalid)
		}
		if err := checkText("camera group", name, maxGroup); err != nil {
			return err
		}
	}
	return nil
}

func checkShift(shift []models.Schedule) error {
	if len(shift) > maxShifts {
		return fmt.Errorf("%w: more than %d shifts", ErrInvalid, maxShifts)
	}
	for i := range shift {
		s := &shift[i]
		const day = 24 * time.Hour
		if s.From < 0 || s.From >= day || s.To < 0 || s.To > day {
			return fmt.Errorf("%w: shift from %s to %s is not within a day", ErrInvalid, s.From, s.To)
		}
		if slices.ContainsFunc(s.Days, func(d time.Weekday) bool { return d < time.Sunday || d > time.Saturday }) {
			return fmt.Errorf("%w: a week has the days 0 (Sunday) to 6", ErrInvalid)
		}
		place, err := time.LoadLocation(s.TimeZone) // "" is UTC
		if err != nil || s.TimeZone == "Local" {
			return fmt.Errorf("%w: time zone %.64q is not in the IANA database", ErrInvalid, s.TimeZone)
		}
		s.Location = place
	}
	return nil
}
