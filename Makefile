# Two commands on a fresh machine with Python >= 3.11, make and git: `make run` and `make test`.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin

.PHONY: run test test-cluster check lint format types clean

run: .venv/ready
	$(BIN)/snakemake --cores $(CORES) $(ARGS)

# Unit tests side by side, one thread each; the others start workflows that use all cores themselves.
test: check
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest tests/unit --numprocesses=$(CORES) $(ARGS)
	$(BIN)/python -m pytest tests --ignore=tests/unit $(ARGS)

# Starts a Slurm of two nodes on this machine; skips, with a reason, where none can be started.
# A small cohort with everything going wrong (also part of `make test`), and the whole default
# cohort: half an hour.
test-cluster: .venv/ready
	TRDOMICS_WHOLE_ON_SLURM=yes $(BIN)/python -m pytest tests/cluster -rs $(ARGS)

check: .venv/ready lint format types

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/snakemake --lint

format: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow

types: .venv/ready
	$(BIN)/mypy

clean:
	rm -rf .venv .snakemake logs results/*/

# uv where it is there, pip otherwise; both check every file's hash. The stamp is written last, so
# that an interrupted install is done again.
.venv/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("error: $(PYTHON): Python 3.11 or newer is needed; name one with make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	rm -rf .venv
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --python $(PYTHON) .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	touch $@
