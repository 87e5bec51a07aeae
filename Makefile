# symnb: `make demo` shows it, `make lab` opens it, `make test` proves it.
# Every target sets up what it needs; see tools/setup.sh.

PYTHON ?=
bin := .venv/bin
as_root := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help setup test quick notebooks demo docs store lab bench format lint types clean

help:
	@echo 'make demo      run the quickstart, print its result, write build/quickstart.html'
	@echo 'make lab       open the notebooks in JupyterLab'
	@echo 'make test      run every test: what CI runs'
	@echo 'make quick     run the tests that are neither slow nor in a browser'
	@echo 'make notebooks compare the notebooks with their stored outputs'
	@echo 'make docs      write docs/optimizations.md: every rule and what was measured of it'
	@echo 'make store   run the notebooks and keep their outputs, which tests assert'
	@echo 'make bench     measure symnb beside its peers: ROWS= PEERS= THREADS= GROUPS='
	@echo 'make format    make the source look as it should; make lint, make types check it'
	@echo 'make clean     remove what the other targets made'

setup:
	@PYTHON='$(PYTHON)' tools/setup.sh

test: setup
	@$(bin)/python -m tools.tiers

quick: setup
	@$(bin)/python -m pytest -q -m 'not slow and not browser'

notebooks: setup
	@$(bin)/python -m tools.tiers notebooks

demo: setup
	@$(bin)/python -m tools.demo

docs: setup
	@$(bin)/python -m tools.optimizations

store: setup
	@$(bin)/python -m tools.store

lab: setup
	@$(bin)/jupyter lab $(as_root) notebooks

bench: setup
	@bench/setup
	@.peers/bin/python -m bench --write $(if $(ROWS),--rows '$(ROWS)') \
	  $(if $(PEERS),--peers '$(PEERS)') $(if $(THREADS),--threads '$(THREADS)') \
	  $(if $(GROUPS),--groups '$(GROUPS)') $(if $(ROUNDS),--rounds '$(ROUNDS)')

format: setup
	@$(bin)/ruff format . && $(bin)/ruff check --fix --quiet .

lint: setup
	@$(bin)/ruff format --check . && $(bin)/ruff check .

types: setup
	@$(bin)/python -m pip install -q -e '.[types]' && $(bin)/pyright

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
