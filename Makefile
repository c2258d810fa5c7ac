# make demo | test | lint | docs | bench: each sets up .venv by itself; nothing but Python 3.11 or newer is needed.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# With ,spark (500 MB, and Java 17) the tests of hcc.spark run; without it they are skipped with a message.
EXTRAS ?= dev,review
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint docs bench bench-full constraints clean

demo: $(READY)   ## a small invented population through every stage
	$(BIN)/hcc demo

test: $(READY)   ## every test, side by side where there are processors; JOBS=0: one after the other
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile

lint: $(READY)   ## style, types, and that imports run one way
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)   ## what the documents quote, made anew: commands with their output, SQL with its answer, pictures
	$(BIN)/hcc schema --markdown > docs/SCHEMA.md
	$(BIN)/python docs/build.py --pictures

bench: $(READY)  ## how fast, how much memory, how it grows; SIZE=small, medium or large
	$(BIN)/python -m benchmarks.run --size $(or $(SIZE),small)

bench-full: $(READY)  ## all sizes up to 10 million members, and the table in benchmarks/README.md (hours, 7 GB of disk)
	$(BIN)/python -m benchmarks.run --size full --write

$(READY): pyproject.toml constraints.txt hatch_build.py hcc/kernel/kernel.c
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer was found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@

constraints: $(READY)  ## pin what is installed now
	$(BIN)/python .ci/pin > constraints.txt.new && mv constraints.txt.new constraints.txt

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
