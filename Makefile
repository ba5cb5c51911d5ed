# Every target uses the environment in .venv, and makes it where it is missing.
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint types imports real-parts bench docs

$(BIN)/poolplan: pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(BIN)/poolplan
	$(BIN)/poolplan demo

test: $(BIN)/poolplan
	$(BIN)/pytest -q -n auto

lint: $(BIN)/poolplan
	$(BIN)/ruff check

types: $(BIN)/poolplan
	$(BIN)/mypy

imports: $(BIN)/poolplan
	$(BIN)/lint-imports

real-parts: $(BIN)/poolplan
	$(BIN)/python tests/real/parts.py

bench: $(BIN)/poolplan
	$(BIN)/python benchmarks/process.py
	$(BIN)/python benchmarks/scheduling.py --yardstick
	$(BIN)/python benchmarks/mixes.py
	$(BIN)/python benchmarks/paper.py
	$(BIN)/python benchmarks/cluster.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/evidence.py --demo
	$(BIN)/python benchmarks/apply_overhead.py
	$(BIN)/python benchmarks/growth.py

docs: $(BIN)/poolplan
	$(BIN)/python docs/generate.py
	$(BIN)/python charts/generate.py
