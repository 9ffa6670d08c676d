"""Through Slurm the results are a local run's, whatever happens to nodes, jobs and snakemake."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import toy_slurm
from running import REPOSITORY, results_of
from submitting import command
from toy_slurm import ENDED, Job, ToySlurm, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

INCIDENTS = Path(__file__).parent / "incidents"
# over the 1,000 MB that the rule asks for first, under the 2,000 MB that it asks for next
BALLAST_MB = 1200


@pytest.fixture(scope="session", autouse=True)
def slurm_can_start():
    """Skip, before a local run is made that there would be nothing to compare with."""
    reason = toy_slurm.why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def slurm():
    with toy_slurm.running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Return the folder of the user's profile: two lines without their `#`."""
    text = (REPOSITORY / "profiles" / "slurm" / "config.yaml").read_text("utf-8")
    for shipped, filled in (
        ('#slurm_partition: "compute"', f'slurm_partition: "{toy_slurm.PARTITION}"'),
        ('#slurm_account: "my_group"', 'slurm_account: "root"'),
    ):
        assert text.count(shipped) == 1
        text = text.replace(shipped, filled)
    folder = tmp_path_factory.mktemp("profile")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_default_cohort_gives_the_results_of_a_local_run(
    slurm, profile, default_results, tmp_path
):
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    config = tmp_path / "config" / "config.yaml"
    # one job more than cores, so that none is idle until snakemake sees that a job has ended
    started = command(tmp_path, config, profile, jobs=3)
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert results_of(tmp_path / "results" / "simulated") == results_of(default_results)


class Incidents:
    """Orders to the scripts of rules on the cluster (incidents/sitecustomize.py obeys them)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def environment(self) -> dict[str, str]:
        """Return the caller's environment, with more threads than any rule has."""
        return {
            **os.environ,
            "PYTHONPATH": str(INCIDENTS),
            "TRD_INCIDENTS": str(self.folder),
            "OMP_NUM_THREADS": "2",
            "OPENBLAS_NUM_THREADS": "2",
        }

    def grow(self, script: str, megabytes: int) -> None:
        (self.folder / f"{script}.megabytes").write_text(str(megabytes))

    def hang(self, script: str) -> None:
        (self.folder / f"{script}.hang").touch()

    def hanging(self, script: str) -> str:
        """Wait for a script to hang; return its Slurm job."""
        job = self.folder / f"{script}.job"
        return str(wait_for(f"{script} to start", lambda: job.exists() and job.read_text(), 900))

    def release(self, script: str) -> None:
        (self.folder / f"{script}.held").unlink()


@pytest.fixture
def incidents(tmp_path) -> Incidents:
    return Incidents(tmp_path / "incidents")


def find(slurm: ToySlurm, identity: str) -> Job:
    return next(job for job in slurm.jobs() if job.id == identity)


def write_half(path: Path) -> None:
    """Leave what a job leaves that dies while it writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a fi")


def wait_for_state(slurm: ToySlurm, identity: str, state: str) -> None:
    wait_for(f"{identity} to be {state}", lambda: find(slurm, identity).state == state, 180)


def attempts(slurm: ToySlurm, earlier: set[str], work: str) -> list[Job]:
    """Return the jobs that did a rule's or group's work, oldest first."""
    jobs = [job for job in slurm.jobs() if job.id not in earlier and job.comment.startswith(work)]
    return sorted(jobs, key=lambda job: int(job.id))


def test_a_lost_node_cancelled_and_too_large_jobs_and_a_killed_snakemake_change_no_result(
    slurm, profile, incidents, ran, lay_out_nasty, tmp_path
):
    cohort = lay_out_nasty(tmp_path / "small")
    # a job for each node, so that a lost node takes no other job with it
    started = command(cohort.folder, cohort.config, profile, "all", "export", jobs=2)
    environment = incidents.environment()
    earlier = {job.id for job in slurm.jobs()}
    incidents.grow("confounding_table", BALLAST_MB)
    for script in ("cohort_harmonise", "classification_fit_split", "integration_fit"):
        incidents.hang(script)

    log = tmp_path / "snakemake.log"
    with log.open("w") as stream:
        snakemake = subprocess.Popen(
            started, stdout=stream, stderr=stream, env=environment, start_new_session=True
        )
    try:
        cancelled = find(slurm, incidents.hanging("cohort_harmonise"))
        write_half(cohort.results / "cohort" / "patients.tsv")
        slurm.cancel(cancelled.id)
        wait_for_state(slurm, cancelled.id, "CANCELLED")
        incidents.release("cohort_harmonise")

        lost = find(slurm, incidents.hanging("classification_fit_split"))
        split = lost.comment.rpartition("_")[2]
        write_half(cohort.results / "classification" / "splits" / split / "predictions.tsv")
        slurm.kill_node(lost.node)
        incidents.release("classification_fit_split")
        wait_for_state(slurm, lost.id, "NODE_FAIL")
        slurm.start_node(lost.node)
        wait_for(
            "the lost job to be sent again",
            lambda: len(attempts(slurm, earlier, lost.comment)) > 1,
            900,
        )

        left = find(slurm, incidents.hanging("integration_fit"))
        seed = left.comment.rpartition("_")[2]
        write_half(cohort.results / "integration" / "seeds" / f"{seed}.hdf5")
    finally:
        os.killpg(snakemake.pid, signal.SIGKILL)
        snakemake.wait()
    running = [job.id for job in slurm.jobs() if job.state not in ENDED]
    assert left.id in running, log.read_text()[-6000:]
    slurm.cancel(*running)
    wait_for("its jobs to end", lambda: all(job.state in ENDED for job in slurm.jobs()), 60)
    incidents.release("integration_fit")

    unlocked = subprocess.run([*started[:-2], "--unlock", *started[-2:]], check=False)
    assert unlocked.returncode == 0
    resumed = subprocess.run(started, capture_output=True, text=True, env=environment, check=False)
    assert resumed.returncode == 0, (resumed.stdout + resumed.stderr)[-6000:]

    for work, state in (
        # the group of harmonise, whose name says which of its rules were still to run
        ("rule_cohort_", "CANCELLED"),
        (lost.comment, "NODE_FAIL"),
        (left.comment, "CANCELLED"),
    ):
        first, *_, last = attempts(slurm, earlier, work)
        assert (first.state, last.state) == (state, "COMPLETED")
    first, *_, last = attempts(slurm, earlier, "rule_confounding_table")
    assert (first.state, first.megabytes) == ("FAILED", 1000)
    assert (last.state, last.megabytes) == ("COMPLETED", 2000)
    made, expected = results_of(cohort.results), results_of(ran.results)
    assert made == expected
