# Everything that one does with this repository, set up on demand on a Debian 12 machine.
#
# `make` alone lists the targets. Nothing is installed outside this directory but the Debian packages that are
# missing, and nothing is installed twice: each environment is as new as its lock file.

SITES ?= 2
TIMES ?= 1
# lite; full: MariaDB, RabbitMQ, memcached, HAProxy; data-plane: Open vSwitch and OVN. Empty: what the sandbox is, or
# lite.
PROFILE ?=
SANDBOX_DIR ?= .sandbox

UV_VERSION := 0.13.9
UV := .tools/uv-$(UV_VERSION)/bin/uv
UV_SYNC := $(UV) sync --frozen --compile-bytecode --quiet
export UV_PYTHON_DOWNLOADS := never

PRODUCT := .venv/.as-locked
SITES_ENVIRONMENT := sandbox/.venv/.as-locked
SANDBOX := sandbox/.venv/bin/sandbox --dir $(SANDBOX_DIR)
NEUTRON_28 := tests/neutron-28/.venv/.as-locked
TEMPEST := tests/tempest/.venv/.as-locked

# What `make unit` runs. The integration tests start a sandbox of their own in .sandbox-test.
TESTS ?= tests/unit tests/functional
PYTEST ?= .venv/bin/python -m pytest
BENCH ?= .venv/bin/python -m benchmarks
DOC_SOURCE := $(patsubst %/conf.py,%,$(firstword $(wildcard doc/source/conf.py doc/conf.py)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-status demo-down test unit integration integration-full integration-data-plane neutron-28 \
    integration-crowds tempest lint docs bench install clean python bench-packages servers

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- the demo --------------------------------------------------------------------------------------------------

demo: install $(if $(filter full data-plane,$(PROFILE)),servers) ## start OpenStack sites (SITES=2, PROFILE=full) and the top, and show what it does
	@$(SANDBOX) up --sites $(SITES) $(if $(PROFILE),--profile $(PROFILE))
	@$(SANDBOX) demo

demo-status: $(SITES_ENVIRONMENT) ## show the demo's processes
	@$(SANDBOX) status

demo-down: $(SITES_ENVIRONMENT) ## stop the demo; what is in it stays for the next `make demo`
	@$(SANDBOX) down

# -- checks ----------------------------------------------------------------------------------------------------

test: install servers lint sandbox-tests both integration-crowds ## everything that CI runs: lint, docs, all tests

# Side by side, in two rows of about the same length; what computes is beside what mostly waits for services.
.PHONY: both one-row other-row
both: install servers
	$(MAKE) --jobs=2 --output-sync=target one-row other-row

one-row:
	$(MAKE) --jobs=1 docs unit integration-full

other-row:
	$(MAKE) --jobs=1 integration integration-data-plane

unit: install ## run the tests that need no sandbox; TESTS=tests/unit chooses some
	$(PYTEST) $(TESTS)

integration: install ## run the tests that start OpenStack sites
	$(PYTEST) --maxfail=12 tests/contract tests/integration --ignore=tests/integration/dataplane --ignore=$(CROWDS)

integration-full: install servers ## run the integration tests that are marked for it on the full profile
	TRICIRCLE_SANDBOX_PROFILE=full $(PYTEST) -m full tests/integration --ignore=tests/integration/dataplane

CROWDS := tests/integration/test_network_crowds.py
integration-crowds: install ## run the integration tests that need the machine for themselves
	$(PYTEST) $(CROWDS)

integration-data-plane: install servers ## run the integration tests in which packets flow; they need root
	$(PYTEST) tests/integration/dataplane

.PHONY: sandbox-tests
sandbox-tests: $(SITES_ENVIRONMENT)
	cd sandbox && .venv/bin/python -m pytest --quiet

.PHONY: kill-tests
# Stops at the first round that goes wrong, and leaves its sandbox and all that its workers had and said.
kill-tests: install ## kill workers at each step of each job, TIMES=100 times in a row
	TRICIRCLE_KEEP_SANDBOX=1 TRICIRCLE_KILL_TIMES=$(TIMES) .venv/bin/python -m pytest -x tests/integration/kill
	sandbox/.venv/bin/sandbox --dir .sandbox-test down --delete

neutron-28: $(NEUTRON_28) ## run the tests of the Neutron plugin in Neutron 28
	tests/neutron-28/.venv/bin/python -m pytest tests/unit/network

tempest: install $(TEMPEST) ## run OpenStack's own tests of networks against the top; REGEX='test_ports test_qos' chooses some
	tests/tempest/.venv/bin/python tests/tempest/run.py $(REGEX)

lint: install ## check style, types and the layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	cd sandbox && .venv/bin/mypy

docs: $(PRODUCT) ## build the documentation; a warning is an error
ifneq ($(DOC_SOURCE),)
	.venv/bin/python -m sphinx -W --keep-going -q -b html $(DOC_SOURCE) build/html
	@echo "built build/html/index.html"
endif

bench: install bench-packages ## measure what the performance figures are measured with
	$(BENCH)

# -- what the targets need -------------------------------------------------------------------------------------

install: $(PRODUCT) $(SITES_ENVIRONMENT) ## install both environments: the product's, and the sites' OpenStack

$(PRODUCT): $(UV) uv.lock pyproject.toml
	@echo "installing the product's environment in .venv"
	@$(UV_SYNC) --all-extras
	@touch $@

$(SITES_ENVIRONMENT): $(UV) sandbox/uv.lock sandbox/pyproject.toml
	@echo "installing OpenStack in sandbox/.venv"
	@$(UV_SYNC) --project sandbox
	@touch $@

$(NEUTRON_28): $(UV) tests/neutron-28/uv.lock tests/neutron-28/pyproject.toml
	@echo "installing Neutron 28 in tests/neutron-28/.venv"
	@$(UV_SYNC) --project tests/neutron-28
	@touch $@

$(TEMPEST): $(UV) tests/tempest/uv.lock tests/tempest/pyproject.toml
	@echo "installing tempest in tests/tempest/.venv"
	@$(UV_SYNC) --project tests/tempest
	@touch $@

$(UV): | python
	@python3 -m venv $(dir $(patsubst %/,%,$(dir $@)))
	@$(dir $@)pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Debian packages, asked for only where what they bring is missing. All Python packages come as wheels: no compiler.
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
APT_INSTALL := $(ROOT) apt-get update -qq && $(ROOT) apt-get install -y -qq --no-install-recommends

python:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { $(APT_INSTALL) python3-venv; }

bench-packages:
	@{ command -v wrk && test -x /usr/sbin/nginx; } >/dev/null || { $(APT_INSTALL) wrk nginx-light; }

# What tells that a package is there, and the package.
SERVERS := /usr/sbin/mariadbd:mariadb-server /usr/sbin/rabbitmq-server:rabbitmq-server \
    /usr/bin/memcached:memcached /usr/sbin/haproxy:haproxy /usr/lib/postgresql/*/bin/initdb:postgresql \
    /usr/sbin/ovs-vswitchd:openvswitch-switch /usr/bin/ovn-northd:ovn-central /usr/bin/ovn-controller:ovn-host \
    /usr/sbin/ip:iproute2 /usr/sbin/ethtool:ethtool /usr/bin/ping:iputils-ping
is_there = $(wildcard $(firstword $(subst :, ,$(1))))
MISSING_SERVERS = $(strip $(foreach server,$(SERVERS),$(if $(call is_there,$(server)),,$(lastword $(subst :, ,$(server))))))

servers: ## install the servers that the other profiles and the tests start, as far as they are missing
	@test -z "$(MISSING_SERVERS)" || $(ROOT) sandbox/install-servers $(MISSING_SERVERS)

clean: ## stop the demo, and remove all that was built, started or installed here
	-@test ! -x sandbox/.venv/bin/sandbox || $(SANDBOX) down
	rm -rf .sandbox .sandbox-* build .tools .venv sandbox/.venv tests/*/.venv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis sandbox/.mypy_cache sandbox/.pytest_cache
