"""What changed is made again, and nothing else: dry runs over empty outputs compute nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from running import REPOSITORY

COPIED = ("Snakefile", "workflow", "config", "resources", "envs", "profiles")
LIBRARY = "workflow/scripts/trdomics"
SHEET = "config/samples.tsv"
FITS = {
    *("classification_fit_split", "classification_final_model", "classification_learning_curve"),
}
NULL = {"classification_null"}
# what reads the cohort's files and learns from all patients
COHORT = {
    *("cohort_harmonise", "layers_table", "layers_variants", "layers_qc"),
    *("integration_views", "integration_fit"),
}
REPORT = {"report_collect", "report_summary", "report_reporting", "report_tables"}
# what follows from the outcome of the cross-validation
EVALUATION = REPORT | {
    *("classification_performance", "classification_sites", "classification_figures"),
    *("classification_missing_layer_cost", "scoring_apply", "simulation_recovery"),
    *("classification_more_patients", "report_genes"),
    *("pharmacogenes_sensitivity", "pharmacogenes_page"),
}


class Clone:
    """A clone of this repository with every output of the default cohort as an empty file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def snakemake(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout + done.stderr

    def due(self) -> Counter[str]:
        """Return the rules that a dry run would run, with their numbers of jobs."""
        printed = self.snakemake("--dry-run", "--quiet", "rules").split("Reasons:")[0]
        # the table is printed before and after the jobs
        table = printed.rpartition("Job stats:")[2]
        found = re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)
        return Counter({name: int(n) for name, n in found if name not in ("total", "default")})

    @contextmanager
    def edited(self, file: str, change: Callable[[str], str]) -> Iterator[None]:
        """Change a file for a while; its time of change is another one ever after."""
        path = self.folder / file
        text = path.read_text("utf-8")
        changed = change(text)
        assert changed != text
        path.write_text(changed, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    folder = tmp_path_factory.mktemp("reruns") / "clone"
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    return made(Clone(folder))


def made(clone: Clone) -> Clone:
    """Return the clone with every output as an empty file."""
    lines = clone.snakemake("--summary").splitlines()
    outputs = [line.split("\t")[0] for line in lines if line.startswith("results/")]
    assert len(outputs) > 100
    for output in outputs:
        (clone.folder / output).parent.mkdir(parents=True, exist_ok=True)
        (clone.folder / output).touch()
    clone.snakemake("--touch", "--forceall", "--quiet")
    assert not clone.due()
    return clone


def due_after_setting(clone: Clone, key: str, value: object) -> Counter[str]:
    def change(text: str) -> str:
        config = yaml.safe_load(text)
        *groups, last = key.split("/")
        inside = config
        for group in groups:
            inside = inside[group]
        inside[last] = value
        if value is None:
            del inside[last]
        return yaml.safe_dump(config, sort_keys=False)

    with clone.edited("config/config.yaml", change):
        return clone.due()


def due_after_line(clone: Clone, file: str) -> Counter[str]:
    with clone.edited(file, lambda text: f"{text}# one more line\n"):
        return clone.due()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            f"{LIBRARY}/classification/feature_blocks.py",
            FITS | NULL | EVALUATION | {"confounding_table"},
        ),
        (
            f"{LIBRARY}/subtypes/selection.py",
            {"subtypes_find", "subtypes_figures", *REPORT},
        ),
        (
            f"{LIBRARY}/evaluation/site_figures.py",
            {"classification_figures", "report_summary"},
        ),
        ("workflow/scripts/subtypes_figures.py", {"subtypes_figures"}),
        ("workflow/report/summary.html.j2", {"report_summary"}),
        ("resources/haemolysis.tsv", {"identity_quality", "simulation_recovery", *REPORT}),
    ],
)
def test_code_and_shipped_files_rerun_what_reads_them(clone, file, expected):
    assert set(due_after_line(clone, file)) == expected


def test_fewer_repeats_fit_nothing_and_more_fit_the_new_ones(clone):
    fewer = due_after_setting(clone, "classification/repeats", 1)
    assert not FITS & set(fewer)
    # the permutations of the other repeats are now this one's
    assert fewer["classification_null"] == 1
    more = due_after_setting(clone, "classification/repeats", 6)
    assert more["classification_fit_split"] == 5
    assert not more["classification_final_model"]


def test_sites_that_are_no_longer_left_out_fit_nothing(clone):
    due = due_after_setting(clone, "classification/leave_one_site_out", False)
    assert not (FITS | NULL) & set(due)
    assert "classification_sites" in due


@pytest.mark.parametrize(
    ("key", "value"), [("permutations", 40), ("null_models", ["random_forest"])]
)
def test_permutations_are_run_by_themselves(clone, key, value):
    due = due_after_setting(clone, f"classification/{key}", value)
    assert due["classification_null"] == 5
    assert not FITS & set(due)
    assert set(due) <= NULL | EVALUATION


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("clinical/technical", ["rin", "site", "bmi"], {"integration_characterise"}),
        ("classification/bootstrap", 500, {"classification_performance", "confounding_table"}),
        ("differential/fdr", 0.1, {"differential_expression"}),
        ("scoring/threshold", 0.4, {"scoring_apply"}),
        ("target_prevalence", 0.2, {"classification_performance", "scoring_apply"}),
    ],
)
def test_what_no_model_reads_fits_none(clone, key, value, expected):
    due = due_after_setting(clone, key, value)
    assert expected <= set(due)
    assert not (FITS | NULL | COHORT) & set(due)


def test_another_seed_of_the_shown_factors_is_one_fit_of_them(clone):
    due = due_after_setting(clone, "integration/seeds", [1, 2, 3, 4])
    assert due["integration_fit"] == 1
    assert not (FITS | NULL) & set(due)


def test_symbols_rerun_what_prints_them_and_the_panels_that_are_looked_up_by_them(clone):
    due = due_after_setting(clone, "layers/mrna/features", None)
    assert {"layers_annotation", "differential_expression", "integration_weights"} <= set(due)
    assert FITS | {"panels_members"} <= set(due)
    assert not (COHORT - {"layers_qc"} | {"integration_choose", "subtypes_find"}) & set(due)


def test_a_filter_of_a_layer_fits_again_and_reads_nothing_again(clone):
    due = due_after_setting(clone, "layers/mrna/min_count", 20)
    assert due["layers_qc"] == 1
    assert due["classification_fit_split"] == 30
    assert not {"layers_table", "layers_variants", "cohort_harmonise"} & set(due)


def test_a_value_of_a_named_column_reruns_what_is_made_of_the_cohort(clone):
    with clone.edited(SHEET, lambda text: re.sub(r"\tfemale\t", "\tmale\t", text, count=1)):
        due = clone.due()
    # all that other tests say is not due can be: none of their names is a slip of the pen
    everything = FITS | NULL | EVALUATION | COHORT | {"integration_choose", "subtypes_find"}
    assert everything <= set(due)


def test_a_column_that_the_config_does_not_name_makes_nothing_due(clone):
    def more(text: str) -> str:
        header, *rows = text.splitlines()
        return "\n".join([f"{header}\tnote", *(f"{row}\tx" for row in rows)]) + "\n"

    with clone.edited(SHEET, more):
        assert not clone.due()


def test_times_of_scripts_and_sheet_make_nothing_due(clone):
    for path in (clone.folder / SHEET, *(clone.folder / "workflow").rglob("*.*")):
        os.utime(path)
    assert not clone.due()


def test_files_of_a_cohort_count_by_content_and_not_by_time(clone, tmp_path):
    mine = Clone(tmp_path / "mine")
    shutil.copytree(clone.folder, mine.folder, symlinks=True)
    layers = {}
    ids = [f"p{i:02}" for i in range(40)]
    for name, kind in (("rna", "counts"), ("protein", "continuous")):
        rows = [[f"{name}{i}", *(str(5 + i * j % 7) for j in range(40))] for i in range(9)]
        text = "\n".join("\t".join(row) for row in [["feature", *ids], *rows]) + "\n"
        (mine.folder / f"{name}.tsv").write_text(text, encoding="utf-8")
        layers[name] = {"type": kind, "file": f"{name}.tsv"}
    sheet = "".join(f"{name}\t{'yes' if i % 2 else 'no'}\n" for i, name in enumerate(ids))
    (mine.folder / "sheet.tsv").write_text(f"patient_id\tresponse\n{sheet}", encoding="utf-8")
    config = {
        "cohort": "mine",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "yes", "negative": "no"},
        "layers": layers,
    }
    (mine.folder / "config/config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    made(mine)

    rna = mine.folder / "rna.tsv"
    os.utime(rna)
    assert not mine.due()
    text = rna.read_text("utf-8")
    rna.write_text(text.replace("rna3\t", "rnaX\t"), encoding="utf-8")
    os.utime(rna, (1e9, 1e9))
    assert "layers_table" in mine.due()
    rna.write_text(text, encoding="utf-8")
    assert not mine.due()


def test_a_moved_or_copied_clone_has_nothing_to_do(clone, tmp_path):
    copied = Clone(tmp_path / "copy")
    shutil.copytree(clone.folder, copied.folder, symlinks=True)
    assert not copied.due()
    moved = Clone(copied.folder.rename(tmp_path / "moved"))
    assert not moved.due()
