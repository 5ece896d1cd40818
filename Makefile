# Two commands are enough: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
# Threads that sleep instead of spinning: five times faster where cores are shared.
export OMP_WAIT_POLICY = PASSIVE
export KMP_BLOCKTIME = 0

.PHONY: setup demo app test check bench screenshots clean

setup: .venv/.installed ## make .venv and install what the project needs

.venv/.installed: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.11 ...")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

demo: setup ## build the demo run and open the app on it
	$(BIN)/python -m g2is demo
	$(BIN)/streamlit run app.py

app: setup ## open the app on the runs under cache/
	$(BIN)/streamlit run app.py

test: setup ## all tests
	$(BIN)/python -m pytest

check: setup ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## speed of gradients, walk, graph, map and pages, as tables and as JSON under bench/ (pages need chromium)
	$(BIN)/python -m benchmarks.gradients
	$(BIN)/python -m benchmarks.walk
	$(BIN)/python -m benchmarks.graph
	$(BIN)/python -m benchmarks.map
	$(BIN)/python -m benchmarks.neighbourhood
	$(BIN)/python -m benchmarks.large

screenshots: setup ## pictures of every page, light and dark, from the demo run (needs chromium)
	$(BIN)/python -m g2is demo
	$(BIN)/python -m g2is walk demo --fraction 0.02
	$(BIN)/python -m g2is walk demo --preset official --fraction 0.02
	for method in random round_robin less; do $(BIN)/python -m g2is select demo --method $$method --fraction 0.02; done
	$(BIN)/python -m scripts.screenshots --cache cache

clean: ## remove what setup and tests made; runs stay
	rm -rf .venv bench .pytest_cache .ruff_cache .mypy_cache
