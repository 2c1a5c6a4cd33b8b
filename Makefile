# make run    set everything up and serve the app with the demo project on 127.0.0.1:8050
# make test   set everything up and run all tests
# make check  style, types, import contracts, licences
# make bench  the benchmarks, as ratios against named peers
#
# TORCH_INDEX_URL chooses PyTorch's wheel index (its CPU or a CUDA one); without it, pip's default is used.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
HOST ?= 127.0.0.1
PORT ?= 8050
# processes that share the tests; those of one file stay together, as they share what it sets up
TEST_JOBS ?= 2

.PHONY: install run test check format bench screenshots clean

install: $(VENV)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --upgrade "pip>=24"
ifdef TORCH_INDEX_URL
	$(PIP) --constraint constraints.txt --index-url "$(TORCH_INDEX_URL)" torch
endif
	$(PIP) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) --constraint constraints.txt --editable ".[test,dev]"
	@touch $@

run: install
	$(BIN)/spatialmeta demo --host $(HOST) --port $(PORT)

test: $(VENV)/.tested
	@.ci/ensure-chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(TEST_JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/audit.py

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.tested
	$(PIP) --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks.main_job
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.reassign
	$(BIN)/python -m benchmarks.alignment
	$(BIN)/python -m benchmarks.alignment_uncertainty
	$(BIN)/python -m benchmarks.alignment_terms --seeds 4
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.integration --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.ablation --seeds 0 1
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.speed
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.explore
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.null

screenshots: $(VENV)/.tested
	@.ci/ensure-chromium
	$(BIN)/python docs/screenshots/make.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
