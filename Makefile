# Two commands: `make run` starts the broker, `make test` runs everything that CI runs.
# Both make .venv themselves and need nothing but Python 3.11 or newer (and make); the console's own tests need npm.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config/kapokmq.yaml
HYPOTHESIS_PROFILE ?= ci
export HYPOTHESIS_PROFILE
TRIAL := -m twisted.trial --rterrors
COVERED = $(BIN)/coverage run
# Tests that start real processes run four at once: mostly they wait.
# Those that say how late something may be at most run alone.
ALONE := tests.integration.test_delays
REAL := $(filter-out $(ALONE),$(subst /,.,$(basename $(wildcard tests/integration/test_*.py)))) \
	tests.cli tests.client tests.console tests.examples tests.test_readme
# Those of the ground floor, whose coverage is measured: that makes them half as fast, and the others need it not.
CORE := tests.core tests.serena.core
TESTS ?= $(filter-out $(CORE) tests.serena tests.integration tests.cli tests.client tests.console tests.examples tests.test_readme, \
	$(subst /,.,$(patsubst %/__init__.py,%,$(wildcard tests/*/__init__.py tests/serena/*/__init__.py)) $(basename $(wildcard tests/test_*.py))))

# Hundreds of processes are started: each would compile all anew where Python is told to write nothing down.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.PHONY: run cluster test checks lint types floors core unit coverage console console-tests real bench bench-peers bench-smoke clean

run: $(VENV)/run
	@mkdir -p log
	@exec $(BIN)/twistd -n --pidfile log/kapokmq.pid --logfile log/kapokmq.log kapokmq --config $(CONFIG)

# One registry and three brokers on loopback, for demos and tests: HTTP and gossip ports of each. Control-C ends them.
REGISTRY ?= 8031:8041
BROKERS ?= 8011:8021 8012:8022 8013:8023
CLUSTER ?= data/cluster

cluster: $(VENV)/run
	@mkdir -p $(CLUSTER); started=; trap 'kill $$started 2>/dev/null; wait' INT TERM; \
	registry=$(REGISTRY); \
	SERENA_SERVER_PORT=$${registry%:*} SERENA_REGISTRY_GOSSIPPORT=$${registry#*:} SERENA_LOG_DIRECTORY=$(CLUSTER)/log \
		$(BIN)/twistd -n --pidfile= --logfile=$(CLUSTER)/serena.log serena & started="$$started $$!"; \
	for broker in $(BROKERS); do \
		place=$(CLUSTER)/$${broker%:*}; mkdir -p $$place; \
		KAPOKMQ_CLUSTER_ISCLUSTER=1 KAPOKMQ_CLUSTER_REGISTRYGOSSIPPORT=$${registry#*:} \
		KAPOKMQ_SERVER_PORT=$${broker%:*} KAPOKMQ_CLUSTER_GOSSIPPORT=$${broker#*:} \
		KAPOKMQ_MQ_PERSISTENTFILE=$$place/kapokmq.db KAPOKMQ_LOG_DIRECTORY=$$place/log \
			$(BIN)/twistd -n --pidfile= --logfile=$$place/twistd.log kapokmq & started="$$started $$!"; \
	done; wait

test: checks core unit real bench-smoke

# What uses one core each goes two at once.
checks: $(VENV)/test
	@$(MAKE) --no-print-directory -k -j 2 --output-sync=target console types lint floors

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

floors: $(VENV)/test
	$(BIN)/lint-imports

core: $(VENV)/test
	$(BIN)/coverage erase
	$(COVERED) --source kapokmq.core,serena.core $(TRIAL) -j 2 --temp-directory=_trial_temp $(CORE)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under 100

unit: $(VENV)/test
	$(BIN)/python $(TRIAL) -j 2 --temp-directory=_trial_temp $(TESTS)

coverage: $(VENV)/test
	$(BIN)/coverage erase
	$(COVERED) --source kapokmq,serena $(TRIAL) -j 2 --temp-directory=_trial_temp $(CORE) $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# The console's own tests, and whether view/dist is what its sources make. Who has no npm goes without, but in CI.
console:
	@if command -v npm >/dev/null || test -n "$$CI"; then $(MAKE) --no-print-directory console-tests; \
	else echo "no npm here: the console's own tests are left out"; fi

console-tests: view/node_modules/.package-lock.json
	cd view && npm run --silent types
	cd view && npm test --silent
	cd view && npm run --silent build -- --outDir $(CURDIR)/_dist --emptyOutDir
	diff -r -q -x '*.gz' _dist view/dist
	@rm -rf _dist

view/node_modules/.package-lock.json: view/package-lock.json
	cd view && npm ci --no-audit --no-fund --silent
	@touch $@

real: $(VENV)/test
	$(BIN)/python $(TRIAL) -j 4 --temp-directory=_trial_temp_real $(REAL)
	$(BIN)/python $(TRIAL) --temp-directory=_trial_temp_real $(ALONE)

bench: $(VENV)/test
	$(BIN)/python -m bench $(BENCH)

bench-smoke: $(VENV)/test
	$(BIN)/python -m bench.smoke

PEERS := redis-server nats-server beanstalkd mosquitto rabbitmq-server
PEER_OPTIONS ?=

# Other brokers, from Debian: each runs for its measurement only. What apt would start and enable stays off.
bench-peers: $(VENV)/test
	@set -e; new=; sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
	for peer in $(PEERS); do \
		case "$$(dpkg-query -W -f '$${Status}' $$peer 2>/dev/null)" in *" installed") ;; *) new="$$new $$peer" ;; esac; \
	done; \
	if test -n "$$new"; then \
		policy=/usr/sbin/policy-rc.d; \
		if ! test -e $$policy; then \
			trap "$$sudo rm -f $$policy" EXIT; \
			printf '#!/bin/sh\nexit 101\n' | $$sudo tee $$policy >/dev/null; $$sudo chmod +x $$policy; \
		fi; \
		$$sudo apt-get update -qq; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$new; \
		if command -v systemctl >/dev/null; then for peer in $$new; do \
			$$sudo systemctl disable --quiet $$peer 2>/dev/null || true; \
			$$sudo systemctl stop $$peer 2>/dev/null || true; \
		done; fi; \
	fi
	$(BIN)/python -m bench.peers $(PEER_OPTIONS)

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
	rm -rf $(VENV) view/node_modules _dist _trial_temp* .coverage* .mypy_cache .ruff_cache .import_linter_cache
