# Every target sets up what it needs in .venv and does nothing twice: `make help` lists them.
# Recipes are POSIX sh and also run under Git's bash on Windows.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
VENV := .venv
# The installer stays out of .venv, which holds nothing but what mmbot needs to run.
TOOLS := target/tools

ifeq ($(OS),Windows_NT)
  SHELL := bash
  PYTHON ?= python
  SCRIPTS := Scripts
  EXE := .exe
else
  PYTHON ?= python3
  SCRIPTS := bin
  EXE :=
endif

BIN := $(VENV)/$(SCRIPTS)
PY := $(BIN)/python$(EXE)
UV := $(TOOLS)/$(SCRIPTS)/uv$(EXE)
MMBOT := $(BIN)/mmbot$(EXE)

# Passed through: `make run ARGS="--duration 30s"`, `make test PYTEST_ARGS="-k book"`.
ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
PYTEST_WORKERS ?= auto
# The tests of `make check`; where `make test` follows, the rules of the tree are enough.
CHECK_TESTS ?= tests/tidy tests/docs tests/spec tests/unit

# One interpreter for every build, by one path: PyO3 recompiles when the path changes.
export PYO3_PYTHON := $(CURDIR)/$(PY)
export UV_PYTHON := $(CURDIR)/$(TOOLS)/$(SCRIPTS)/python$(EXE)
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
unexport VIRTUAL_ENV
unexport PYTHONPATH
unexport PYTHONHOME
# Built here to run here: with AVX2 and BMI2 where this processor has them. Results are the same
# bits either way; set it to nothing for a build that is to run on older ones.
ifneq ($(shell grep -m1 -w avx2 /proc/cpuinfo 2>/dev/null | grep -w bmi2 | grep -w fma),)
  CARGO_BUILD_RUSTFLAGS ?= -C target-cpu=x86-64-v3
  export CARGO_BUILD_RUSTFLAGS
endif
# Where pip is told which certificates to trust, uv trusts the same.
ifdef PIP_CERT
  export SSL_CERT_FILE ?= $(PIP_CERT)
endif

# --- set-up: three stamps, each newer than what it was made from ---------------------------------

INSTALLER := $(TOOLS)/.stamp
BASE := $(VENV)/.stamp-base
DEV := $(VENV)/.stamp-dev

files = $(foreach entry,$(wildcard $(1)/*),$(call files,$(entry),$(2)) $(filter $(2),$(entry)))
RUST := Cargo.toml Cargo.lock $(wildcard rust-toolchain.toml) $(call files,crates,%.rs %.toml)

$(INSTALLER):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/$(SCRIPTS)/python$(EXE) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# The extension is a release build, installed in place: Python sources need no rebuild.
$(BASE): $(INSTALLER) pyproject.toml uv.lock $(RUST)
	$(UV) sync --quiet --locked --inexact --no-default-groups --reinstall-package mmbot
	@touch $@

$(DEV): $(BASE)
	$(UV) sync --quiet --locked --inexact
	@touch $@

.PHONY: setup
setup: $(DEV) ## create or update .venv with everything for development

# --- use -----------------------------------------------------------------------------------------

.PHONY: run
run: $(BASE) ## trade on the embedded market; options: make run ARGS="--speed 10x --duration 60s"
	@$(MMBOT) run $(ARGS)

.PHONY: exchange
exchange: $(DEV) ## a local exchange that speaks Bybit v5; options: make exchange ARGS="--speed 10x"
	@$(MMBOT) exchange serve $(ARGS)

.PHONY: soak-smoke
soak-smoke: $(BASE) ## three scripted soak iterations and a check of what they leave
	@$(MMBOT) soak smoke

.PHONY: soak
soak: $(BASE) ## 24 hours with auto-tuning; options: make soak ARGS="--mock"
	@$(MMBOT) soak run --hours 24 --auto-tune $(ARGS)

# --- prove ---------------------------------------------------------------------------------------

# Both suites run even when the first fails, so that one run shows everything that is broken.
.PHONY: test
test: $(DEV) ## all tests: cargo, then pytest (PYTEST_ARGS="-k name")
	@status=0; \
	cargo test --workspace --locked --quiet || status=$$?; \
	$(PY) -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(PYTEST_ARGS) || status=$$?; \
	exit $$status

.PHONY: check
check: $(DEV) ## format, lint, types, import rules, tidy, fast tests: what CI runs
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	$(BIN)/lint-imports$(EXE)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	$(PY) -m pytest -q -m "not slow" -n $(PYTEST_WORKERS) --dist loadgroup $(CHECK_TESTS)

.PHONY: bench
bench: $(DEV) ## ratios against peers, written to artifacts/BENCH.json (BENCH_ARGS=...)
	$(PY) -m benches $(BENCH_ARGS)

.PHONY: docs-check
docs-check: $(DEV) ## links, anchors, commands and the page of rules and tests hold
	$(PY) -m pytest -q tests/docs

# --- maintain ------------------------------------------------------------------------------------

.PHONY: format
format: $(DEV) ## rewrite the sources in the project's format
	$(PY) -m ruff format
	$(PY) -m ruff check --fix
	cargo fmt --all

.PHONY: lock
lock: $(INSTALLER) ## resolve the Python dependencies again after a change of pyproject.toml
	$(UV) lock

.PHONY: clean
clean: ## remove everything that was built or installed; artifacts stay
	rm -rf $(VENV) target dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f src/mmbot/_core*.so src/mmbot/_core*.pyd

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	  printf '  make %-12s %s\n' "$$name" "$$text"; done
