# Few words: demo, run, test, test-gpu, check, chaos, bench, bench-full. `make` alone lists them.
# Everything runs in .venv, which is made once and renewed when pyproject.toml changes.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A small SDXL of random weights for the benchmarks.
RANDOM_MODEL := models/random-demo
# The newest Python from 3.11 on that is here; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)

.PHONY: help demo demo-reset run test test-gpu check chaos bench bench-full clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

demo: $(STAMP)  ## the real bot in a page that behaves like Discord: no token, no download
	@$(BIN)/python -m bot playground --open

demo-reset:  ## forget the messages and pictures of the demo
	rm -rf demo/discord demo/bot

run: $(STAMP)  ## the bot, with the settings of .env
	@$(BIN)/python -m bot run

# Compiled modules are kept: tests start fifty processes, which would compile all they import again.
test: $(STAMP)  ## all tests
	@OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q -rs

test-gpu: $(STAMP)  ## the tests that need a card; where there is none it says so
	@$(BIN)/python -m pytest -m gpu -q -rs tests/gpu

check: $(STAMP)  ## format, lint, types, layers, import budget
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/bot/test_import_budget.py

chaos: $(STAMP)  ## kill -9, refusals, cuts, a full disk, hundreds of rounds: minutes
	@$(BIN)/python -m tests.chaos --rounds 400

bench: $(STAMP) $(RANDOM_MODEL)/model_index.json  ## measure, at most 15 minutes, and write the figures into the docs
	@$(BIN)/python -m benchmarks --json benchmarks/results
	@$(BIN)/python -m benchmarks.docs

bench-full: $(STAMP)  ## the same for the model at its real size: 60 GB of disk, an hour; goes on where it was
	@$(BIN)/python -m benchmarks.bench_full
	@$(BIN)/python -m benchmarks.docs

# Made once; another version of our packages is no reason to make it again.
$(RANDOM_MODEL)/model_index.json: | $(STAMP)
	@$(BIN)/python -m training.random_model $(RANDOM_MODEL) --kind demo

clean:  ## remove .venv and caches; state, models and .env stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Its name changes nothing: the stamp is younger than pyproject.toml when all is installed.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Ekaki needs Python 3.11 or later with venv and pip. Install it \
	(Debian, Ubuntu: apt install python3-venv), or say where it is: make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv $(VENV); }
	@echo "Installing Ekaki and its tools into $(VENV): minutes the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[dev]'
	@touch $@
