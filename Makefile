# How to set up, test, check, document and show django-snapshots. `make help` lists it.
# Needs Python 3.11 or newer, make and a package index. Everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
PYTHONS ?=
ROUNDS ?= 10
# Tests run in a process for each processor; WORKERS= for one, with its output as it comes
WORKERS ?= -nauto --dist=worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test oldest mysql matrix lint types docs schemas bench soak wheel format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## Back up, destroy and restore an example project, and compare
	cd example && ../$(BIN)/python demo.py

test: $(VENV)/.group-test ## Run every test; ARGS="tests/storage -x" for some
	@$(BIN)/python -m tests.programs
	@$(BIN)/python -m tests.storage.azurite
	@$(BIN)/python -m tests.browser
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

oldest: $(VENV)-oldest/.group-oldest ## Test with the oldest supported pydantic, pydantic-settings and Django
	$(VENV)-oldest/bin/python -m pytest $(WORKERS) tests/conf tests/engine $(ARGS)

mysql: $(VENV)/.group-test ## Fetch a MySQL server beside the system and run the database tests against it
	$(BIN)/python -m tests.servers.mysql_programs
	@$(BIN)/python -m tests.programs
	$(BIN)/python -m pytest $(WORKERS) -m mysql tests/connectors/mysql $(ARGS)

matrix: $(VENV)/.python ## Test with the other Pythons found here, or with PYTHONS="python3.12 …", and the newest Django
	$(BIN)/python -m tools.matrix $(if $(PYTHONS),--pythons "$(PYTHONS)") $(WORKERS) $(ARGS)

lint: $(VENV)/.group-lint ## Check the code with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.group-lint ## Rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.group-types ## Check the types with mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(VENV)/.group-docs ## Build docs/_build/html, warnings are errors
	$(BIN)/sphinx-build -W --keep-going -n -E -q -b html docs docs/_build/html
	@echo "Built docs/_build/html/index.html"

schemas: $(VENV)/.group-test ## Write the files that are generated from the schema
	$(BIN)/python -m tools.schemas

bench: $(VENV)/.group-test ## Measure against the raw tools; ARGS="sqlite --quick" for some
	$(BIN)/python -m benchmarks $(if $(ARGS),$(ARGS),all)

soak: $(VENV)/.group-test ## Run the tests ROUNDS times at full size, in another order and with other random kills each time
	@$(BIN)/python -m tests.programs
	for round in $$(seq $(ROUNDS)); do SOAK=1 $(BIN)/python -m pytest -q -x $(ARGS) || exit 1; done

wheel: $(VENV)/.installed ## Build the wheel, install it elsewhere, back up and restore with it
	bash .ci/wheel $(BIN)/python

clean: ## Remove everything that make made
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-matrix build dist docs/_build example/var .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamps live inside .venv: gone with it, older than a changed pyproject.toml.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than 3.11. Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m tests.programs --venv
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.group-%: pyproject.toml $(VENV)/.installed
	$(PIP) install --quiet --group $*
	@touch $@

$(VENV)-oldest/.group-oldest: pyproject.toml $(VENV)/.python
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip --disable-pip-version-check install --quiet --upgrade 'pip>=25.1'
	$(VENV)-oldest/bin/python -m pip --disable-pip-version-check install --quiet --editable . --group oldest
	@touch $@
