#!/bin/bash
# Every test: the checks that need no run, the console, Go under the race detector.
set -euo pipefail
cd "$(dirname "$0")/.."
make --no-print-directory lint
for f in configs/*.yml; do
	go run ./cmd/vedette check --placeholders "$f"
done
(cd web/console && npm run --silent check && npm run --silent test && npm run --silent e2e)
# The S3 server that tests run against is built once from its Go module, which takes
# longer than a package's tests may.
go run ./internal/miniotest/prepare >/dev/null
# SQLite is C that was translated to Go, one thread to a connection: the race detector has
# nothing to find in it and makes it two and a half times slower. Our own code and all else
# stay watched. Tests that may run side by side mostly wait, for cameras, servers and clocks:
# there are twice as many of them as processors.
plain=(-timeout 25m)
race=("${plain[@]}" -race '-gcflags=modernc.org/...=-race=false' -parallel "$((2 * $(nproc)))")
# What looks at minutes of footage does so in one goroutine: under the race detector pixels
# take three times as long and tell nothing more. These tests run without it: in the
# detectors' packages those that -short leaves out, elsewhere those of this list.
footage='^(TestAnalyze|TestAnalyzeWithWeights|TestOthersAreHidden|TestIncidentOfAnHour)$'
mapfile -t others < <(go list ./... | grep -v '/detectors')
# The packages that take longest come first, so that none of them is left to run alone.
go test "${race[@]}" -skip "$footage" ./storage ./cmd/vedette ./pipeline ./internal/soak ./pipeline/clip ./web "${others[@]}"
go test "${race[@]}" -short ./detectors/...
go test "${plain[@]}" ./detectors/...
go test "${plain[@]}" -run "$footage" ./cmd/vedette ./pipeline
