#!/bin/bash
# Every test: the checks that need no run, Go under the race detector, the console.
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
# The packages that take longest come first, so that none of them is left to run alone.
go test -race -timeout 25m ./storage ./detectors ./cmd/vedette ./pipeline ./...
