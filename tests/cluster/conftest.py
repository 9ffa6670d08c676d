"""One Slurm for all tests, and the shipped profile filled in as docs/cluster.md says."""

from __future__ import annotations

import pytest
import toy_slurm
from running import REPOSITORY


@pytest.fixture(scope="session")
def slurm():
    reason = toy_slurm.why_not()
    if reason:
        pytest.skip(reason)
    with toy_slurm.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def profile(tmp_path_factory):
    """Return the folder of the user's profile: two lines have lost their `#`."""
    text = (REPOSITORY / "profiles" / "slurm" / "config.yaml").read_text("utf-8")
    for shipped, filled in (
        ('# slurm_partition: "compute"', f'slurm_partition: "{toy_slurm.PARTITION}"'),
        ('# slurm_account: "my_group"', 'slurm_account: "root"'),
    ):
        assert text.count(shipped) == 1
        text = text.replace(shipped, filled)
    folder = tmp_path_factory.mktemp("profile")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder
