# Two commands on a fresh machine with Python >= 3.11, make and git: `make run` and `make test`.
PYTHON ?= python3
CORES ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 2)
BIN := .venv/bin

.PHONY: help run test test-full check lint format types docs clean

help: ## list the targets of make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: .venv/ready ## run the workflow on the default cohort; further options in ARGS="..."
	$(BIN)/snakemake --cores $(CORES) $(ARGS)

# One thread for each worker; tests that start the workflow let it use all cores.
test: check ## lint, format and type checks, then all tests except the slow ones
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest tests/workflow tests/unit tests/real \
		-m "not slow" --numprocesses=$(CORES) --dist=loadgroup --no-loadscope-reorder -rs $(ARGS)

# The default cohort, real cohorts, Slurm: one after the other, since each uses all cores. If real
# cohorts or Slurm are absent, their tests are skipped with a reason.
test-full: test ## the same plus the slow tests (takes hours)
	$(BIN)/python -m pytest tests -m slow -rs $(ARGS)

check: lint format types ## lint, format and type checks

lint: .venv/ready ## ruff check and snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/snakemake --lint
	$(BIN)/snakemake --lint --sdm conda --configfile config/reads_demo.yaml

format: .venv/ready ## check the formatting (ruff format, snakefmt)
	$(BIN)/ruff format --check .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/snakefmt --check Snakefile workflow

types: .venv/ready ## mypy
	$(BIN)/mypy

docs: .venv/ready ## docs/outputs.md from resources/outputs.tsv
	$(BIN)/python workflow/scripts/report_outputs.py

clean: ## remove the environment, logs and results
	rm -rf .venv .snakemake logs results/*/

# uv if available, pip otherwise; both check every file's hash. The stamp is written last, so
# that an interrupted installation is repeated.
.venv/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("error: $(PYTHON): Python 3.11 or newer is needed; name one with make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	rm -rf .venv
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --python $(PYTHON) .venv && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	touch $@
