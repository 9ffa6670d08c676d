"""What every rule has to say, so that a cluster can run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "workflow" / "rules"


def texts() -> dict[str, str]:
    """Return the text of every rule by its name."""
    found = {}
    for path in sorted(RULES.glob("*.smk")):
        parts = re.split(r"^[ ]*rule (\w+):\n", path.read_text("utf-8"), flags=re.MULTILINE)
        found.update(zip(parts[1::2], parts[2::2], strict=True))
    return found


COMPUTING = {name: text for name, text in texts().items() if "script:" in text}
SUBMITTED = {name: text for name, text in COMPUTING.items() if "localrule: True" not in text}


def test_the_rules_are_found():
    assert "integration_fit" in SUBMITTED
    assert "report_collect" in COMPUTING.keys() - SUBMITTED.keys()


@pytest.mark.parametrize("name", COMPUTING)
def test_a_rule_names_its_log_environment_and_threads(name):
    for directive in ("log:", "conda:", "threads:", "resources:"):
        assert directive in COMPUTING[name]


@pytest.mark.parametrize("name", SUBMITTED)
def test_memory_and_time_grow_with_every_attempt(name):
    for resource in ("mem_mb", "runtime"):
        assert re.search(rf"\b{resource}=growing\(\d+\)", SUBMITTED[name]), resource


@pytest.mark.parametrize("name", texts())
def test_a_rule_says_what_it_does(name):
    assert texts()[name].lstrip().startswith('"""')


@pytest.mark.parametrize("name", COMPUTING)
def test_a_rule_its_script_its_log_and_its_code_have_one_name(name):
    assert f'"../scripts/{name}.py"' in COMPUTING[name]
    assert re.search(rf'f?"logs/[^/]+/{name}\b', COMPUTING[name])
    # without outputs it is always run
    assert name == "check" or f'code=code_digest("{name}")' in COMPUTING[name]


def test_where_the_time_of_an_input_does_not_count_its_content_does():
    given = re.compile(r"\b(layer_file|features_file|profiled_list|GENE_SET_FILES)\b|\bgiven\(")
    readers = [name for name, text in COMPUTING.items() if given.search(text)]
    assert {"layers_table", "cohort_harmonise", "enrichment_gene_sets"} <= set(readers)
    assert all("content=" in COMPUTING[name] for name in readers)


def test_snakemakes_own_report_has_one_scheme_of_labels():
    whole = "".join(path.read_text("utf-8") for path in RULES.glob("*.smk"))
    kinds = re.findall(r'labels=labelled\([\w".:, -]+, "(\w+)"', whole)
    assert len(kinds) == whole.count("report(\n") > 50
    assert set(kinds) == {"figure", "page", "table"}
    categories = re.findall(r"category=(.+),", whole)
    others = {category for category in categories if not category.startswith('stage("')}
    assert others == {'"Audit"', '"Meta-analysis"', "stage(table.stage)"}
    tables = (RULES / "report_tables.smk").read_text("utf-8")
    assert set(re.findall(r'\{"(\w+)": \w+\}', tables)) == {"layer", "panel"}
