"""Progress of a run, with the remaining time, reported after every job."""

from __future__ import annotations

import contextlib
import logging
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path


class Progress(logging.Handler):
    """Follows Snakemake's log events and reports each finished job.

    The time left is the earlier duration of the remaining jobs, in this run or a previous one,
    divided by the number of jobs run in parallel so far.

    Parameters
    ----------
    benchmarks : Path
        Folder of the benchmarks of earlier runs of this cohort, ``<rule>.<…>.tsv``.
    say : callable
        Prints a line of text.
    """

    def __init__(self, benchmarks: Path, say: Callable[[str], object]) -> None:
        super().__init__(logging.INFO)
        self.say = say
        self.before = _earlier_durations(benchmarks)
        self.began = time.monotonic()
        self.jobs: dict[int, tuple[str, str]] = {}
        self.started: dict[int, float] = {}
        self.due: Counter[str] = Counter()
        self.took: dict[str, list[float]] = defaultdict(list)
        self.finished: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Record an event; after Snakemake's own progress line, add one."""
        event = str(getattr(record, "event", None))
        if event == "run_info":
            stats = dict(vars(record)["stats"])
            stats.pop("total", None)
            self.due = Counter(stats)
        elif event == "job_info":
            wildcards = vars(record).get("wildcards") or {}
            # the cohort is that of the run
            parts = [f"{key}={value}" for key, value in wildcards.items() if key != "cohort"]
            rule = vars(record)["rule_name"]
            self.jobs[vars(record)["jobid"]] = (rule, " ".join([rule, *parts]))
        elif event == "job_started":
            now = time.monotonic()
            self.started |= dict.fromkeys(vars(record)["jobs"], now)
        elif event == "job_finished":
            self._finish(vars(record)["job_id"])
        elif event == "progress" and self.finished:
            self.say(f"{'; '.join(self.finished)}. {self._left()}")
            self.finished.clear()

    def _finish(self, job: int) -> None:
        rule, name = self.jobs.get(job, ("", f"job {job}"))
        seconds = time.monotonic() - self.started.get(job, self.began)
        self.took[rule].append(seconds)
        self.due[rule] -= 1
        self.finished.append(f"{name} took {_span(seconds)}")

    def _left(self) -> str:
        """Return the estimated remaining time, from earlier durations of the rules."""
        due = {rule: count for rule, count in self.due.items() if count > 0}
        known = {rule: self.took.get(rule) or self.before.get(rule) for rule in due}
        work = sum(due[rule] * statistics.mean(times) for rule, times in known.items() if times)
        side_by_side = sum(map(sum, self.took.values())) / (time.monotonic() - self.began + 1e-9)
        left = _span(work / max(1.0, side_by_side))
        if not any(known.values()):
            return "All done" if not due else "How long the rest takes is not known yet"
        return f"{'About' if all(known.values()) else 'At least'} {left} left"


def _earlier_durations(benchmarks: Path) -> dict[str, list[float]]:
    """Return rule -> seconds of its jobs in earlier runs; unreadable files are skipped."""
    found: dict[str, list[float]] = defaultdict(list)
    for path in benchmarks.glob("*.tsv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > 1 and lines[0].startswith("s\t"):
            with contextlib.suppress(ValueError):
                found[path.name.partition(".")[0]].append(float(lines[1].partition("\t")[0]))
    return found


def _span(seconds: float) -> str:
    """Return a duration in words: ``40 s``, ``9 min``, ``2 h 5 min``."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
