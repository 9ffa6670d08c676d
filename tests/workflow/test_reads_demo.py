"""The demo of raw reads, from drawn FASTQ files to the prediction: what was planted is found."""

import shutil

import pytest
from running import REPOSITORY, run
from test_reads_raw import LOST

from trdomics.files import read_json


@pytest.mark.slow
@pytest.mark.skipif(bool(LOST), reason=f"not on the path: {', '.join(LOST)}")
def test_what_was_planted_in_the_reads_is_found_at_every_station(tmp_path):
    shutil.copytree(REPOSITORY / "config/reads_demo", tmp_path / "config/reads_demo")
    done = run(tmp_path, REPOSITORY / "config/reads_demo.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    results = tmp_path / "results/reads_demo"
    stations = read_json(results / "simulation/reads_recovery.json")
    assert {station["station"] for station in stations} == {
        *("gene counts", "globins", "genomic DNA in RNA", "small RNA"),
        *("variants", "consequences", "sample swap", "sex"),
    }
    assert [station for station in stations if not station["met"]] == []
    assert (results / "reads/multiqc.html").exists()
    summary = read_json(results / "summary.json")
    assert summary["simulated_reads"] == stations
    assert "reads/multiqc.html" in (results / "summary.html").read_text()
