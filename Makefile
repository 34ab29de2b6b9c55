# `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# Options of `make repro`, such as make repro DATASET=fer2013 BUDGET=full ARCHIVE=fer2013.zip STAGE=clean
DATASET ?=
BUDGET ?=
BACKEND ?=
MODELS ?=
TUNE ?=
ARCHIVE ?=
STAGE ?=
PORT ?= 5000
# The recipe of repro reads these from its environment, as they were typed: a path may contain quotes, blanks and dollars.
OPTIONS := DATASET BUDGET BACKEND MODELS TUNE ARCHIVE STAGE
$(foreach option,$(OPTIONS),$(eval override $(option) := $$(value $(option))))
export $(OPTIONS)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  options of repro: DATASET= BUDGET= BACKEND= MODELS=\"a b\" TUNE=\"a\"|none ARCHIVE=path STAGE=name (see README.md)"

$(VENV)/.runtime: requirements.lock pyproject.toml tools/make_env.sh
	@bash tools/make_env.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@bash tools/make_env.sh $(VENV) requirements-dev.lock
	@touch $@

.PHONY: env
env: $(VENV)/.runtime ## make .venv from requirements.lock

.PHONY: repro
repro: env ## run the whole pipeline (first time: on the built-in sample)
	@ferflow run $${DATASET:+"--dataset=$$DATASET"} $${BUDGET:+"--budget=$$BUDGET"} $${BACKEND:+"--backend=$$BACKEND"} \
	  $${MODELS:+"--models=$$MODELS"} $${TUNE:+"--tune=$$TUNE"} $${ARCHIVE:+"--archive=$$ARCHIVE"} \
	  $${STAGE:+"--stage=$$STAGE"}

.PHONY: test
test: $(VENV)/.dev ## run the tests
	@python -m pytest -q -n 2 --dist loadfile

.PHONY: coverage
coverage: $(VENV)/.dev ## run the tests and report which lines they cover
	@python -m pytest -q -n 2 --dist loadfile --cov=ferflow --cov-report=term --cov-report=xml

.PHONY: lint
lint: $(VENV)/.dev ## check style, types and import directions
	@ruff check --no-cache . && ruff format --check . && mypy && lint-imports

.PHONY: ui
ui: env ## update MLflow, print the address of its charts and open it (PORT=5000)
	@ferflow ui --port=$(PORT)

.PHONY: track
track: env ## rebuild in MLflow what it lacks of the results on disk
	@ferflow track

.PHONY: results
results: env ## write docs/results/<dataset>.md from the reports
	@ferflow results

.PHONY: models
models: env ## write docs/models.md from params.yaml and the networks
	@ferflow models

.PHONY: bench
bench: env ## measure speed and memory as ratios, into reports/bench
	@python bench/data.py
	@python bench/train.py

.PHONY: bench-step
bench-step: env ## measure what makes the training step faster on this machine
	@python bench/step.py

.PHONY: bench-accuracy
bench-accuracy: env ## measure the minutes to 65 % of PublicTest beside a common recipe (needs FER-2013)
	@python bench/accuracy.py

.PHONY: lock
lock: ## pin and hash the requirements again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-dev.in -o requirements-dev.lock

.PHONY: clean
clean: ## delete the environment and tool caches, but no data and no results
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
