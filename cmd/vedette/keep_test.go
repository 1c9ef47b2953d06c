package main

import "testing"

func TestBareAddressHoldsNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://viewer:secret@192.0.2.10:554/main?pwd=secret":                 "rtsp://192.0.2.10:554/main",
		"rtsp://192.0.2.10/user=admin_password=secret_channel=1_stream=0.sdp": "rtsp://192.0.2.10",
		"rtsps://192.0.2.10/Streaming/Channels/101":                           "rtsps://192.0.2.10/Streaming/Channels/101",
		"://": "",
	} {
		if got := bare(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
