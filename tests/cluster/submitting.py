"""Running the workflow through Slurm as docs/cluster.md says, at a pace that suits a test."""

from __future__ import annotations

import sys
from pathlib import Path

from running import REPOSITORY

# two cores: two jobs side by side; what the cluster's size and slowness ask for is overridden
PACE = ("--jobs", "2", "--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "15")


def command(folder: Path, config: Path, profile: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--directory",
        str(folder),
        "--workflow-profile",
        str(profile),
        *PACE,
        *arguments,
        "--configfile",
        str(config),
    ]
