import logging

import pytest

from trdomics import progress
from trdomics.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Return a list with the time, which stands until a test moves it."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def follow(clock, tmp_path):
    """Return a function that sends an event, and the lines that were said."""
    (tmp_path / "fit.r1f1.tsv").write_text("s\th:m:s\n240.0\t0:04:00\n")
    (tmp_path / "broken.tsv").write_text("s\th:m:s\nNA\t-\n")
    said = []
    handler = Progress(tmp_path, said.append)

    def send(event, **values):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
        vars(record).update(event=event, **values)
        handler.handle(record)

    return send, said


def test_a_finished_job_is_named_with_its_time_and_the_time_left(follow, clock):
    send, said = follow
    send("run_info", stats={"read": 1, "fit": 2, "total": 3})
    send("job_info", jobid=1, rule_name="read", wildcards={"layer": "mrna"})
    send("job_started", jobs=[1])
    clock[0] = 30.0
    send("job_finished", job_id=1)
    send("progress", done=1, total=3)
    # two fits of four minutes, as in the run before, one after the other as so far
    assert said == ["read layer=mrna took 30 s. About 8 min left"]


def test_time_left_counts_jobs_that_run_side_by_side_and_takes_this_runs_times(follow, clock):
    send, said = follow
    send("run_info", stats={"fit": 4, "total": 4})
    for job in (1, 2):
        send("job_info", jobid=job, rule_name="fit", wildcards=None)
    send("job_started", jobs=[1, 2])
    clock[0] = 600.0
    for job in (1, 2):
        send("job_finished", job_id=job)
        send("progress", done=job, total=4)
    assert said[-1] == "fit took 10 min. About 10 min left"


def test_a_rule_that_never_ran_makes_it_at_least(follow, clock):
    send, said = follow
    send("run_info", stats={"read": 2, "page": 1, "total": 3})
    send("job_info", jobid=1, rule_name="read", wildcards={})
    send("job_started", jobs=[1])
    clock[0] = 50.0
    send("job_finished", job_id=1)
    send("progress", done=1, total=3)
    assert said == ["read took 50 s. At least 50 s left"]


def test_other_messages_are_none_of_its_business(follow):
    send, said = follow
    send(None)
    send("progress", done=0, total=3)
    assert said == []
