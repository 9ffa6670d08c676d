"""Setup of every rule's script: log, threads, and one-line errors."""

from __future__ import annotations

import atexit
import logging
import os
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from threadpoolctl import threadpool_limits

from trdomics.errors import InputError


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print errors that the user can fix in one line each; a traceback only for bugs."""
    if isinstance(error, InputError):
        print(*(f"error: {single}" for single in error.errors), sep="\n", file=sys.stderr)
    else:
        traceback.print_exception(kind, error, trace)
    sys.stderr.flush()


def _leave(began: float) -> None:
    """Log a job's time and memory; a log with a start but without this line is of a killed job."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took = time.time() - began
    logging.getLogger("job").info("ended after %.0f s, peak memory %.0f MB", took, peak)


def start(job: Any, blas_threads: int | None = None) -> None:
    """Send a job's output to its log and pin its linear algebra to the rule's threads.

    BLAS and OpenMP divide sums by thread, so unpinned pools would make results depend on the
    machine's cores. Call it before numpy is imported: libraries loaded later read the environment,
    those already loaded are limited in place.

    Parameters
    ----------
    job : snakemake.script.Snakemake
        The object that Snakemake injects into a script.
    blas_threads : int, optional
        Threads for linear algebra if different from the rule's, as for rules whose threads are
        worker processes, of which Snakemake gives fewer on fewer cores.
    """
    threads = job.threads if blas_threads is None else blas_threads
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if job.log:
        sys.stdout = sys.stderr = log = open(  # noqa: SIM115 (open for as long as the process lives)
            job.log[0], "w", encoding="utf-8", buffering=1
        )
        # libraries in C, such as the solver of differential equations, warn past Python
        os.dup2(log.fileno(), 2)
    sys.excepthook = _report
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(name)s: %(message)s",
        force=True,
    )
    threadpool_limits(limits=threads)
    named = " ".join(f"{name}={value}" for name, value in job.wildcards.items())
    logging.getLogger("job").info("%s %s on %d thread(s)", job.rule, named, job.threads)
    atexit.register(_leave, time.time())


@contextmanager
def warnings_of(name: str) -> Iterator[list[str]]:
    """Collect the warnings of a logger and its children, which are also logged."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler = Collector(logging.WARNING)
    logging.getLogger(name).addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger(name).removeHandler(handler)
