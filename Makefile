# Two commands do everything: `make run` and `make test`. Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DATA ?= data
PORT ?= 8000
COMPILED := setup.py $(wildcard src/hegui/general/content/_kernel*.[ch])

.PHONY: run test venv check bench clean system soak

run: $(VENV)/.run
	$(BIN)/hegui serve --data $(DATA) --port $(PORT) --upstream demo

test: $(VENV)/.dev
	sh scripts/system-packages.sh
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/module-sizes.py
	$(BIN)/python scripts/docs.py --check

bench: $(VENV)/.dev
	$(BIN)/python tests/bench/gateway.py

soak: $(VENV)/.dev
	$(BIN)/python tests/bench/soak.py --minutes 5

venv: $(VENV)/.run

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hegui needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml $(COMPILED) | $(BIN)/python
	test -f $(VENV)/.dev || $(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml $(COMPILED) | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements-dev.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build src/hegui/general/content/_kernel.*.so
