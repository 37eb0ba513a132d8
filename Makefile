# make run     the built-in sample, all stages, then the results
# make test    lint, types and tests (slow ones: make test-slow)
# make faults  kill, cut, damage, race and fill up the store, hundreds of times; FAULTS_SCALE=0.1 tries a tenth
# make gpu     on a machine with a GPU: its tests and benchmarks in nine minutes, no network; UTD_MHAD=DIR as below
# make bench   the benchmarks, into docs/benchmarks.md; UTD_MHAD=DIR for those on real data
# make paper   every table of both papers whose data are here, into docs/paper/; UTD_MHAD=DIR BERKELEY_MHAD=DIR SQUEEZENET=FILE
# make wheel   an sdist and a wheel of what is committed, into dist/
# make docs    the site of the documentation, into build/docs; make docs-links asks the network for every external link
# Each sets up .venv by itself. PYTHON chooses the interpreter (3.11 or newer).

PYTHON ?= python3
BIN := .venv/bin
NODE := tests/node/node_modules/.installed

.PHONY: run test test-slow faults lint gpu wheel bench paper docs docs-links equal-code lock clean

run: .venv/installed
	$(BIN)/pipeline run

test: lint $(NODE)
	$(BIN)/python -m compileall -q pipeline store trainers  # hundreds of processes import them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: .venv/installed $(NODE)
	$(BIN)/python -m pytest -m "slow and not faults"

# ends by itself: each test has its own limit, all together take about half an hour on two cores
faults: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m faults tests/faults

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# with what the machine has: nothing is installed; GPU='--only depth' runs a part
gpu:
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) benchmarks/gpu.py $(if $(UTD_MHAD),--root $(UTD_MHAD)) $(GPU)

# BENCH='--only encode training' runs some, '--device cuda' on a GPU
bench: .venv-bench/installed .venv-dvc/installed
	.venv-bench/bin/python benchmarks/all.py --dvc .venv-dvc/bin/dvc $(if $(UTD_MHAD),--root $(UTD_MHAD)) $(BENCH)

# PAPER='utd-mhad-dmft --store URL' makes one; each goes on where it was stopped
paper: .venv/installed
	$(BIN)/python experiments/paper.py $(if $(UTD_MHAD),--utd-mhad $(UTD_MHAD)) \
	    $(if $(BERKELEY_MHAD),--berkeley-mhad $(BERKELEY_MHAD)) $(if $(SQUEEZENET),--squeezenet $(SQUEEZENET)) $(PAPER)

# the program beside what it is measured against
.venv-bench/installed: .venv/installed
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-bench/bin/python --requirement requirements.lock \
	    datasets gilknocker h5py matplotlib onnxscript opencv-python-headless
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --no-deps --editable .
	touch $@

.venv-dvc/installed: .venv/installed
	test -x .venv-dvc/bin/python || $(PYTHON) -m venv .venv-dvc
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-dvc/bin/python 'dvc[s3]>=3.50'
	touch $@

.venv/installed: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("harvest needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

# without npm, or where it cannot install, the tests that need it are skipped and say so
$(NODE): tests/node/package.json
	if command -v npm > /dev/null; then \
	    npm install --prefix tests/node --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error && touch $@; \
	fi || echo "npm could not install what tests/node/package.json names: some tests will be skipped"

SPHINX := .venv-docs/bin/python -m sphinx --quiet --keep-going --fresh-env --write-all \
    --conf-dir docs --doctree-dir build/doctrees

docs: .venv-docs/installed
	$(SPHINX) --fail-on-warning . build/docs

docs-links: .venv-docs/installed
	$(SPHINX) --builder linkcheck . build/docs-links

# the program, whose docstrings are shown, and what makes the site
.venv-docs/installed: .venv/installed docs/requirements.txt
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-docs/bin/python --requirement requirements.lock \
	    --requirement docs/requirements.txt
	$(BIN)/uv pip install --quiet --python .venv-docs/bin/python --no-deps --editable .
	touch $@

# an sdist and a wheel of what is committed, into dist/
wheel: .venv/installed
	$(BIN)/python release/build.py

# a release's outputs stay cached: OLD=DIR is a checkout of the code that made them (docs/keys.md)
equal-code: .venv/installed
	$(BIN)/python -m tests.equal_code.make $(OLD)

lock: pyproject.toml
	test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url --no-annotate \
	    --no-header --output-file requirements.lock pyproject.toml
	# torch itself pins what its CUDA build needs; named here it would be installed beside the CPU build too
	sed -i -E '/^(nvidia-|cuda-|triton)/d' requirements.lock

clean:
	rm -rf .venv .venv-bench .venv-docs .venv-dvc build/docs build/docs-links build/doctrees .store .pytest_cache .mypy_cache .ruff_cache tests/node/node_modules
