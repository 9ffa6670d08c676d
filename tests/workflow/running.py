"""Running the workflow as a user does: a process of its own, in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import yaml

from trdomics.report.outputs import COMMON, SUFFIXES, read_outputs, written_columns

REPOSITORY = Path(__file__).resolve().parents[2]
# set by `make test` for unit tests that run side by side
THREADS = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
# the record of a run holds its command and time, the ledger of exports times and a random key
NOT_A_RESULT = {
    "provenance.json",
    "ro-crate-metadata.json",
    "export/ledger.json",
    "export/.ledger.key",
}
# what is dearest and what could depend on where it runs, for runs that would take long as a whole
TELLING = (
    "cohort/confounding.tsv",
    "differential/mrna/results.tsv",
    "differential/mutations/results.tsv",
    "integration/model.hdf5",
    "classification/splits/r1f1/predictions.tsv",
    "classification/splits/s01/predictions.tsv",
    "classification/model/model.safetensors",
)
# Settings with which a small cohort runs to its page in a minute or two.
FAST = {
    "integration": {"factors": 2, "seeds": [1], "max_iterations": 5},
    "classification": {
        "models": ["elastic_net"],
        "learning_curve": 0,
        **{"repeats": 1, "folds": 2, "inner_folds": 2, "permutations": 0, "bootstrap": 100},
    },
}


def invocation(
    folder: Path, config: Path, *arguments: str, snakefile: str = "Snakefile"
) -> list[str]:
    """Return the call of snakemake, in a folder of its own, that every test makes."""
    return [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / snakefile),
        "--directory",
        str(folder),
        *arguments,
        # last: it takes every word that follows
        "--configfile",
        str(config),
    ]


def command(
    folder: Path, config: Path, *arguments: str, cores: int = 2, snakefile: str = "Snakefile"
) -> list[str]:
    return invocation(folder, config, "--cores", str(cores), *arguments, snakefile=snakefile)


def environment() -> dict[str, str]:
    """Return a user's environment: how many threads a job has is the workflow's business."""
    inherited = {key: value for key, value in os.environ.items() if key not in THREADS}
    return {**inherited, "PYTHONHASHSEED": "random"}


def run(
    folder: Path, config: Path, *arguments: str, cores: int = 2, snakefile: str = "Snakefile"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, config, *arguments, cores=cores, snakefile=snakefile),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def kill_in_the_midst(folder: Path, config: Path, reached: str, *arguments: str) -> None:
    """Start a run, and kill it and its jobs (SIGKILL) soon after a file has been made.

    Parameters
    ----------
    folder, config
        Of the cohort.
    reached
        The file, from the folder; a pattern stands for any file that fits.
    *arguments
        More for snakemake, such as a target.
    """
    process = subprocess.Popen(
        command(folder, config, *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 600
        while not any(folder.glob(reached)):
            assert process.poll() is None, f"ended before {reached} was made"
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # a moment later other jobs are in the midst of it
        time.sleep(2)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def write_config(folder: Path, config: dict) -> Path:
    path = folder / "cohort.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def checksums(results: Path) -> dict[str, str]:
    """Return the digest of every file of a run, by its path in the results."""
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file()
    }


def results_of(results: Path) -> dict[str, str]:
    """Return the digests that two runs on the same input have in common."""
    return {name: digest for name, digest in checksums(results).items() if name not in NOT_A_RESULT}


def undocumented(results: Path, written: Iterable[str]) -> list[str]:
    """Return the files, and the columns or keys of files, that docs/outputs.md does not describe.

    Parameters
    ----------
    results
        The cohort's folder.
    written
        Paths of files in it.
    """
    outputs = [output for output in read_outputs() if output.file != COMMON]
    found = []
    for name in written:
        if not name.endswith(SUFFIXES):
            continue
        own = [output for output in outputs if output.fits(name)]
        if not own:
            found.append(name)
        for output in own:
            columns = output.undocumented(written_columns(results / name))
            found += [f"{name}: {column}" for column in columns]
    return found
