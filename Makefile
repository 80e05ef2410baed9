# Every target does the set-up that it needs: the first run downloads tools, later ones start immediately.
PYTHON ?= python3
# The branch that changes are made for.
BASE ?= main
# The environment's Node.js and CDK CLI before the system's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Those of another project: with them Python would import other code, or skip checks (as in ./vectora).
unexport PYTHONEXECUTABLE PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH
unexport PYTHONSTARTUP PYTHONUSERBASE VIRTUAL_ENV
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EMULATOR_READY := .venv-emulator/.ready
BENCH_READY := .venv-bench/.ready
AUDIT_READY := .venv-audit/.ready

# The longest first. At the same time, each with its output in one piece where make can do that (4.0 and later).
CHECKS := types configuration import-rules lint licences
TOGETHER := --no-print-directory --jobs=4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help setup rehearse review test test-fast check build $(CHECKS) audit vulnerabilities bill template-rules synth templates docs browser bench lock clean

help:
	@echo "make rehearse   run everything on this machine: deploy dev, stage and prod to a local AWS, make newsletters"
	@echo "make test       run the tests"
	@echo "make test-fast  run the tests that need no local AWS, in less than a minute"
	@echo "make review     say what your change does, in words, before it is merged (BASE=main)"
	@echo "make check      check lint, format, types, import rules, configuration, licences and templates"
	@echo "make bill       write the bill of materials (CycloneDX) to cdk.out"
	@echo "make vulnerabilities   look up known vulnerabilities of all locked packages"
	@echo "make templates  write the golden templates, JSON schemas and reference pages again, for review"
	@echo "make docs       build the documentation's site in build/site"
	@echo "make bench      measure the figures of docs/reference/limits.md"
	@echo "make setup      set up only; then: source $(BIN)/activate"
	@echo "make lock       resolve the locked requirements again"

setup: $(READY) $(EMULATOR_READY)

rehearse: setup
	@./vectora rehearse

# Statuses below 64 are findings, which the report names.
review: $(READY)
	@./vectora review --base $(BASE) || [ $$? -lt 64 ]

test: setup browser
	$(BIN)/python -m pytest

test-fast: $(READY)
	$(BIN)/python -m pytest --numprocesses=2 -m "not exhaustive" tests/unit tests/stacks tests/docs

check: $(READY) $(AUDIT_READY)
	@$(MAKE) $(TOGETHER) $(CHECKS) audit

# What the pipeline builds: the checks, the tests of the templates, and the assembly that it deploys, with its bill of materials and its audit.
build: $(READY)
	@$(MAKE) $(TOGETHER) template-rules synth vulnerabilities bill $(CHECKS)

lint: $(READY)
	@$(BIN)/python -m tools.checked lint -- sh -c "$(BIN)/ruff check . && $(BIN)/ruff format --check ."

types: $(READY)
	@$(BIN)/python -m tools.checked types -- $(BIN)/python -m tools.check_types

import-rules: $(READY)
	@$(BIN)/python -m tools.checked import-rules -- $(BIN)/lint-imports

configuration: $(READY)
	./vectora client validate --base $(BASE)

licences: $(READY)
	@$(BIN)/python -m tools.checked licences -- $(BIN)/python -m tools.supply_chain licences

vulnerabilities: $(READY)
	$(BIN)/python -m tools.supply_chain vulnerabilities

bill: $(READY)
	$(BIN)/python -m tools.supply_chain bill

audit: $(AUDIT_READY)
	$(BIN)/python -m tools.audit_templates

# The tests of the templates: rules of this project, cfn-lint, cdk-nag, and whether AWS knows every permission.
template-rules: $(READY)
	@$(BIN)/python -m tools.checked template-rules -- $(BIN)/python -m pytest --quiet -n0 -p no:cacheprovider \
		tests/stacks/test_template_rules.py tests/stacks/test_permissions_exist.py

synth: $(READY)
	@$(BIN)/python -m tools.synthesize

templates: $(READY)
	$(BIN)/python -m tools.write_templates
	$(BIN)/python -m tools.write_schemas
	$(BIN)/python -m tools.write_cli_reference
	$(BIN)/python -m tools.write_architecture

docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "Built: open build/site/index.html"

browser:
	@$(PYTHON) tools/setup.py browser

bench: setup $(BENCH_READY)
	$(BIN)/python -m benchmarks

lock: $(READY)
	$(BIN)/python -m tools.lock

clean:
	rm -rf .venv .venv-emulator .venv-bench .venv-audit node_modules build cdk.out

$(READY): requirements.txt requirements-dev.txt package-lock.json tools/cdk tools/node-for-jsii tools/setup.py
	@$(PYTHON) tools/setup.py environment $(VENV) requirements.txt requirements-dev.txt --cdk
	@touch $@

# After the first environment, whose uv installs these.
$(EMULATOR_READY): requirements-emulator.txt tools/setup.py | $(READY)
	@$(PYTHON) tools/setup.py environment .venv-emulator requirements-emulator.txt
	@touch $@

$(BENCH_READY): requirements-bench.txt tools/setup.py | $(READY)
	@$(PYTHON) tools/setup.py environment .venv-bench requirements-bench.txt
	@touch $@

$(AUDIT_READY): requirements-audit.txt tools/setup.py | $(READY)
	@$(PYTHON) tools/setup.py environment .venv-audit requirements-audit.txt
	@touch $@
