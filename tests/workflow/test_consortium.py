"""A cohort whose names are commands, paths and tags: run, exported, and combined with another."""

from __future__ import annotations

import io
import json
import zipfile
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml
from browser import assert_accessible
from nasty import MARKER, NEGATIVE, POSITIVE, SITES
from running import REPOSITORY, run, undocumented

from trdomics.archive import pack
from trdomics.cohort.config import resolve_config
from trdomics.consortium.audit import audit
from trdomics.consortium.bundle import MANIFEST, read_bundle, table_bytes, with_manifest
from trdomics.files import read_json, read_table
from trdomics.frozen_model.read_missing_layer_cost import read_missing_layer_cost
from trdomics.frozen_model.store import load_model

CONSORTIUM = "workflow/consortium.smk"


def test_the_last_call_says_what_to_read(resumed):
    _, printed = resumed
    assert "Read results/nasty/summary.html" in printed
    assert "read first what is in it: results/nasty/export/manifest.json" in printed


def test_no_name_became_a_command_or_a_path(ran):
    folder, results = ran.folder, ran.results
    assert not list(folder.parent.parent.rglob(f"*{MARKER}"))
    assert {path.name for path in folder.parent.iterdir()} == {"run"}
    assert {path.name for path in folder.parent.parent.iterdir()} == {"deep"}
    written = [path for path in results.rglob("*") if any(c in path.name for c in "$<>;'\"` ")]
    assert written == []
    kept = read_table(results / "cohort" / "patients.tsv", dtype=str)
    assert set(kept["patient_id"]) == set(ran.sheet["patient_id"])
    assert set(kept["site"]) == set(SITES.values())


def test_no_name_became_a_tag(ran):
    page = (ran.results / "summary.html").read_text("utf-8")
    for name in [*SITES.values(), POSITIVE, NEGATIVE]:
        if "<" in name:
            assert name not in page
    assert "&lt;i&gt;resistant" in page
    assert "&lt;b&gt;Münster" in page


def test_snakemakes_own_report_holds_every_figure_and_no_name_became_a_tag(ran, tmp_path):
    path = tmp_path / "report.zip"
    made = run(ran.folder, ran.config, "--report", str(path))
    assert made.returncode == 0, made.stderr[-3000:]
    assert path.stat().st_size > 100_000
    with zipfile.ZipFile(path) as archive:
        report = archive.read("report/report.html").decode("utf-8")
    tags = Tags()
    tags.feed(report)
    # of what the names would be if they were taken for markup: nothing, in or after a script
    assert "script" in tags.seen
    assert not {"b", "i", "u"} & tags.seen
    assert "alert(1)" not in report
    assert "alert(2)" not in report


class Tags(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


def names_of(renamed: pd.DataFrame) -> set[str]:
    columns = ("patient_id", "mrna_id", "small_rna_id")
    return {str(name) for column in columns for name in renamed[column].dropna()}


def unpacked(content: bytes):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            inside = archive.read(name)
            yield name.encode()
            yield inside
            if inside[:2] == b"PK":
                yield from unpacked(inside)


def test_the_bundle_tells_of_no_patient_and_no_site(ran, tmp_path):
    results, renamed = ran.results, ran.sheet
    path = results / "export" / "nasty.zip"
    bundle = read_bundle(path)
    assert "model/model.safetensors" in bundle.checksums, bundle.manifest["left_out"]
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    _, description = load_model(tmp_path / "model")
    losses = read_missing_layer_cost(tmp_path / "model", description)
    assert losses["missing_layer_cost"][0]["auroc"] > 0
    whole = b"\n".join(unpacked(path.read_bytes()))
    for name in names_of(renamed) | set(SITES.values()):
        assert name.encode() not in whole
        assert json.dumps(name)[1:-1].encode() not in whole
    patients = read_table(results / "cohort" / "patients.tsv")
    lengths = {len(patients), *(int(patients[c].sum()) for c in patients if c.startswith("in_"))}
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert audit(members, names_of(renamed), lengths, 5) == []
    # the same search in what stays at home finds plenty
    at_home = {"predictions.json": json.dumps(patients["patient_id"].tolist()).encode()}
    assert audit(at_home, names_of(renamed), lengths, 5)
    tested = read_table(results / "differential" / "mrna" / "results.tsv")
    effects = bundle.tables["effects/mrna.tsv"].set_index("feature")
    expected = tested.set_index("feature")["log2_fold_change"].dropna()
    # rounded to less than half of a standard error
    assert ((effects["effect"] - expected).abs() <= 0.26 * effects["se"]).all()
    assert (effects["effect"] != expected.reindex(effects.index)).mean() > 0.9
    assert read_json(results / "export" / MANIFEST) == bundle.manifest


def another(path, cohort: str, **changes) -> bytes:
    """Return a bundle with the results of other patients, who showed half as much."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(members.pop(MANIFEST))
    del told["files"]
    bundle = read_bundle(path)
    for name, table in bundle.tables.items():
        if name.startswith("effects/"):
            rng = np.random.default_rng(0)
            error = table["se"] * rng.uniform(0.8, 1.3, len(table))
            effect = table["effect"] / 2 + error * rng.normal(size=len(table))
            members[name] = table_bytes(table.assign(effect=effect, se=error))
    return pack(with_manifest({**told, "cohort": cohort, **changes}, members))


def combine(folder, bundles):
    folder.mkdir(exist_ok=True)
    config = folder / "meta.yaml"
    settings = {"meta": {"name": "both", "bundles": [str(path) for path in bundles]}}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return run(folder, config, snakefile=CONSORTIUM)


def test_bundles_are_combined_and_the_page_is_harmless(ran, tmp_path):
    own = ran.results / "export" / "nasty.zip"
    other = tmp_path / "other bundle $(touch x).zip"
    other.write_bytes(another(own, "other"))
    done = combine(tmp_path / "meta", [own, other])
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    made = tmp_path / "meta" / "results" / "both"
    effects = read_table(made / "meta" / "effects.tsv")
    assert set(effects["layer"]) >= {"mrna", "small_rna"}
    assert (effects["k"] == 2).all()
    written = [f"meta/{path.name}" for path in (made / "meta").iterdir() if path.is_file()]
    assert undocumented(made, written) == []
    page = (made / "meta.html").read_text("utf-8")
    assert page.count("<script") == 2  # of the base template
    assert "<i>resistant" not in page
    assert "&lt;i&gt;resistant" in page
    assert_accessible(made / "meta.html", tmp_path)
    assert not list(tmp_path.rglob("x"))
    again = run(
        tmp_path / "meta", tmp_path / "meta" / "meta.yaml", "--dry-run", snakefile=CONSORTIUM
    )
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("twice", "of the cohort nasty"),
        ("groups", "contrast"),
        ("tampered", "damaged"),
        ("missing", "no such file"),
    ],
)
def test_bundles_that_cannot_be_combined_are_refused_before_any_job(ran, tmp_path, fault, word):
    own = ran.results / "export" / "nasty.zip"
    other = tmp_path / "other.zip"
    if fault == "twice":
        other.write_bytes(another(own, "nasty"))
    elif fault == "groups":
        changed = {"positive": NEGATIVE, "negative": POSITIVE}
        other.write_bytes(another(own, "other", contrast=changed))
    elif fault == "tampered":
        content = bytearray(another(own, "other"))
        content[len(content) // 3] ^= 1
        other.write_bytes(content)
    done = combine(tmp_path / "meta", [own, other])
    told = done.stdout + done.stderr
    assert done.returncode != 0
    lines = [line for line in told.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, told[-3000:]
    assert word in lines[0]
    assert "Traceback" not in told
    assert not (tmp_path / "meta" / "results").exists()


def test_the_example_of_a_meta_config_resolves():
    text = (REPOSITORY / "config" / "meta.yaml").read_text("utf-8")
    from trdomics.consortium.gather import resolve_meta

    assert resolve_meta(yaml.safe_load(text), "meta.yaml")["meta"]["name"] == "consortium"
    default = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text("utf-8"))
    assert resolve_config(default, "config.yaml")["export"]["minimum_count"] == 5
