# Every job of the project is one command. The first one on a fresh machine makes .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The tests start four times as many processes as a user does; BLAS threads beside our own only get in the way.
TEST_ENV := OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 HOMESPUN_PROGRESS=0
ifneq ($(wildcard ../shared/data),)
HOMESPUN_DATA ?= $(abspath ../shared/data)
export HOMESPUN_DATA
endif

.PHONY: demo test test-all test-oldest record lint types bench docs wheel clean kernels

demo: $(VENV)/.all kernels
	mkdir -p demo
	$(BIN)/python -m homespun.datasets used_cars --rows 5000 -o demo/cars.csv
	cd demo && ../$(BIN)/homespun fit cars.csv --target price
	head -n 6 demo/cars.csv > demo/fresh.csv
	cd demo && ../$(BIN)/homespun predict cars.homespun fresh.csv -o predictions.csv && cat predictions.csv

test: $(VENV)/.test kernels
	$(TEST_ENV) $(BIN)/python -m pytest -n 2 -m "not slow"
	$(TEST_ENV) NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -m "not slow" tests/test_oracles.py tests/kernels tests/neighbors

test-all: $(VENV)/.test $(VENV)/.peers .venv-oldest/.test kernels   # hours; one lane or piece: make test-all LANES=bounds/tree
	$(BIN)/python tests/long_form.py $(LANES)

test-oldest: $(VENV)/.test .venv-oldest/.test   # the lower bounds of pyproject.toml, as installed versions
	$(BIN)/python tests/long_form.py oldest

CLONE = rm -rf .clone && git clone -q . .clone && cd .clone
record: $(VENV)/.test   # date, minutes and counts of what a newcomer runs, on a clean clone, to docs/test_all.md
	$(BIN)/python tests/long_form.py --record "make test" sh -c '$(CLONE) && make test'
	$(BIN)/python tests/long_form.py --record "README: make demo, then its examples" sh -c \
		'$(CLONE) && make demo && make .venv/.test && .venv/bin/python -m pytest -q tests/docs/test_examples.py -k README'

kernels: $(VENV)/.all
	$(BIN)/python -m homespun.kernels.build

lint: $(VENV)/.lint
	$(BIN)/ruff check src tests benchmarks docs

types: $(VENV)/.lint
	$(BIN)/mypy

bench: $(VENV)/.test $(VENV)/.peers kernels
	$(BIN)/python -m benchmarks.run

docs: $(VENV)/.docs
	$(BIN)/python docs/make.py

wheel: $(VENV)/.all
	$(BIN)/python -m homespun.kernels.build --all
	$(BIN)/python -c "from homespun.kernels.build import remove_unused; remove_unused()"
	$(PIP) install build
	$(BIN)/python -m build --wheel --outdir dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.all: pyproject.toml | $(BIN)/python
	$(PIP) install -e ".[all]"
	touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.all
	$(PIP) install -e ".[all,test]"
	touch $@

.venv-oldest/.test: pyproject.toml tests/oldest.py
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) tests/oldest.py table test > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip --disable-pip-version-check --quiet install -e ".[table,test]" -c .venv-oldest/constraints.txt
	touch $@

$(VENV)/.peers: pyproject.toml | $(VENV)/.all
	$(PIP) install -e ".[all,peers]"
	touch $@

$(VENV)/.lint: pyproject.toml | $(VENV)/.all
	$(PIP) install -e ".[all,lint]"
	touch $@

$(VENV)/.docs: pyproject.toml | $(VENV)/.all
	$(PIP) install -e ".[all,docs]"
	touch $@

clean:
	rm -rf $(VENV) .venv-oldest build dist site demo .pytest_cache .mypy_cache .ruff_cache
