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
# stay watched.
race=(-race '-gcflags=modernc.org/...=-race=false' -timeout 25m)
# The packages that take longest come first, so that none of them is left to run alone.
# Detectors that look at minutes of footage do so in one goroutine: under the race detector
# pixels take three times as long and tell nothing more. These tests (-short leaves them
# out) run without it, together with all the others there.
mapfile -t others < <(go list ./... | grep -v '/detectors')
go test "${race[@]}" ./storage ./cmd/vedette ./pipeline "${others[@]}"
go test "${race[@]}" -short ./detectors/...
go test -timeout 25m ./detectors/...
