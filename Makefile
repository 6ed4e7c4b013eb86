# Two commands for a newcomer: `make demo` and `make test`. Each makes .venv first if it is not there.
# Works with GNU Make 3.81, the one that macOS ships. PYTHON=/path/to/python picks the interpreter.

PYTHONS = $(if $(PYTHON),$(PYTHON),python3.12 python3.11 python3.13 python3)
BIN = .venv/bin
INSTALLED = .venv/.installed
BROWSER = .venv/.browser
# Some tests wait for servers most of their time: one worker more than processors uses it.
PROCESSORS = $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= $(shell expr $(PROCESSORS) + 1)
LABEL_STUDIO = 1.23.2
IMAGE = deployments/docker
OUTER = apps flows tasks stores workspace reports examples project
BENCHMARKS = validation choosing pool buckets retraining cycles frozen_or_retrained label_efficiency stopping entities promoting labeling watching latency

# One thread per fit (histogram gradient boosting stalls on busy cores otherwise), and nobody is told what we do.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MLFLOW_DISABLE_TELEMETRY = true
export DO_NOT_TRACK = 1
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export NO_MKDOCS_2_WARNING = 1

.PHONY: help demo test test-all check unit lint types imports docs pytest coverage bench lock reference format clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -e 's/:.*##/:/' | awk -F: '{printf "make %-10s %s\n", $$1, $$2}'

demo: $(INSTALLED) ## run the whole loop on the digits, print the story, write a report
	$(BIN)/tiltyard demo

test: lint ## everything that CI checks; of the kill sets a sample, by a seed that it prints
	@$(call beside,types imports docs,pytest)

test-all: ## the same, with the kill sets whole
	@TILTYARD_TEST_SEED=all $(MAKE) --no-print-directory test

check: lint ## the quick part, in about a minute (lint, types, imports, unit tests)
	@$(call beside,types imports,unit)

# Runs the first targets beside the second one, which says the last word; what the first say is shown when one fails.
define beside
log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
$(MAKE) --no-print-directory $(1) > "$$log" 2>&1 & others=$$!; \
$(MAKE) --no-print-directory $(2); ended=$$?; \
wait $$others || { cat "$$log"; exit 1; }; exit $$ended
endef

lint: $(INSTALLED) ## ruff's rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## mypy, strict
	$(BIN)/mypy

imports: $(INSTALLED) ## imports point one way (import-linter)
	$(BIN)/lint-imports

docs: $(INSTALLED) ## build the site into site/, strictly
	$(BIN)/mkdocs build --strict --quiet

# Label Studio's own environment is made beside the first tests; those that need it wait for it.
pytest: $(INSTALLED) $(BROWSER) ## the tests alone, in parallel
	@$(BIN)/python -m tests.servers.label_studio_server & $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist loadscope --no-loadscope-reorder $(OPTIONS)

# Without the rooms that need servers or import Prefect; their tests are in 'make pytest'.
unit: $(INSTALLED) ## the tests of the capabilities and schemas alone, with fewer random examples
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist worksteal --hypothesis-profile quick \
	  -p no:schemathesis $(OUTER:%=--ignore=tiltyard/%) tests/unit tiltyard $(OPTIONS)

coverage: ## the tests, and which lines and branches they reach (90 % at least); a third more work
	@$(MAKE) pytest OPTIONS="--cov --cov-report=term:skip-covered"

reference: $(INSTALLED) ## write the generated pages of docs/reference again
	$(BIN)/python -m docs.generate

format: $(INSTALLED) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## every benchmark with its defaults (hours); docs/benchmarks.md has the commands one by one
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

# One version of each package for every Python, so that a model comes out the same on all of them.
lock: $(INSTALLED) ## write the locks again: the project's, the images', Label Studio's (UPGRADE=--upgrade for newer versions)
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(BIN)/python -m venv "$$folder" && "$$folder/bin/pip" install --quiet uv && \
	compile="$$folder/bin/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet"; \
	$$compile pyproject.toml --all-extras $(UPGRADE) -o requirements.lock; \
	$$compile pyproject.toml --extra postgresql --extra oidc --extra mlflow-server -c requirements.lock -o $(IMAGE)/requirements.lock; \
	echo setuptools | $$compile - -c requirements.lock -o $(IMAGE)/build.lock; \
	echo "moto[s3,sqs] flask flask-cors" | tr ' ' '\n' | $$compile - -c requirements.lock -o $(IMAGE)/aws.lock; \
	echo "label-studio==$(LABEL_STUDIO)" | $$compile - $(UPGRADE) -o tests/label-studio.lock

clean: ## remove the environment and what was built
	rm -rf .venv .venv-label-studio site htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# The tests of pages need a real browser: the system's Chromium, else the one that Playwright brings.
$(BROWSER): $(INSTALLED)
	@command -v chromium >/dev/null || $(BIN)/playwright install chromium
	@touch $@

# The stamp is written last, so that an installation that was interrupted is done again.
$(INSTALLED): requirements.lock pyproject.toml
	@set -e; chosen=; for python in $(PYTHONS); do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    chosen=$$python; break; fi; done; \
	if [ -z "$$chosen" ]; then \
	  echo "Tiltyard needs Python 3.11, 3.12 or 3.13; found none among: $(PYTHONS)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; fi; \
	if ! $$chosen -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$chosen has no venv module; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi; \
	echo "Installing into .venv with $$($$chosen --version)"; \
	$$chosen -m venv .venv
	@# The lock is whole. With dependencies, older pips look beyond it and trip over what was released since.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check --quiet --disable-pip-version-check
	@touch $@
