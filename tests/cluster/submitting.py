"""Running the workflow through Slurm as docs/cluster.md says, at a pace that suits a test."""

from __future__ import annotations

from pathlib import Path

from running import invocation

# what the profile says for a cluster's size and slowness is overridden
PACE = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "15")


def command(folder: Path, config: Path, profile: Path, *targets: str, jobs: int) -> list[str]:
    own = ("--workflow-profile", str(profile), *PACE, "--jobs", str(jobs))
    return invocation(folder, config, *own, *targets)
