package miniotest_test

import (
	"net/http"
	"testing"

	"github.com/vedette-cctv/vedette/internal/miniotest"
)

func TestServerStopsAndComesBack(t *testing.T) {
	s := miniotest.Start(t)
	alive := func() bool {
		resp, err := http.Get("http://" + s.Endpoint + "/minio/health/live")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	if !alive() {
		t.Fatal("no answer after Start")
	}
	s.Stop()
	if alive() {
		t.Fatal("answers after Stop")
	}
	s.Restart()
	if !alive() {
		t.Fatal("no answer after Restart")
	}
	s.Kill()
	if alive() {
		t.Fatal("answers after Kill")
	}
}
