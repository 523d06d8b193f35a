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
TOOLS := $(BIN)/python shared/tools
# uv is installed with everything else; before that, a lock can be made with one from elsewhere.
UV = $(or $(wildcard $(BIN)/uv),uv)
# For tools that need the standard library only: no set-up.
QUICK = $(or $(wildcard $(BIN)/python),$(PYTHON)) shared/tools
SOURCES := $(PACKAGES) shared/tools shared/pylint_plugins benchmarks $(CONNECTOR_DIRS) templates conftest.py

# The demo's data set: a collection of ours, or any ATT&CK collection: make demo DATASET=<file or URL>
DATASET ?= external-import/mitre/demo/fictional-attack.json
DEMO_DATASET = $(if $(wildcard $(DATASET)),$(abspath $(DATASET)),$(DATASET))

# Where a value comes from outside (a tag, a branch), recipes read it as "$$NAME": neither make nor the shell looks into it.
# Make would pass these on to what it starts, where CONNECTOR would look like a connector's setting.
unexport CONNECTOR DATASET ARGS PYTHON BENCH VENV CHANGED CHECK EMBED \
	ALL MODE REGISTRY LATEST

# The tests start a thousand interpreters: none is to compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo run test lint format connector_config_schema connectors_config_schemas \
	connector_manifest connectors_manifests global_manifest bench docs links drift plan verdict image \
	release release_tag lint_workflows pull_request_labels labels propose constraints clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z_]+:.*## / {printf "  \033[1mmake %-26s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables:\n'
	@printf '  DATASET=<file or URL>  demo: import this ATT&CK collection instead of the one shipped\n'
	@printf '  CONNECTOR=<folder>     run, test, lint: the connector, e.g. external-import/mitre\n'
	@printf '  CHANGED=1              test, lint, ..._schemas, ..._manifests: only what your changes touch\n'
	@printf '  CHECK=1                ..._schema(s), ..._manifest(s), docs: write nothing, show what differs\n'
	@printf '  ARGS="..."             run, test, bench, lint (rules of connectors): passed on\n'
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
	@$(TOOLS) test $(CONNECTOR) $(if $(CHANGED),--changed) $(if $(ARGS),-- $(ARGS))

lint: $(STAMP) ## Check formatting, types and mistakes
	@$(TOOLS) lint $(CONNECTOR) $(if $(CHANGED),--changed) $(if $(ARGS),-- $(ARGS))

format: $(STAMP) ## Format the code
	@$(BIN)/isort -q $(SOURCES)
	@$(BIN)/black -q $(SOURCES)

connector_config_schema: $(STAMP) ## Write the six places that describe a connector's settings
	@$(TOOLS) schemas $(CONNECTOR) $(if $(CHECK),--check) $(ARGS)

connectors_config_schemas: $(STAMP) ## The same for all connectors, or with CHANGED=1 for those touched
	@$(TOOLS) schemas $(if $(CHANGED),--changed,--all) $(if $(CHECK),--check) $(ARGS)

connector_manifest: $(STAMP) ## Write and check a connector's manifest
	@$(TOOLS) manifests $(CONNECTOR) $(if $(CHECK),--check) $(ARGS)

connectors_manifests: $(STAMP) ## The same for all connectors, or with CHANGED=1 for those touched
	@$(TOOLS) manifests $(if $(CHANGED),--changed,--all) $(if $(CHECK),--check) $(ARGS)

global_manifest: $(STAMP) ## Write manifest.json and the tables of connectors; EMBED=1: build/manifest.json for the platform
	@$(TOOLS) catalogue $(if $(EMBED),--embed) $(if $(CHECK),--check) $(ARGS)

bench: $(STAMP) ## Run the benchmarks under benchmarks/
	@for bench in $(if $(BENCH),benchmarks/$(BENCH).py,benchmarks/*.py); do echo "== $$bench"; $(BIN)/python $$bench $(ARGS) || exit 1; done

docs: $(STAMP) ## Write the reference of the SDK from its docstrings, and the page of the checks
	@$(BIN)/python shared/tools/docs/sdk_reference.py $(if $(CHECK),--check)
	@$(BIN)/python shared/tools/connector_linter/lint_connectors.py docs -o docs/checks/README.md $(if $(CHECK),--check)

links: ## Check that links between pages lead somewhere
	@$(QUICK) links

drift: $(STAMP) ## Check that everything that is generated from connectors is as it should be
	@$(TOOLS) schemas --all --check
	@$(TOOLS) schemas --check $(dir $(wildcard templates/*/Dockerfile))
	@$(TOOLS) manifests --all --check
	@$(TOOLS) catalogue --check

plan: ## For CI: what a change touches, as matrices (BASE=<commit>, ALL=1)
	@$(QUICK) plan --base "$$BASE" $(if $(ALL),--all) $(ARGS)

verdict: ## For CI: one verdict on the jobs in NEEDS
	@$(QUICK) verdict

image: ## Build and try a connector's image; with MODE= and REGISTRY= publish it (VERSION=, LATEST=true)
	@$(QUICK) image $(CONNECTOR) $(if $(MODE),--mode $(MODE)) $${VERSION:+--version "$$VERSION"} \
		$(if $(filter true,$(LATEST)),--latest) $(REGISTRY:%=--registry %) $(ARGS)

release: $(STAMP) ## Write what belongs to a connector's release: TAG=<connector>/<version>
	@$(TOOLS) release prepare "$$TAG" $(ARGS)

release_tag: $(STAMP) ## Print the tag of a connector's next release
	@$(TOOLS) release next $(CONNECTOR)

lint_workflows: $(STAMP) ## Check the workflows under .github
	@$(TOOLS) workflows

pull_request_labels: $(STAMP) ## For CI: the labels of a change (BASE=<commit>)
	@echo "labels=$$($(TOOLS) labels of --base "$$BASE")"

labels: $(STAMP) ## Make GitHub's labels those of .github/labels.yml (needs gh)
	@$(TOOLS) labels sync

propose: $(STAMP) ## Propose changed files as a pull request: BRANCH=, TITLE= (needs gh)
	@$(TOOLS) propose --branch "$$BRANCH" --title "$$TITLE"

constraints: ## Pin all dependencies anew, for everything and for each image
	@$(UV) pip compile -q --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links \
		$(PACKAGES:%=%/pyproject.toml) requirements-dev.in -o constraints.txt
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links -c constraints.txt \
		connectors-sdk/pyproject.toml -o connectors-sdk/requirements.txt
	@for lock in $(wildcard $(CONNECTOR_DIRS:%=%/*/requirements.txt)); do \
		grep -v '^connectors-sdk' "$${lock%/*}/src/requirements.txt" | $(UV) pip compile -q --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links -c constraints.txt \
		connectors-sdk/pyproject.toml - -o "$$lock" || exit 1; done

clean: ## Remove what was built, the environment included
	@rm -rf build $(VENV) .mypy_cache .pytest_cache .hypothesis
