# Two commands: `make run` starts the broker, `make test` runs everything that CI runs.
# Both make .venv themselves and need nothing but Python 3.11 or newer (and make).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config/kapokmq.yaml
HYPOTHESIS_PROFILE ?= ci
TESTS ?= tests

.PHONY: run test lint types floors unit bench clean

run: $(VENV)/run
	@mkdir -p log
	@exec $(BIN)/twistd -n --pidfile log/kapokmq.pid --logfile log/kapokmq.log kapokmq --config $(CONFIG)

test: lint types floors unit

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

floors: $(VENV)/test
	$(BIN)/lint-imports

unit: $(VENV)/test
	$(BIN)/coverage erase
	HYPOTHESIS_PROFILE=$(HYPOTHESIS_PROFILE) \
		$(BIN)/coverage run -m twisted.trial --rterrors --temp-directory=_trial_temp $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --include 'kapokmq/core/*' --fail-under 100
	$(BIN)/coverage report

bench: $(VENV)/test
	$(BIN)/python -m bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/run

clean:
	rm -rf $(VENV) _trial_temp* .coverage* .mypy_cache .ruff_cache .import_linter_cache
