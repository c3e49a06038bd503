# Every command that people and CI run. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# Some images of CI forbid Python to keep bytecode, and then each of our commands compiles 2,000 modules anew: seconds of CPU.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SLIPWAY := $(BIN)/slipway
INSTALLED := $(VENV)/.installed

CONTAINERFILES := $(wildcard engines/*/Containerfile workloads/*/Containerfile)
PACKAGES := artifacts benchmarks cli components engines hardware infra model_catalog planning plugin_server preprocessing quantities recovery sandbox workloads

.PHONY: help install up preview down toolchain test unit long browser engine e2e e2e-short chaos fuzz coverage bench check format types lock lock-fetch lock-image lock-serving clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Make the virtual environment and .venv/bin/slipway

$(INSTALLED): requirements/lock.txt requirements/uv.txt pyproject.toml
	@PYTHON="$(PYTHON)" scripts/install

up: install ## Main job: deploy the catalog on the embedded default (no AWS account, no Docker)
	@$(SLIPWAY) sandbox up

preview: install ## What `make up` would change
	@$(SLIPWAY) sandbox preview

down: install ## Destroy it all, end every process
	@$(SLIPWAY) sandbox down

toolchain: install ## Build the engine and the control plane into the cache (20 minutes once; then nothing)
	@$(BIN)/python -m sandbox.toolchain

test: install ## All that CI runs
	@scripts/test

unit: install ## The unit tier (a minute or two)
	@$(BIN)/pytest -q -m "not long" tests/unit

long: install ## What takes minutes of its own: all orders of two promotions, engine tests left out of `make test`
	@$(BIN)/pytest -q -m long tests/unit tests/engine

browser: install ## The browser tier: the plan's page in a real Chromium, and axe-core's verdict on it
	@scripts/browser

engine: install ## The engine tier: real engine, real control plane
	@$(BIN)/pytest -q tests/engine

e2e: install ## The e2e tier: the agent and the real TorchServe on the CPU (installs Debian's torch as root)
	@$(BIN)/python -m sandbox.serving.runtime >/dev/null
	@$(BIN)/pytest -q tests/e2e

e2e-short: install ## What of the e2e tier CI runs: promises, released handlers, imported configurations, an export, a patch
	@$(BIN)/python -m sandbox.serving.runtime >/dev/null
	@$(BIN)/pytest -q --durations=5 tests/e2e/test_promises.py tests/e2e/test_cases.py tests/e2e/test_export.py \
	  tests/e2e/test_handlers.py \
	  tests/e2e/test_weights.py::test_a_handler_only_patch_fetches_kilobytes_and_no_weights_and_nothing_fails

chaos: install ## Kill each process early, midway and late; ARGS="--seed 7 --only engine" (an hour for all)
	@$(BIN)/python -m tests.engine.chaos $(ARGS)

fuzz: install ## Break the catalog 20,000 ways; ARGS="--cases 1000 --seed 7", or ARGS=--agent: input for the agent
	@$(BIN)/python -m tests.fuzz $(ARGS)

coverage: install ## What the unit tier runs of the code, branches included, in a table by package
	@scripts/coverage

bench: install ## Ratios, measured side by side (minutes)
	@$(BIN)/python -m benchmarks.catalog_load
	@$(BIN)/python -m benchmarks.catalog_diff
	@$(BIN)/python -m benchmarks.memory_model
	@$(BIN)/python -m benchmarks.placement
	@$(BIN)/python -m benchmarks.plan_diff
	@$(BIN)/python -m benchmarks.artifact_copy

check: install ## Format, lint, prose, Containerfiles, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python -m scripts.prose
	@$(BIN)/hadolint $(CONTAINERFILES)
	@$(BIN)/lint-imports
	@echo "types (the first run reads the provider SDKs: about 4 minutes)"
	@$(BIN)/mypy $(PACKAGES) tests

format: install ## Format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: install ## Pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --no-annotate --no-emit-index-url \
	  --python-version 3.11 --quiet --upgrade --custom-compile-command "make lock" -o requirements/lock.txt
	@echo uv | $(BIN)/uv pip compile - --generate-hashes --no-annotate --no-emit-index-url --python-version 3.11 --quiet \
	  --upgrade --custom-compile-command "make lock" -o requirements/uv.txt

lock-fetch: install ## Pin the S3 client of the image that fetches weights, which has Python 3.13
	@cd workloads/fetch && $(CURDIR)/$(BIN)/uv pip compile requirements.in --generate-hashes --no-annotate \
	  --no-emit-index-url --python-version 3.13 --python-platform x86_64-manylinux_2_28 --quiet --upgrade \
	  --custom-compile-command "make lock-fetch" -o requirements.txt

lock-image: install ## Pin what our TorchServe image adds to the published one, which has Python 3.9
	@cd engines/torchserve && $(CURDIR)/$(BIN)/uv pip compile requirements.in --overrides overrides.in --generate-hashes \
	  --no-annotate --no-emit-index-url --python-version 3.9 --python-platform x86_64-manylinux_2_28 --quiet --upgrade \
	  --custom-compile-command "make lock-image" -o requirements.txt

lock-serving: install ## Pin what this machine's own TorchServe runs with (`make e2e`, the pod that `make up` runs)
	@$(BIN)/uv pip compile sandbox/serving/requirements.in --overrides engines/torchserve/overrides.in --generate-hashes \
	  --no-annotate --no-emit-index-url --python-version 3.11 --quiet --upgrade \
	  --custom-compile-command "make lock-serving" -o sandbox/serving/requirements.txt

clean: ## Remove the virtual environment and caches (not the sandbox: `make down` first)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
