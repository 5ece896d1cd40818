# Two commands are enough: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
# Threads that sleep instead of spinning: five times faster where cores are shared.
export OMP_WAIT_POLICY = PASSIVE
export KMP_BLOCKTIME = 0

.PHONY: demo app test test-all check docs-check setup bench screenshots clean help

demo: .venv/.installed ## build the demo run and open the app on it
	$(BIN)/g2is demo
	$(BIN)/g2is app

app: .venv/.installed ## open the app on the runs under cache/
	$(BIN)/g2is app

# Half of a test of the app is waiting for a server or a browser: three processes for two cores, and who is done first takes over.
test: setup ## the tests, except the slow ones
	$(BIN)/python -m pytest -m "not slow" -n 3 --dist worksteal

test-all: test ## all tests: the slow ones after the others
	$(BIN)/python -m pytest -m slow -n 2

check: setup ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs-check: setup ## spelling, and every command of the documentation, in a temporary folder
	$(BIN)/codespell README.md CONTRIBUTING.md CHANGELOG.md docs g2is app.py pages scripts benchmarks tests
	$(BIN)/python -m scripts.check_docs

setup: .venv/.developing ## .venv with all that is needed to work on the project

# What running needs, and the command `g2is` for this checkout.
.venv/.installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.11 ...")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv/.developing: .venv/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

bench: setup ## speed of gradients (beside other programs where they are installed), walk, graph, map and pages, as tables and as JSON under bench/ (pages need chromium)
	$(BIN)/python -m benchmarks.gradients
	$(BIN)/python -m benchmarks.peers --memory
	$(BIN)/python -m benchmarks.walk
	$(BIN)/python -m benchmarks.graph
	$(BIN)/python -m benchmarks.map
	$(BIN)/python -m benchmarks.neighbourhood
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.large
	$(BIN)/python -m benchmarks.joining

screenshots: setup ## pictures of every page, light and dark, from the demo run (needs chromium)
	$(BIN)/g2is demo
	$(BIN)/python -m scripts.screenshots --cache cache

clean: ## remove what setup and tests made; runs stay
	rm -rf .venv bench .pytest_cache .ruff_cache .mypy_cache

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile
