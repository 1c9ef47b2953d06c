package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// userCmd is about people. It works beside a vedette that runs, and what it changes holds
// there at once. Who may read and write the accounts file may do all of it.
type userCmd struct {
	List     userListCmd     `cmd:"" help:"Say who may log in, as what, and whether they can."`
	Add      userAddCmd      `cmd:"" help:"Let somebody in; prints a one-time password, only this once."`
	Role     userRoleCmd     `cmd:"" help:"Give somebody other roles, in the place of those that they have."`
	Disable  userDisableCmd  `cmd:"" help:"Keep somebody out: ends their sessions, refuses their tokens."`
	Enable   userEnableCmd   `cmd:"" help:"Let somebody in again who was kept out."`
	Unlock   userUnlockCmd   `cmd:"" help:"End the lock that too many wrong passwords have begun, such as a stranger's."`
	Password userPasswordCmd `cmd:"" help:"Give somebody a new one-time password; prints it, only this once. Makes admin anew when that is missing."`
	Token    userTokenCmd    `cmd:"" help:"Tokens, which let other programs in: list, add, revoke."`
}

// userFlags are common to the verbs about people.
type userFlags struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file; its accounts and its custody log are used, also while vedette runs."`
}

// oneUser names somebody.
type oneUser struct {
	User string `arg:"" help:"The user name, such as admin."`
	userFlags
}

// accounts opens the accounts of a configuration. With a nil Witness nothing is to be
// changed. done must be called.
func (f userFlags) accounts(ctx context.Context, p *program, log *slog.Logger, change bool) (a *people.Accounts, oneTime string, w people.Witness, done func() error, err error) {
	cfg, err := p.load(f.Config, true)
	if err != nil {
		return nil, "", nil, nil, err
	}
	done = func() error { return nil }
	if change {
		// Opened first: without it nothing is changed.
		c, err := openCustody(cfg, nil, log)
		if err != nil {
			return nil, "", nil, nil, err
		}
		done = c.Close
		w = func(act models.Act, note string) error {
			return c.Log.Record(ctx, models.Custody{At: time.Now().UTC(), Who: whoever(""), Act: act, Note: strings.TrimSpace(note + " (command line)")})
		}
	}
	a, oneTime, err = people.Open(dataFile(cfg, "accounts.json"), people.Options{})
	if err != nil {
		return nil, "", nil, nil, errors.Join(err, done())
	}
	return a, oneTime, w, done, nil
}

// changing runs a change of people, which goes into the custody log or does not happen.
func (f userFlags) changing(ctx context.Context, p *program, log *slog.Logger, fn func(*people.Accounts, people.Witness) (string, error)) error {
	a, oneTime, w, done, err := f.accounts(ctx, p, log, true)
	if err != nil {
		return err
	}
	_, made, _ := a.Standing(people.AdminUser)
	said, err := fn(a, w)
	if _, now, _ := a.Standing(people.AdminUser); oneTime != "" && now == made {
		fmt.Fprintf(p.stdout, "made the accounts; one-time password of %s: %s\n", people.AdminUser, oneTime)
	}
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, said)
	return err
}

type userListCmd struct{ userFlags }

func (c userListCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	a, _, _, done, err := c.accounts(ctx, p, log, false)
	if err != nil {
		return err
	}
	list, err := a.People()
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USER\tNAME\tROLES\tSTATE")
	for _, q := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", q.User, orDash(q.Name), people.Describe(q.Grants), userState(q))
	}
	return w.Flush()
}

func userState(q people.Person) string {
	switch {
	case q.Disabled:
		return "kept out"
	case !q.Locked.IsZero():
		return "locked until " + q.Locked.Local().Format(time.RFC3339)
	case q.MustChange:
		return "has yet to choose a password"
	}
	return "active"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type userAddCmd struct {
	oneUser
	Name  string   `help:"As people call them."`
	Email string   `help:"Where notices reach them."`
	Role  []string `required:"" help:"What they are employed for, of all cameras, or ROLE=GROUP of a camera group; may be given several times. Roles: monitor, officer, investigator, operator, supervisor, administrator, auditor."`
}

func (c userAddCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		_, oneTime, err := a.Add(models.Officer{User: c.User, Name: c.Name, Email: c.Email, Grants: grantsOf(c.Role)}, people.Operator, w)
		return "one-time password of " + c.User + ": " + oneTime, err
	})
}

// grantsOf reads roles as the command line gives them; people checks them.
func grantsOf(roles []string) []models.Grant {
	var grants []models.Grant
	for _, r := range roles {
		role, group, some := strings.Cut(r, "=")
		at := -1
		for i, g := range grants {
			if g.Role == models.Role(role) && len(g.Groups) > 0 == some {
				at = i
			}
		}
		if at < 0 {
			grants = append(grants, models.Grant{Role: models.Role(role)})
			at = len(grants) - 1
		}
		if some {
			grants[at].Groups = append(grants[at].Groups, group)
		}
	}
	return grants
}

type userRoleCmd struct {
	oneUser
	Role []string `arg:"" help:"ROLE for all cameras, or ROLE=GROUP for a camera group; several may be given."`
}

func (c userRoleCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		q, err := a.Change(c.User, 0, people.Operator, func(q *people.Person) error {
			q.Grants = grantsOf(c.Role)
			return nil
		}, w)
		return c.User + " is " + people.Describe(q.Grants), err
	})
}

type userDisableCmd struct{ oneUser }

func (c userDisableCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.disable(ctx, p, log, true, "kept out")
}

type userEnableCmd struct{ oneUser }

func (c userEnableCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.disable(ctx, p, log, false, "may log in")
}

func (c oneUser) disable(ctx context.Context, p *program, log *slog.Logger, yes bool, said string) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		_, err := a.Change(c.User, 0, people.Operator, func(q *people.Person) error {
			q.Disabled = yes
			return nil
		}, w)
		return c.User + " " + said, err
	})
}

type userUnlockCmd struct{ oneUser }

func (c userUnlockCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		_, err := a.Unlock(c.User, people.Operator, w)
		return c.User + " is not locked", err
	})
}

type userPasswordCmd struct{ oneUser }

func (c userPasswordCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		oneTime, err := a.ResetPassword(c.User, people.Operator, w)
		return "new one-time password of " + c.User + ": " + oneTime, err
	})
}

// userTokenCmd is about the tokens of other programs.
type userTokenCmd struct {
	List   userTokenListCmd   `cmd:"" help:"Say which tokens there are, of whom, what they may do and when they were used."`
	Add    userTokenAddCmd    `cmd:"" help:"Make a token in the name of somebody; prints it, only this once."`
	Revoke userTokenRevokeCmd `cmd:"" help:"End a token."`
}

type userTokenListCmd struct{ userFlags }

func (c userTokenListCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	a, _, _, done, err := c.accounts(ctx, p, log, false)
	if err != nil {
		return err
	}
	list, err := a.Tokens("")
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tOWNER\tRIGHTS\tEXPIRES\tUSED")
	for _, t := range list {
		used := "never"
		if !t.Used.IsZero() {
			used = t.Used.Local().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Owner, t.Scope(), t.Expires.Local().Format(time.RFC3339), used)
	}
	return w.Flush()
}

type userTokenAddCmd struct {
	oneUser
	Name  string   `required:"" help:"What it is for, such as: alarm panel."`
	Right []string `required:"" help:"What it may do, of what its owner may; may be given several times, such as --right view --right work."`
	Group []string `help:"Camera groups that it may do it to. Default: all that its owner may."`
	Days  int      `default:"90" help:"How many days it is good for, at most 366."`
}

func (c userTokenAddCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		t := people.Token{Name: c.Name, Owner: c.User, Groups: c.Group, Expires: time.Now().Add(time.Duration(c.Days) * 24 * time.Hour)}
		for _, r := range c.Right {
			t.Rights = append(t.Rights, models.Right(r))
		}
		t, secret, err := a.AddToken(t, w)
		return fmt.Sprintf("token %s, good until %s: %s", t.ID, t.Expires.Local().Format(time.RFC3339), secret), err
	})
}

type userTokenRevokeCmd struct {
	ID string `arg:"" help:"Its ID, as vedette user token list shows it."`
	userFlags
}

func (c userTokenRevokeCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	return c.changing(ctx, p, log, func(a *people.Accounts, w people.Witness) (string, error) {
		return "token " + c.ID + " is over", a.Revoke(c.ID, func(people.Token, people.Person) bool { return true }, w)
	})
}
