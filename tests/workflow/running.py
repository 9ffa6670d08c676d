"""Running the workflow as a user does: a process of its own, in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# the cache of checked inputs holds time stamps, the record of a run its command and time
NOT_A_RESULT = {"cohort/checked.json", "provenance.json", "ro-crate-metadata.json"}
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


def invocation(folder: Path, config: Path, *arguments: str) -> list[str]:
    """Return the call of snakemake, in a folder of its own, that every test makes."""
    return [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--directory",
        str(folder),
        *arguments,
        # last: it takes every word that follows
        "--configfile",
        str(config),
    ]


def command(folder: Path, config: Path, *arguments: str, cores: int = 2) -> list[str]:
    return invocation(folder, config, "--cores", str(cores), *arguments)


def run(
    folder: Path, config: Path, *arguments: str, cores: int = 2
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": "random"}
    return subprocess.run(
        command(folder, config, *arguments, cores=cores),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


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
