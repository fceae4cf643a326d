# `make help` lists the targets. PYTHON=python3.12 chooses the interpreter that .venv is made with.
PYTHON ?= $(shell command -v python3.11 || echo python3)
MNIST ?= ../shared/data/mnist

BIN := .venv/bin
STAMP := .venv/.setup-done
BENCHMARKS := $(sort $(wildcard benchmarks/[a-z]*.py))

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint browser docs bench digits viewer clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the tested versions (does nothing when it is up to date)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which: make setup PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

demo: setup ## everything on the shipped digits, into runs/demo (made anew)
	rm -rf runs/demo
	$(BIN)/unalter demo

# One torch thread a worker: two workers with all threads each slow one another down.
test: setup ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -q

lint: setup ## style, format, types, and that nothing imports from above
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/pyright

browser: ## install Chromium, which the tests of the pages drive, where it is not here (Debian, as root)
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "no Chromium here, and it cannot be installed: tests of the pages will be skipped"

docs: setup ## build the documentation into build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open build/docs/index.html"

bench: setup ## run every benchmark with its quick defaults
	@for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

digits: setup ## rebuild the shipped digits from MNIST's test files (MNIST=folder)
	$(BIN)/python scripts/make_digits.py --mnist $(MNIST)

viewer: ## rebuild the page of maps from viewer/ (needs Node and npm); says whether it changed
	cd viewer && npm ci --ignore-scripts --silent && npm run --silent build -- ../src/unalter/maps/viewer.html
	@git diff --quiet HEAD -- src/unalter/maps/viewer.html && echo "viewer.html is as committed" || \
		echo "viewer.html differs from the committed one"

clean: ## remove what was built; runs/ stays
	rm -rf .venv build dist viewer/node_modules .pytest_cache .ruff_cache
	find src tests scripts -name __pycache__ -prune -exec rm -rf {} +
