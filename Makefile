# The two commands that a newcomer needs are `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
CONFIG ?= taxi
# Benchmarks to run with `make bench`.
BENCH ?= stock_tfx read_verbs nas

.PHONY: setup run test lint lock bench clean

setup: $(VENV)/.installed

run: setup
	$(BIN)/python local_runner.py run --config $(CONFIG)

test: setup
	$(BIN)/python -m pytest -n $$(nproc) --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# uv itself comes from the lock, with its hash; it then installs the rest of it.
$(VENV)/.installed: requirements.lock setup.py
	@$(PYTHON) pipeline/preflight.py
	$(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.txt
	$(UV) pip install --python $(BIN)/python --no-deps --require-hashes --compile-bytecode \
		-r requirements.lock || { echo "A pinned package could not be installed: the line above \
	names it. If it says that no wheel matches, this platform has none; run: $(PYTHON) \
	pipeline/preflight.py" >&2; exit 1; }
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Resolve requirements.in anew. The result names no index, so that it installs from any.
lock: setup
	$(UV) pip compile --quiet --python-version 3.11 --generate-hashes \
		--no-header --override requirements.overrides --output-file requirements.lock \
		requirements.in

bench: setup
	@for name in $(BENCH); do $(BIN)/python -m benchmarks.$$name || exit 1; done

clean:
	rm -rf $(VENV) runs
