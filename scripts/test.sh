#!/bin/bash
# Every test: the checks that need no run, Go under the race detector, the console.
set -euo pipefail
cd "$(dirname "$0")/.."
make --no-print-directory lint
for f in configs/*.yml; do
	go run ./cmd/vedette check --placeholders "$f"
done
(cd web/console && npm run --silent check && npm run --silent test && npm run --silent e2e)
go test -race -timeout 25m ./...
