# Every target is one line to a pinned tool, or says what is missing. `make run` and `make test` are all a newcomer needs.

GO       ?= go
TOOL     := $(GO) tool -modfile=test/tools/go.mod
FUZZTIME ?= 30s
COVERAGE ?= 90
DURATION ?= 30m
SEEDS    ?= 20000

.DEFAULT_GOAL := help
.PHONY: help build run test sim chaos check format-check vet staticcheck tidy-check fresh memory typecheck generate fuzz bench microbench cover fmt clean compiler

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/halley, with Go alone
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/halley ./cmd/halley

run: build ## Build and start Halley on :8080, its data in ./data
	bin/halley serve

test: compiler ## Run every test under the race detector; finds or installs Postgres, Chromium and Node.js
	CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...

sim: ## Simulate SEEDS (20000) clusters under faults; each failing seed is told, and replayed with -seed N -seeds 1
	$(GO) test -run '^TestSimulation$$' -timeout 0 -v ./pushnode/host -seeds $(SEEDS)

chaos: ## Hurt a cluster in every way, each for DURATION (30m): make chaos DURATION=10m
	HALLEY_CHAOS_DURATION=$(DURATION) $(GO) test -tags chaos -v -count=1 -timeout 24h -run '^TestChaos' ./test

check: format-check vet staticcheck tidy-check fresh memory typecheck ## Check format, vet, lint, modules, generated files, memory and types

format-check:
	@stale=$$(gofmt -l .); test -z "$$stale" || { echo "not formatted, run make fmt:" $$stale >&2; exit 1; }

vet:
	$(GO) vet -tags chaos ./...

staticcheck:
	$(TOOL) staticcheck ./...

tidy-check:
	$(GO) mod tidy -diff
	$(GO) -C test/tools mod tidy -diff

# Generating must change nothing. Compared with the state before, not with the last commit, so that it also holds amid work.
fresh:
	@state() { git status --porcelain --untracked-files=all; git diff; }; before=$$(state); $(MAKE) --no-print-directory generate; \
	test "$$before" = "$$(state)" || { git status --short; echo "generated files were stale: commit what make generate made" >&2; exit 1; }

memory: ## Check what clients and channels hold in memory against the tables of DESIGN.md
	$(GO) test -run '^$$' -bench '^BenchmarkMemory$$' -benchtime 1x ./pushnode/session ./pushnode/channel

# The type check of the JS client is for development alone: the bundle is committed, and make run needs no Node.
typecheck:
ifneq ($(wildcard web/js/package.json),)
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js (Debian: apt-get install npm)" >&2; exit 1; }
	cd web/js && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent check
endif

generate: ## Make the generated files anew: the bundles of the JS client and the console
	$(GO) generate ./...

fuzz: compiler ## Fuzz every target for FUZZTIME (30s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

bench: ## Measure Halley beside the floor of the machine and Nchan, in half an hour: make bench BENCH='-runs 1 -servers Halley'
	$(GO) run ./test/bench $(BENCH)

microbench: ## Run the benchmarks of single functions
	$(GO) test -run '^$$' -bench . -benchmem ./...

cover: ## Measure the tests' share of pushnode/..., which must not fall below COVERAGE (90) %
	$(GO) test -coverpkg=./pushnode/... -coverprofile=coverage.out ./pushnode/...
	@$(GO) tool cover -func=coverage.out | awk '/^total:/ { print; exit ($$3 + 0 < $(COVERAGE)) }' \
		|| { echo "the coverage of pushnode is below $(COVERAGE) %" >&2; exit 1; }

fmt: ## Format the Go files
	gofmt -w .

clean: ## Remove what was built, never data
	rm -rf bin coverage.out

# The race detector needs a C compiler.
compiler:
	@command -v $$($(GO) env CC) >/dev/null && exit 0; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		|| { echo "a C compiler is missing: install gcc (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }; \
	export DEBIAN_FRONTEND=noninteractive; install="apt-get install --yes --no-install-recommends gcc libc6-dev"; \
	$$install || { apt-get update && $$install; }
