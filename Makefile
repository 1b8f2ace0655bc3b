# `make` alone lists the targets. Everything runs in .venv, which is created once and updated when
# pyproject.toml or constraints.txt changes.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := .venv-demo
DEMO_STAMP := $(DEMO)/.installed
# Ray, an extra.
RAY := $(VENV)/.ray
# A small SDXL with random weights for the benchmarks.
RANDOM_MODEL := models/random-demo
# The newest installed Python, 3.11 or later; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)

.PHONY: help demo demo-reset run test test-gpu test-hosts check chaos chaos-hosts soak bench bench-full bench-hosts \
	constraints clean
.DEFAULT_GOAL := help

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

# In the whole environment where it is complete, otherwise in one of its own without torch.
demo:  ## the real bot in a page that behaves like Discord: no token, no download
	@if $(MAKE) --no-print-directory -q $(STAMP) 2>/dev/null; then python=$(BIN)/python; \
	else $(MAKE) --no-print-directory $(DEMO_STAMP) && python=$(DEMO)/bin/python; fi \
	&& $$python -m bot playground --open

demo-reset:  ## delete the demo's messages and pictures
	rm -rf demo/discord demo/bot

run: $(STAMP)  ## the bot, with the settings of .env
	@$(BIN)/python -m bot run

# Bytecode is cached: tests start fifty processes, which would otherwise compile their imports again.
# Three workers on two cores: a quarter of the time is waiting.
test: $(STAMP)  ## all tests
	@OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q -rfEs

test-gpu: $(STAMP)  ## the tests that need an NVIDIA card; skipped, with a reason, without one
	@$(BIN)/python -m pytest -m gpu -q -rs tests/gpu

test-hosts: $(RAY)  ## drawing on several machines, over a real Ray cluster; takes minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m hosts -q -rs tests/bot/hosts

check: $(STAMP)  ## format, lint, types, layers, import budget
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_import_budget.py

chaos: $(STAMP)  ## kill -9, refusals, lost connections, a full disk: hundreds of rounds, takes minutes
	@$(BIN)/python -m tests.chaos --rounds 400

JOBS ?= 100000
SEED ?= 1
soak: $(STAMP)  ## weeks of 500 people in an hour or two: JOBS=, SEED=; resumes, writes docs/soak.md
	@$(BIN)/python -m tests.soak --jobs $(JOBS) --seed $(SEED)

chaos-hosts: $(RAY)  ## the same for machines that draw for the bot: ten rounds, takes minutes
	@$(BIN)/python -m tests.chaos --hosts --rounds 10

bench: $(STAMP) $(RANDOM_MODEL)/model_index.json  ## measure, at most 15 minutes, and write the figures into the docs
	@$(BIN)/python -m benchmarks --json benchmarks/results
	@$(BIN)/python -m benchmarks.docs

bench-full: $(STAMP)  ## the same at the model's real size: 60 GB of disk, an hour; resumes
	@$(BIN)/python -m benchmarks.bench_full
	@$(BIN)/python -m benchmarks.bench_lora
	@$(BIN)/python -m benchmarks.docs

bench-hosts: $(RAY)  ## what drawing on several machines costs; takes ten minutes
	@$(BIN)/python -m benchmarks.bench_hosts
	@$(BIN)/python -m benchmarks.docs

# Made once; a new version of our packages does not change it.
$(RANDOM_MODEL)/model_index.json: | $(STAMP)
	@$(BIN)/python -m training.random_model $(RANDOM_MODEL) --kind demo

# Only `name==version`: no local builds (`torch==2.13.0+cpu`), no paths, no addresses. certifi stays
# out because its newest list of authorities is always the right one.
constraints: $(STAMP)  ## write the installed versions, once tested, to constraints.txt
	@{ echo "# Tested versions, on Linux with Python 3.11. Written by \`make constraints\`; do not edit."; \
	$(BIN)/python -m pip freeze --disable-pip-version-check --exclude-editable \
	| sed 's/+[A-Za-z0-9.]*$$//' | grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$$' | grep -v '^certifi=='; \
	} > constraints.new && mv constraints.new constraints.txt

clean:  ## remove .venv and caches; state, models and .env stay
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

NEEDS_PYTHON = test -n "$(PYTHON)" || { echo "Ekaki needs Python 3.11 or later with venv and pip. Install it \
(Debian, Ubuntu: apt install python3-venv), or name another one: make PYTHON=/path/to/python"; exit 1; }

# Without dependencies of ours: requirements-demo.txt has those that are needed.
$(DEMO_STAMP): requirements-demo.txt pyproject.toml constraints.txt
	@$(NEEDS_PYTHON)
	@test -x $(DEMO)/bin/python || { echo "Creating $(DEMO) with $(PYTHON)"; "$(PYTHON)" -m venv $(DEMO); }
	@echo "Installing what the demo needs into $(DEMO), 0.3 GB"
	@$(DEMO)/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt -r requirements-demo.txt
	@$(DEMO)/bin/python -m pip install --disable-pip-version-check -q --no-deps -e .
	@touch $@

# The stamp is newer than both files once everything is installed.
$(STAMP): pyproject.toml constraints.txt
	@$(NEEDS_PYTHON)
	@test -x $(BIN)/python || { echo "Creating $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv $(VENV); }
	@echo "Installing Ekaki and its tools into $(VENV); this takes minutes the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $@

$(RAY): $(STAMP)
	@$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,ray]'
	@touch $@
