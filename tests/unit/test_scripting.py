"""What scripts of rules share."""

import logging
import subprocess
import sys
from pathlib import Path

import trdomics
from trdomics.scripting import warnings_of


def test_warnings_of_a_block_are_collected():
    log = logging.getLogger("trdomics.inputs.maf")
    with warnings_of("trdomics") as found:
        log.warning("%d rows are no calls", 3)
        log.info("read")
    log.warning("later")
    assert found == ["3 rows are no calls"]


SCRIPT = """
import os, types
from trdomics.scripting import start
rule = {"rule": "some_rule", "wildcards": {"layer": "rna"}}
start(types.SimpleNamespace(threads=1, log=["job.log"], **rule))
os.write(2, b"a warning of a library in C\\n")
print("printed")
"""


def test_what_a_job_prints_or_a_library_warns_is_in_its_log(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(trdomics.__file__).parents[1])},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    lines = (tmp_path / "job.log").read_text().splitlines()
    assert "some_rule layer=rna on 1 thread(s)" in lines[0]
    assert lines[1:3] == ["a warning of a library in C", "printed"]
    assert "ended after" in lines[3]
