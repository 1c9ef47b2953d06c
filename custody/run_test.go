package custody

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCheckpointsGoOffSite(t *testing.T) {
	room := t.TempDir()
	k := openTestKeys(t, filepath.Join(room, "keys"))
	synctest.Test(t, func(t *testing.T) {
		copies := map[string]string{}
		tries, down := 0, false
		l, err := OpenLog(filepath.Join(room, "custody"), LogOptions{Keys: k, Origin: "north", Publish: func(_ context.Context, name string, data []byte) error {
			tries++
			if down {
				return errors.New("no bucket")
			}
			if before, ok := copies[name]; ok && before != string(data) {
				t.Errorf("%s is used twice", name)
			}
			copies[name] = string(data)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		wait := func(d time.Duration) { // the bubble's clock, not the world's
			<-time.After(d)
			synctest.Wait()
		}
		want := func(when string, names ...string) {
			t.Helper()
			if len(copies) != len(names) {
				t.Errorf("%s: %d copies, want %v", when, len(copies), names)
			}
			for _, n := range names {
				name := strings.TrimPrefix(l.Origin(), "vedette/") + "/" + n + ".checkpoint"
				if _, err := l.checks.Load().parse([]byte(copies[name])); err != nil {
					t.Errorf("%s: %s: %v", when, name, err)
				}
			}
		}
		wait(3 * time.Minute)
		want("nothing has happened")
		recordAll(t, l, 0, 2)
		wait(time.Minute + time.Second)
		want("after a minute", "000000000002")
		wait(time.Hour)
		if tries != 1 {
			t.Errorf("%d copies of one checkpoint", tries)
		}
		down = true
		recordAll(t, l, 2, 4)
		wait(10 * time.Minute)
		want("while the bucket is away", "000000000002")
		if tries < 10 {
			t.Errorf("tried %d times", tries)
		}
		down = false
		recordAll(t, l, 4, 5)
		wait(time.Minute)
		want("the newest is what counts", "000000000002", "000000000005")
		recordAll(t, l, 5, 6)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want("at the end", "000000000002", "000000000005", "000000000006")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
