# Everything a person or a CI job does with this repository. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first interpreter that really is a CPython 3.11 or 3.12 (a name on PATH may be a broken shim).
SUPPORTED := import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 12)))
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python; do \
	$$p -c '$(SUPPORTED)' >/dev/null 2>&1 && { command -v $$p; break; }; done)

PACKAGES := connectors-sdk shared/testbed
CONNECTOR_DIRS := external-import internal-enrichment stream internal-import-file internal-export-file
SOURCES := $(PACKAGES) shared/tools benchmarks $(CONNECTOR_DIRS) templates conftest.py

# The demo's data set: a collection of ours, or any ATT&CK collection: make demo DATASET=<file or URL>
DATASET ?= external-import/mitre/demo/fictional-attack.json
DEMO_DATASET = $(if $(wildcard $(DATASET)),$(abspath $(DATASET)),$(DATASET))

# Make would pass these on to what it starts, where CONNECTOR would look like a connector's setting.
unexport CONNECTOR DATASET ARGS PYTHON BENCH VENV

.PHONY: help setup demo run test lint format bench docs constraints clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z_]+:.*## / {printf "  \033[1mmake %-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables:\n'
	@printf '  DATASET=<file or URL>  demo: import this ATT&CK collection instead of the one shipped\n'
	@printf '  CONNECTOR=<folder>     run, test: the connector, e.g. external-import/mitre\n'
	@printf '  ARGS="..."             run, test, bench: passed on\n'
	@printf '  PYTHON=<interpreter>   CPython 3.11 or 3.12 used to make %s\n' '$(VENV)'

setup: $(STAMP) ## Make the virtual environment from constraints.txt

$(STAMP): constraints.txt connectors-sdk/pyproject.toml shared/testbed/pyproject.toml
	@test -n "$(PYTHON)" || { echo "No CPython 3.11 or 3.12 found. Install one, or say where: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install -q --require-hashes -r constraints.txt 2>$(VENV)/pip.log || { cat $(VENV)/pip.log; exit 1; }
	@$(BIN)/python -m pip --disable-pip-version-check install -q --no-deps --no-build-isolation --no-index $(PACKAGES:%=-e %) 2>$(VENV)/pip.log || { cat $(VENV)/pip.log; exit 1; }
	@touch $@

demo: $(STAMP) ## Import threat intelligence into the embedded platform and look at it
	@mkdir -p build/demo
	@MITRE_ENTERPRISE_FILE_URL='$(DEMO_DATASET)' MITRE_MOBILE=false MITRE_ICS=false \
		$(BIN)/testbed run external-import/mitre --once --embedded --summary build/demo/summary.json $(ARGS)

run: $(STAMP) ## Run a connector: embedded platform, or the one of OPENCTI_URL and OPENCTI_TOKEN
	@test -n "$(CONNECTOR)" || { echo "Which connector? make run CONNECTOR=external-import/mitre"; exit 2; }
	@$(BIN)/testbed run $(CONNECTOR) $(ARGS)

test: $(STAMP) ## Run all tests, or those of one project: make test CONNECTOR=<folder>
	@$(BIN)/python shared/tools/ci/run_tests.py $(CONNECTOR) $(if $(ARGS),-- $(ARGS))

lint: $(STAMP) ## Check formatting, types and mistakes
	@$(BIN)/python shared/tools/ci/lint.py

format: $(STAMP) ## Format the code
	@$(BIN)/isort -q $(SOURCES)
	@$(BIN)/black -q $(SOURCES)

bench: $(STAMP) ## Run the benchmarks under benchmarks/
	@for bench in $(if $(BENCH),benchmarks/$(BENCH).py,benchmarks/*.py); do echo "== $$bench"; $(BIN)/python $$bench $(ARGS) || exit 1; done

docs: setup ## Write the reference of the SDK from its docstrings
	@$(BIN)/python shared/tools/docs/sdk_reference.py

constraints: ## Pin all dependencies anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links \
		$(PACKAGES:%=%/pyproject.toml) requirements-dev.in -o constraints.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links -c constraints.txt \
		connectors-sdk/pyproject.toml -o connectors-sdk/requirements.txt

clean: ## Remove what was built, the environment included
	@rm -rf build $(VENV) .mypy_cache .pytest_cache .hypothesis
