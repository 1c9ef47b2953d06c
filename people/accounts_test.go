package people

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cheap keeps the tests fast; only the tests of hashing itself pay in full.
var cheap = Cost{Memory: 8, Time: 1, Threads: 1}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func TestAccountsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.json")
	_, once, err := Open(path, Options{Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), once) {
		t.Error("the file holds the password itself")
	}
	if groups := strings.Split(once, "-"); len(groups) != 7 || len(once) != 7*4+6 {
		t.Errorf("one-time password %q", once)
	}
	one := hashPassword("x", cheap).String()
	for _, tc := range []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"others may read it", string(data), 0o644, "chmod 600"},
		{"cut off", string(data[:len(data)/2]), 0o600, "decode"},
		{"empty", "", 0o600, "decode"},
		{"unknown key", `{"schema":1,"users":[],"root":true}`, 0o600, "unknown field"},
		{"of a later version", `{"schema":3,"users":[]}`, 0o600, "schema 3"},
		{"unknown role", `{"schema":2,"users":[{"user":"a","name":"","grants":[{"role":"god"}],"hash":"` + one + `","changed":"2026-01-02T03:04:05Z","edition":1}]}`, 0o600, "no role"},
		{"token of nobody", `{"schema":2,"users":[],"tokens":[{"id":"a","name":"b","owner":"c","rights":["view"],"expires":"2026-01-02T03:04:05Z","sha256":"` + strings.Repeat("00", 32) + `"}]}`, 0o600, "owner is missing"},
		{"token without a hash", `{"schema":2,"users":[],"tokens":[{"id":"a","name":"b","owner":"c","rights":["view"],"expires":"2026-01-02T03:04:05Z","sha256":"00"}]}`, 0o600, "hash"},
		{"plain password", `{"schema":1,"users":[{"name":"admin","hash":"secret","changed":"2026-01-02T03:04:05Z"}]}`, 0o600, "not an argon2id hash"},
		{"a name twice", strings.Replace(string(data), `"users": [`, `"users": [`+between(string(data), "[\n", "\n  ]")+",", 1), 0o600, "there twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := t.TempDir() + "/accounts.json"
			if err := os.WriteFile(path, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			_, oneTime, err := Open(path, Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || oneTime != "" {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if after, _ := os.ReadFile(path); string(after) != tc.content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestResetOfAnUnknownUser(t *testing.T) {
	a, _, err := Open(filepath.Join(t.TempDir(), "accounts.json"), Options{Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ResetPassword("nobody", Operator, nil); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v", err)
	}
}

// An administrator who was removed from the file is made anew.
func TestResetBringsAdminBack(t *testing.T) {
	path := t.TempDir() + "/accounts.json"
	if err := os.WriteFile(path, []byte(`{"schema":1,"users":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	oneTime, err := a.ResetPassword(AdminUser, Operator, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Verify(t.Context(), AdminUser, oneTime); err != nil {
		t.Error(err)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(hashPassword("x", cheap).String())
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2i$v=19$m=1,t=1,p=0$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.Memory > maxHashMemory || h.Time > maxHashTime || len(h.key) < 16 || len(h.salt) < 8 {
			t.Errorf("%q was accepted as %+v", s, h)
		}
		if h.String() != s {
			t.Errorf("%q reads as %q", s, h.String())
		}
	})
}

func FuzzParseAccounts(f *testing.F) {
	f.Add([]byte(`{"schema":1,"users":[]}`))
	f.Add([]byte(`{"schema":1,"users":[{"name":"admin","hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5","must_change":true,"changed":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"schema":1,"users":[{"name":"`))
	f.Add([]byte(`{"schema":2,"users":[{"user":"mara","name":"Mara","grants":[{"role":"officer","groups":["north"]}],"shift":[{"from_ns":0,"to_ns":0,"time_zone":"Europe/Vienna"}],"hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5","changed":"2026-01-02T03:04:05Z","edition":1,"lock":{"failures":3}}],"tokens":[{"id":"a","name":"b","owner":"mara","rights":["view"],"created":"2026-01-02T03:04:05Z","expires":"2026-01-02T03:04:05Z","sha256":"0000000000000000000000000000000000000000000000000000000000000000"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, u := range c.Users {
			if u.User == "" || seen[u.User] || len(u.parsed.key) == 0 || checkGrants(u.Grants) != nil {
				t.Errorf("accepted user %+v", u)
			}
			seen[u.User] = true
		}
		for _, k := range c.Tokens {
			if !seen[k.Owner] || k.ID == "" || len(k.Rights) == 0 {
				t.Errorf("accepted token %+v", k)
			}
		}
	})
}

// The file of a real start holds hashes of the full cost.
func TestHashesAreDear(t *testing.T) {
	a, oneTime, err := Open(t.TempDir()+"/accounts.json", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.content.Users[0].parsed.Cost; got != OWASP {
		t.Errorf("cost %+v", got)
	}
	if err := a.Verify(t.Context(), AdminUser, oneTime); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", oneTime[1:], oneTime + "x", strings.Repeat("x", 2000)} {
		if err := a.Verify(t.Context(), AdminUser, wrong); !errors.Is(err, ErrCredentials) {
			t.Errorf("%.10q: %v", wrong, err)
		}
	}
}

// A verification must be dear to an attacker and bearable on the smallest machine.
func BenchmarkVerify(b *testing.B) {
	h := hashPassword("correct horse battery", OWASP)
	for b.Loop() {
		if !h.matches("correct horse battery") {
			b.Fatal("no match")
		}
	}
}
