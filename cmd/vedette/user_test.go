package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// noCameras is a recorder without any.
type noCameras struct{}

func (noCameras) Cameras() []web.Camera { return nil }

func (noCameras) Picture(models.CameraID) ([]byte, time.Time, bool) { return nil, time.Time{}, false }

// TestUserVerb lets people in and keeps them out from the command line while a server runs
// on the same accounts.
func TestUserVerb(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "vedette.yml"), "data: "+filepath.Join(dir, "data")+"\ngroups: {north: [gate]}\n"+strings.ReplaceAll(minimal, "${GATE_PASSWORD}", "x"))
	user := func(code int, args ...string) string {
		t.Helper()
		got, stdout, stderr := call(t, append(append([]string{"user"}, args...), "-c", path)...)
		if got != code {
			t.Fatalf("vedette user %v: code %d, want %d: %s%s", args, got, code, stdout, stderr)
		}
		return stdout + stderr
	}
	secret := regexp.MustCompile(`(?:[0-9a-z]{4}-){6}[0-9a-z]{4}|vtk_\S+`)

	out := user(0, "add", "mara", "--name", "Mara Lindt", "--role", "officer=north", "--role", "auditor")
	if !strings.Contains(out, "made the accounts") || len(secret.FindAllString(out, -1)) != 2 {
		t.Fatalf("first use: %q", out)
	}
	oneTime := secret.FindAllString(out, -1)[1]
	if user(1, "add", "mara", "--role", "officer"); !strings.Contains(user(1, "add", "x", "--role", "god"), "god") {
		t.Error("an unknown role is not named")
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := cameraGroups(cfg, "gate"); len(got) != 1 || got[0] != "north" {
		t.Errorf("groups %v", got)
	}

	accounts, _, err := people.Open(filepath.Join(cfg.Data, "accounts.json"), people.Options{})
	if err != nil {
		t.Fatal(err)
	}
	index, err := storage.OpenSQLite(filepath.Join(dir, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	hub := web.NewHub(1)
	defer hub.Close()
	handler, err := (&web.Server{Incidents: index, Evidence: storage.Evidence{}, Cameras: noCameras{}, Accounts: accounts, Events: hub}).Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: server.Client().Transport}
	ask := func(want int, method, path, body, bearer string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Fatalf("%s %s: %d, want %d", method, path, res.StatusCode, want)
		}
	}
	login := func(want int, password string) {
		t.Helper()
		ask(want, "POST", "/api/session", `{"user":"mara","password":"`+password+`"}`, "")
	}
	login(http.StatusOK, oneTime)
	ask(http.StatusOK, "PUT", "/api/session/password", `{"old":"`+oneTime+`","new":"correct horse battery"}`, "")
	ask(http.StatusOK, "GET", "/api/incidents", "", "")
	ask(http.StatusForbidden, "GET", "/api/people", "", "")

	if user(0, "role", "mara", "supervisor"); !strings.Contains(user(0, "list"), "supervisor of all cameras") {
		t.Error("the list does not show the role")
	}
	ask(http.StatusOK, "GET", "/api/people", "", "")

	token := secret.FindString(user(0, "token", "add", "mara", "--name", "panel", "--right", "view"))
	ask(http.StatusOK, "GET", "/api/incidents", "", token)
	ask(http.StatusForbidden, "GET", "/api/people", "", token)
	user(1, "token", "add", "mara", "--name", "too much", "--right", "administer")
	id := strings.Fields(strings.Split(user(0, "token", "list"), "\n")[1])[0]
	user(0, "token", "revoke", id)
	ask(http.StatusUnauthorized, "GET", "/api/incidents", "", token)

	user(0, "disable", "mara")
	ask(http.StatusUnauthorized, "GET", "/api/incidents", "", "")
	login(http.StatusUnauthorized, "correct horse battery")
	user(0, "enable", "mara")
	login(http.StatusOK, "correct horse battery")
	user(1, "disable", "admin") // the last one

	for range 10 {
		login(http.StatusUnauthorized, "wrong wrong wrong")
		// Ten from one address are its limit too; a login of another frees it again.
	}
	if !strings.Contains(user(0, "list"), "locked until") {
		t.Error("the list does not show the lock")
	}
	if user(0, "unlock", "mara"); strings.Contains(user(0, "list"), "locked until") {
		t.Error("still locked")
	}
	if out := user(0, "password", "mara"); len(secret.FindAllString(out, -1)) != 1 {
		t.Errorf("password: %q", out)
	}
	if _, stdout, _ := call(t, "password", "admin", "-c", path); !strings.Contains(stdout, "new one-time password of admin") {
		t.Errorf("the old verb: %q", stdout)
	}
	code, log, _ := call(t, "log", "-n", "0", "-c", path)
	for _, want := range []string{"person_created", "person_changed", "token_created", "token_revoked", "unlocked", "password_changed", "command line"} {
		if code != 0 || !strings.Contains(log, want) {
			t.Errorf("the custody log lacks %s: %s", want, log)
		}
	}
	if strings.Contains(log, oneTime) || strings.Contains(log, token) {
		t.Error("the custody log holds a secret")
	}
}
