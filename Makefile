# Needs python3.11 with pip, and make; everything else goes into .venv.
PYTHON ?= python3.11
ARGS ?=
UPGRADE ?=
SECONDS ?= 600

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv --quiet pip compile pyproject.toml --universal --python-version 3.11 \
	--fork-strategy fewest --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make requirements" $(if $(UPGRADE),--upgrade)

# A file that snapshotter would see in the queue (hidden and half-written names are invisible to it).
VISIBLE := find input/processing -name '[.~]*' -prune -o -type f ! -name '*.tmp' ! -name '*.part' \
	! -name '*.partial' ! -name '*.crdownload' ! -name '*.swp' ! -name '*~' -print

# Each test of faults has a small sample for `make test`; these ask for the whole.
FAULTS := HYPOTHESIS_PROFILE=faults SNAPSHOTTER_STORM=10000

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: run test test-faults test-faults-all test-bench fault-tools bench-tools bench bench-quick profile fuzz lint format \
	docs requirements clean help

run: .venv/installed  ## (default) install, make test data if the queue is empty, take a snapshot
	@if [ -z "$$($(VISIBLE))" ]; then echo "The queue is empty: making test data"; \
	    $(BIN)/python generate_test_data.py; fi
	@code=0; $(BIN)/python driver.py || code=$$?; \
	    if [ $$code -le 1 ] && [ -f output/latest.csv ]; then echo "The result is in output/latest.csv"; fi; \
	    exit $$code

test: .venv/installed-test  ## run every test; branch coverage must not fall below 95 % (ARGS="--no-cov -k rank": some of them)
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered $(ARGS)

test-faults: .venv/installed-test fault-tools  ## kill, refuse, fill up and cut the power at each place of the write order (half an hour or more)
	@SNAPSHOTTER_FAULTS=each $(FAULTS) $(BIN)/python -m pytest -n 2 tests/faults $(ARGS)

test-faults-all: .venv/installed-test fault-tools  ## the same at every single call (for a night)
	@SNAPSHOTTER_FAULTS=all $(FAULTS) $(BIN)/python -m pytest -n 2 tests/faults $(ARGS)

fault-tools:  ## install what the tests of faults need, from Debian: strace, eatmydata, xfsprogs, e2fsprogs
	@missing=; PATH="$$PATH:/usr/sbin:/sbin"; \
	for tool in strace:strace eatmydata:eatmydata mkfs.xfs:xfsprogs mkfs.ext4:e2fsprogs; do \
	    command -v "$${tool%:*}" >/dev/null || missing="$$missing $${tool#*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	echo "Installing$$missing"; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	if $$as_root apt-get -qq update && $$as_root apt-get -qq install -y --no-install-recommends $$missing; then exit 0; fi; \
	echo "Could not install$$missing: what needs it is skipped (pytest says what)" >&2; [ -z "$$CI" ]

test-bench: .venv/installed-bench bench-tools  ## test the peers of the benchmarks that `make test` has not installed
	@$(BIN)/python -m pytest benchmarks/test_peers.py $(ARGS)

bench-tools:  ## install the peer that is not from PyPI, from Debian: miller
	@if command -v mlr >/dev/null; then exit 0; fi; echo "Installing miller"; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	if $$as_root apt-get -qq update && $$as_root apt-get -qq install -y --no-install-recommends miller; then exit 0; fi; \
	echo "Could not install miller: it is reported as failed" >&2; [ -z "$$CI" ]

bench: .venv/installed-bench bench-tools  ## measure us beside our peers, write benchmarks/RESULTS.md (an hour, 25 GB in $BENCH_WORK; ARGS="--fresh": anew)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-quick: .venv/installed-bench bench-tools  ## the same in small, in under two minutes; prints its tables
	@$(BIN)/python -m benchmarks --quick --fresh $(ARGS)

profile: .venv/installed-bench  ## say where the time of the default job goes, and that of imports
	@$(BIN)/python -m benchmarks.profiling $(ARGS)

fuzz: .venv/installed-test  ## throw random and mutated files at the reader for ten minutes (SECONDS=60: for one)
	@$(BIN)/python tests/fuzz_reader.py --seconds $(SECONDS)

lint: .venv/installed-dev  ## check style, format, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports --no-logo

format: .venv/installed-dev  ## put the code into the format that `make lint` asks for
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

docs: .venv/installed  ## write the parts of README.md that the code decides: commands, options, exit codes
	@$(BIN)/python docs/generate.py

requirements: $(BIN)/python  ## pin the dependencies of pyproject.toml anew (UPGRADE=1 also raises them)
	@$(PIP) install "uv>=0.9"
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --extra test --constraint requirements.txt --output-file requirements-test.txt
	@$(COMPILE) --extra dev --constraint requirements-test.txt --output-file requirements-dev.txt
	@$(COMPILE) --extra bench --constraint requirements-test.txt --constraint requirements-dev.txt --output-file requirements-bench.txt

clean:  ## remove .venv, caches and builds; data in input/ and output/ stays
	@rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
	    .coverage .coverage.* htmlcov build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## say what there is to make
	@sed -n 's/^\([a-z-]*\):[^#]*##/\1\t/p' Makefile | expand -t 18

# Each stamp is made when its installation is complete, and again when its pins change.
$(BIN)/python:
	@echo "Making .venv (once; half a minute or so)"
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing snapshotter"
	@$(PIP) install -r requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

.venv/installed-test: requirements-test.txt | .venv/installed
	@echo "Installing the test tools"
	@$(PIP) install -r requirements-test.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt | .venv/installed
	@echo "Installing the development tools"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

.venv/installed-bench: requirements-bench.txt | .venv/installed
	@echo "Installing the tools of the benchmarks"
	@$(PIP) install -r requirements-bench.txt
	@touch $@
