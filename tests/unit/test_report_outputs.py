"""Every file that a rule writes is described, and what is described is written."""

import re

import pandas as pd
import pytest
from test_rules import RULES

from trdomics.files import write_json
from trdomics.report.outputs import (
    COMMON,
    SUFFIXES,
    outputs_page,
    read_outputs,
    written_columns,
)
from trdomics.shipped import shipped

OUTPUTS = [output for output in read_outputs() if output.file != COMMON]
# written when snakemake ends, and beside a bundle
OF_NO_RULE = {"provenance.json", "export/ledger.json"}


def written_by_rules() -> set[str]:
    """Return the paths of tables and JSON files that stay, braces without their names."""
    text = "\n".join(path.read_text("utf-8") for path in RULES.glob("*.smk"))
    text = text.replace("{REFERENCES}", "results/{cohort}/reads/references")
    text = text.replace("{{", "{").replace("}}", "}").replace("{name}", "{cohort}")
    in_rules = r"\"results/\{cohort\}/([^\"]*)\""
    stay = set(re.findall(in_rules, text))
    stay -= set(re.findall(rf"temp\(\s*(?:multiext\()?{in_rules}", text))
    return {re.sub(r"\{\w+\}", "{}", path) for path in stay if path.endswith(SUFFIXES)}


def test_every_table_and_summary_of_a_rule_is_described():
    found = written_by_rules()
    assert len(found) > 100
    # an example of a path: any text in braces
    missing = [
        path
        for path in sorted(found)
        if not any(output.fits(path.replace("{}", "x")) for output in OUTPUTS)
        # written by one of several rules, each under its own name
        and path != "{}/features.tsv"
    ]
    assert missing == []


def test_no_described_file_is_one_that_no_rule_writes():
    found = written_by_rules() | OF_NO_RULE
    described = {output.file: re.sub(r"\{\w+\}", "{}", output.file) for output in OUTPUTS}
    assert [file for file, plain in described.items() if plain not in found] == []


def test_descriptions_are_whole_and_not_doubled():
    assert len({output.file for output in OUTPUTS}) == len(OUTPUTS)
    for output in OUTPUTS:
        names = [column.name for column in output.columns]
        assert len(set(names)) == len(names), output.file
        assert output.meaning, output.file
        assert all(column.unit and column.meaning for column in output.columns), output.file


def test_the_page_is_up_to_date():
    assert shipped("docs/outputs.md").read_text("utf-8") == outputs_page(read_outputs()), (
        "call `make docs`"
    )


@pytest.mark.parametrize(
    ("file", "names", "expected"),
    [
        ("differential/rna/adjustment.tsv", ["feature", "effect_cells", "other"], ["other"]),
        ("integration/weights/rna.tsv", ["feature", "Factor12", "Factor"], ["Factor"]),
        ("cohort/sex.tsv", ["score", "score_reason"], ["score_reason"]),
        ("cohort/summary.json", ["n_sites", "n_sites_reason", "other"], ["other"]),
    ],
)
def test_a_column_without_a_description_is_found(file, names, expected):
    (output,) = [output for output in OUTPUTS if output.fits(file)]
    assert output.undocumented(names) == expected


def test_columns_are_read_from_tables_matrices_and_json(tmp_path):
    table = pd.DataFrame({"a": [1], "b": [2]})
    table.to_csv(tmp_path / "t.tsv.gz", sep="\t", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    write_json([{"a": 1}, {"b": 2}], tmp_path / "t.json")
    for name in ("t.tsv.gz", "t.parquet", "t.json"):
        assert written_columns(tmp_path / name) == ["a", "b"]
