# vedette: `make run` shows it at work, `make test` checks it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
CONSOLE_SOURCES := $(shell find web/console -path web/console/node_modules -prune -o -path web/console/dist -prune -o -type f -print 2>/dev/null)

help: ## Say what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -ts "$$(printf '\t')"

setup: ## Install what is missing: Debian packages, the ONNX Runtime library, console dependencies
	@scripts/setup.sh

bin/vedette: setup console $(shell find . -name '*.go' -o -name '*.c' -o -name '*.h' | grep -v node_modules) go.mod go.sum
	go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/vedette

build: bin/vedette ## Build bin/vedette with the console inside

console: web/console/dist/index.html ## Build the console

web/console/dist/index.html: web/console/node_modules/.installed $(CONSOLE_SOURCES)
	cd web/console && npm run --silent build

web/console/node_modules/.installed: web/console/package-lock.json
	cd web/console && npm ci --no-audit --no-fund --loglevel=error
	touch $@

run: build ## Show vedette at work on real footage: make run [VIDEO=file.mp4]
	@if [ -n "$(VIDEO)" ]; then exec bin/vedette demo --video "$(VIDEO)"; \
	else video="$$(scripts/demo-footage.sh)"; exec bin/vedette demo --video "$$video"; fi

test: setup console ## Run every test
	scripts/test.sh

lint: setup console ## gofmt, go vet, staticcheck, and govulncheck where its database can be reached
	@scripts/lint.sh "$(STATICCHECK)" "$(GOVULNCHECK)"

bench: build ## Print the tables of bench/README.md
	go run ./bench/cmd/bench -vedette bin/vedette

accuracy: build ## Print the accuracy tables alone, synthetic replays included
	go run ./bench/cmd/bench -vedette bin/vedette -only accuracy,replay

soak: build ## Break things under a running vedette, often: the fault table, and every long test [KILLS=1000 FAULTS=50]
	go run ./bench/cmd/bench -vedette bin/vedette -only soak -kills $(or $(KILLS),1000) -faults $(or $(FAULTS),50)
	VEDETTE_SOAK=1 go test -timeout 6h -run 'Soak|Crash|Kill|Tamper|Power|AnyChangedByte' ./...

pictures: build ## Make the pictures of docs/rules anew
	go run ./internal/rulepictures -vedette bin/vedette

clean: ## Remove what was built here
	rm -rf bin web/console/node_modules
	find web/console/dist -mindepth 1 ! -name .keep -delete

.PHONY: help setup build console run test lint bench accuracy soak pictures clean
