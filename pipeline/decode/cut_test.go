package decode

import (
	"bytes"
	"testing"
)

func TestCutOff(t *testing.T) {
	tests := []struct {
		name string
		file string
		want bool
	}{
		{"whole boxes", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x08moov\x00\x00\x00\x0amdatxx", false},
		{"media goes on behind the end", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x08moov\x00\x00\x00\x0cmdatxx", true},
		{"media without an index", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x0amdatxx", true},
		{"media of unknown size without an index", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x00mdatxx", true},
		{"media of unknown size", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x08moov\x00\x00\x00\x00mdatxx", false},
		{"a box header is cut", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x08moov\x00\x00\x01", true},
		{"zeros behind the last box", "\x00\x00\x00\x0cftypmp42\x00\x00\x00\x08moov\x00\x00\x00", false},
		{"a wide box", "\x00\x00\x00\x08moov\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x12xx", false},
		{"a wide box is cut", "\x00\x00\x00\x08moov\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x13xx", true},
		{"a wide box beyond 63 bits", "\x00\x00\x00\x08moov\x00\x00\x00\x01mdat\xff\x00\x00\x00\x00\x00\x00\x13xx", true},
		{"whole AVI", "RIFF\x04\x00\x00\x00AVI ", false},
		{"AVI is cut", "RIFF\x05\x00\x00\x00AVI ", true},
		{"AVI of unknown size", "RIFF\x00\x00\x00\x00AVI ", false},
		{"the second part of an OpenDML file is cut", "RIFF\x04\x00\x00\x00AVI RIFF\x09\x00\x00\x00AVIX", true},
		{"whole Matroska", "\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\x82yyzz", false},
		{"Matroska is cut", "\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\x83yy", true},
		{"Matroska of unknown size", "\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\xffyy", false},
		{"Matroska without a segment", "\x1a\x45\xdf\xa3\x81x\x18\x53", true},
		{"something else", "just a text, quite a long one", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cutOff(bytes.NewReader([]byte(tt.file)), int64(len(tt.file))); got != tt.want {
				t.Errorf("cut off %v, want %v", got, tt.want)
			}
		})
	}
}
