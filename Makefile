# Each target does its own set-up; the stamps in .venv make a second run quick.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup sing check format test voice voice-continue voice-report bench picture clean

BIN := .venv/bin
SCORE ?= examples/haru-no-komichi.musicxml
OUT ?= out/$(basename $(notdir $(SCORE))).wav
CHECKED := src tests training benchmarks scripts

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.dev ## everything for developing, in .venv

sing: .venv/.base ## sing an example: make sing [SCORE=…] [OUT=…]
	@mkdir -p "$(dir $(OUT))"
	@$(BIN)/singsynth-mcp sing "$(SCORE)" --output "$(OUT)"

check: .venv/.dev ## format, lint, types, imports, file sizes
	$(BIN)/ruff format --check --quiet $(CHECKED)
	$(BIN)/ruff check --quiet $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py

format: .venv/.dev ## format, and mend what lint can mend
	$(BIN)/ruff check --fix --quiet $(CHECKED) || true
	$(BIN)/ruff format --quiet $(CHECKED)

test: check ## check, then every test: what CI runs
	$(BIN)/python -m tests.conformance.node
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

voice: .venv/.train ## train the shipped voice from nothing: make voice [MINUTES=140], on two cores
	$(BIN)/python -m training all --budget $(or $(MINUTES),140)

voice-continue: .venv/.train ## go on training from the shipped weights: make voice-continue [MINUTES=20]
	$(BIN)/python -m training all --onward --budget $(or $(MINUTES),20)

voice-report: .venv/.train ## measure the shipped voice against its bars and its teacher: docs/voice.md
	$(BIN)/python -m training report

bench: .venv/.dev ## every benchmark's table
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.parse_score
	$(BIN)/python -m benchmarks.proxy
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.workers
	$(BIN)/python -m benchmarks.real_time_factor
	$(BIN)/python -m benchmarks.stages --minutes 1 3 10 --runs 1
	$(BIN)/python -m benchmarks.first_sound
	$(BIN)/python -m benchmarks.listen tests/scores/*-ja-*.musicxml tests/scores/ja-*.musicxml
	$(BIN)/python -m benchmarks.kana_error tests/scores/*-ja-*.musicxml tests/scores/ja-*.musicxml

picture: .venv/.base ## the README's picture, drawn anew
	$(BIN)/python scripts/draw_example.py

clean: ## remove what make made
	rm -rf .venv .cache out dist build node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage

.venv/.base: pyproject.toml scripts/setup.sh
	scripts/setup.sh base
	touch $@

.venv/.dev: pyproject.toml scripts/setup.sh
	scripts/setup.sh dev
	touch .venv/.base $@

.venv/.train: pyproject.toml scripts/setup.sh
	scripts/setup.sh train
	touch .venv/.base .venv/.dev $@
