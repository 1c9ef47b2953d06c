package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

// BenchmarkParse is what saving the file costs, by the number of cameras.
func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("cameras=%d", n), func(b *testing.B) {
			var s strings.Builder
			s.WriteString("cameras:\n")
			for i := range n {
				fmt.Fprintf(&s, `  camera%d:
    url: rtsp://viewer:${PASSWORD}@192.0.2.10/main
    zones:
      door:
        polygon: [[0.40, 0.36], [0.66, 0.36], [0.66, 0.56], [0.40, 0.56]]
        rules:
          - {kind: loitering, dwell: 10s, labels: [person]}
          - {kind: motion}
`, i)
			}
			source, lookup := []byte(s.String()), env("PASSWORD", "p@ss")
			b.SetBytes(int64(len(source)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := config.Parse("vedette.yml", source, lookup); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
