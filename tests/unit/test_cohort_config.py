"""The config: defaults, and one readable line for each thing that can be wrong in it."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trdomics.cohort.config import (
    check_duplicate_keys,
    config_schema,
    named_columns,
    resolve_config,
    sheet_settings,
)
from trdomics.cohort.formula import design_columns
from trdomics.differential.design import required_columns
from trdomics.errors import InputError
from trdomics.reads.quality import SMALL_RNA

RAW = {
    "cohort": "mine",
    "samples": {"file": "samples.tsv", "site": "centre"},
    "label": {"column": "response", "positive": "yes", "negative": "no"},
    "clinical": {"predictors": ["age"], "circular": ["severity_now"], "confounders": ["rin"]},
    "layers": {
        "expression": {"type": "counts", "file": "counts.tsv.gz", "id_column": "tube"},
        "mutations": {"type": "variants", "file": "calls.vcf.gz"},
    },
    "differential": {"design": "~ age + response"},
}


def changed(path, value):
    """Return RAW with one key set, or taken out where the value is ``...``."""
    raw = copy.deepcopy(RAW)
    *groups, last = path.split("/")
    group = raw
    for name in groups:
        group = group.setdefault(name, {})
    if value is ...:
        del group[last]
    else:
        group[last] = value
    return raw


def message(path, value):
    with pytest.raises(InputError) as caught:
        resolve_config(changed(path, value), "config/mine.yaml")
    text = str(caught.value)
    assert text.startswith("config/mine.yaml: ")
    assert "\n" not in text
    return text.removeprefix("config/mine.yaml: ")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("classification/fold", 5, "unknown key `classification.fold`; did you mean `folds`?"),
        ("cohrt", "x", "unknown key `cohrt`; did you mean `cohort`?"),
        ("layers/expression/min_cuont", 3, "`layers.expression.min_cuont`; did you mean `min_coun"),
        ("layers/expression/min_depth", 3, "unknown key `layers.expression.min_depth`"),
        ("simulation", {"gene": 500}, "unknown key `simulation.gene`; did you mean `genes`?"),
        ("cohort", ..., "`cohort` is missing; add it: name of the cohort"),
        ("samples/file", ..., "`samples.file` is missing; add it: the sample sheet"),
        ("layers/expression/type", ..., "`layers.expression.type` is missing"),
        ("layers/expression/file", ..., "`layers.expression.file` is missing"),
        ("layers", {}, "`layers` is empty; give at least one"),
        ("layers/expression/type", "count", "cannot be 'count'; did you mean `counts`?"),
        ("cohort", "../elsewhere", "use letters, digits, _, - and . only"),
        ("cohort", ".hidden", "use letters, digits, _, - and . only"),
        ("classification/folds", 1, "`classification.folds` is 1; it must be at least 2"),
        ("classification/folds", "5", "is '5', not a whole number; write it without quotes"),
        ("differential/fdr", "1e-2", "is '1e-2', not a number; write it without quotes"),
        ("differential/fdr", 5, "`differential.fdr` is 5; it must be less than 1"),
        ("target_prevalence", 0, "`target_prevalence` is 0; it must be greater than 0"),
        ("layers/expression/min_share", 1.5, "is 1.5; it must be at most 1"),
        ("clinical/predictors", "age", "`clinical.predictors` is 'age', not a list"),
        ("integration/seeds", [1, 2, 1], "`integration.seeds` lists 1 twice; list it once"),
        ("classification/models", ["lasso"], "`classification.models[0]` cannot be 'lasso'"),
        ("label/positive", True, "true and false: put it in quotes"),
        ("differential/design", "age", "a formula starts with ~"),
        ("differential/contrast", ["response", "yes"], "has 2 entries; it must have three entries"),
    ],
)
def test_the_schema_is_closed_and_speaks_plainly(path, value, expected):
    assert expected in message(path, value)


@pytest.mark.parametrize(
    "name",
    [
        "clinical",
        "mofa",
        "confounders",
        "early",
        "late_fusion",
        "combined",
        "selected",
        "layers_present",
    ],
)
def test_names_of_feature_sets_are_no_layer_names(name):
    layer = {"type": "counts", "file": "x.tsv"}
    assert f"`layers.{name}`: the name `{name}` is reserved" in message(f"layers/{name}", layer)


def test_layer_names_are_safe_in_paths_and_patterns():
    text = message("layers/small-rna", {"type": "counts", "file": "x.tsv"})
    assert text == "`layers.small-rna`: a name here may have letters, digits and _ only; rename it"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("clinical/predictors", ["response"], "`clinical.predictors` lists the label's column"),
        ("integration/regress_out", ["response"], "`integration.regress_out` lists the label's"),
        ("clinical/predictors", ["severity_now"], "is in `clinical.predictors` and in `clinical.c"),
        ("classification/regress_out", ["severity_now"], "keep it in one"),
        ("differential/design", "~ age", 'write design: "~ age + response"'),
        ("differential/contrast", ["dose", "high", "low"], "lacks the contrast's column `dose`"),
        ("differential/contrast", ["response", "no", "no"], "compares 'no' with itself"),
        ("label/positive", "no", "are both 'no'"),
        ("label/column", None, "`label.column` is null; name the label's column, or the model"),
        ("samples/site", "label", "names the column `label`, which is reserved for the workflow"),
        (
            "samples/patient_id",
            "label",
            "`samples.patient_id` names the column `label`, which is reserved for the workflow",
        ),
        ("clinical/technical", ["in_mutations"], "names the column `in_mutations`"),
        ("layers/mutations/file", "calls.txt", "add `layers.mutations.format: vcf` or `maf`"),
    ],
)
def test_keys_do_not_contradict_each_other(path, value, expected):
    assert expected in message(path, value)


def test_defaults_are_filled_in():
    config = resolve_config(RAW, "x")
    assert config["layers"]["expression"] == {
        "type": "counts",
        "file": "counts.tsv.gz",
        "reads": None,
        "id_column": "tube",
        "features": None,
        "min_count": 10,
        "min_share": 0.25,
        "vst_genes": 500,
        "min_mean_count": 5,
        "integration_features": 1000,
        "model_features": 1000,
    }
    mutations = config["layers"]["mutations"]
    assert (mutations["format"], mutations["id_column"]) == ("vcf", "patient_id")
    assert (mutations["no_call"], mutations["dosages"]) == ("missing", [])
    assert config["differential"]["contrast"] == ["response", "yes", "no"]
    assert config["classification"]["folds"] == 5
    assert config["simulation"] is None


def test_a_group_with_all_keys_commented_out_takes_its_defaults():
    config = resolve_config(changed("classification", None), "x")
    assert config["classification"]["repeats"] == 5


def test_a_resolved_config_resolves_to_itself():
    config = resolve_config(changed("simulation", {}), "x")
    assert config["simulation"]["seed"] == config["seed"]
    assert resolve_config(config, "x") == config


def test_the_raw_config_is_left_as_it_was():
    raw = copy.deepcopy(RAW)
    resolve_config(raw, "x")
    assert raw == RAW


def test_a_layer_whose_name_yaml_reads_as_a_number_keeps_its_name():
    raw = changed("layers", {16: {"type": "counts", "file": "x.tsv"}})
    assert list(resolve_config(raw, "x")["layers"]) == ["16"]


def test_numbers_as_labels_and_whole_floats_are_taken_as_meant():
    config = resolve_config(
        changed("label", {"column": "y", "positive": 1, "negative": 0})
        | {"differential": {}, "classification": {"folds": 5.0}},
        "x",
    )
    assert (config["label"]["positive"], config["differential"]["design"]) == ("1", "~ y")
    assert isinstance(config["classification"]["folds"], int)


def test_a_cohort_without_labels_can_be_scored():
    raw = changed("label/column", None) | {"scoring": {"model": "results/a/model"}}
    config = resolve_config(raw, "x")
    assert config["differential"]["contrast"] is None
    assert "response" not in named_columns(config)


@pytest.mark.parametrize(
    ("file", "kind"),
    [("a.maf.tsv.gz", "maf"), ("a.MAF", "maf"), ("a.vcf", "vcf"), ("a.bcf", "vcf")],
)
def test_the_kind_of_a_variants_file_is_read_off_its_name(file, kind):
    config = resolve_config(changed("layers/mutations/file", file), "x")
    assert config["layers"]["mutations"]["format"] == kind


def test_named_columns_say_which_key_names_them():
    assert named_columns(resolve_config(RAW, "x")) == {
        "patient_id": "samples.patient_id",
        "centre": "samples.site",
        "response": "label.column",
        "age": "clinical.predictors",
        "severity_now": "clinical.circular",
        "rin": "clinical.confounders",
        "tube": "layers.expression.id_column",
    }


def with_reads():
    """Return RAW with a layer from reads beside those from files."""
    raw = changed("layers/small", {"type": "counts"})
    raw["layers"]["small"]["reads"] = {"units": "small.tsv", "protocol": "truseq"}
    return raw | {"references": {"hairpin": "hairpin.fa", "mature": "mature.fa"}}


def test_read_quality_is_named_like_a_column_of_the_sheet():
    raw = with_reads()
    raw["clinical"]["technical"] = ["reads.globin_share", "reads.small.peak_share"]
    raw["differential"]["design"] = "~ `reads.erythrocyte_share` + response"
    quality = sheet_settings(resolve_config(raw, "x"))["quality"]
    # of a matrix what is named; of reads everything, under the shortest name
    assert quality["reads.globin_share"] == ["expression", "globin_share"]
    assert quality["reads.small.peak_share"] == ["small", "peak_share"]
    assert {name.removeprefix("reads.") for name in quality} >= set(SMALL_RNA)
    del raw["clinical"]["technical"]
    assert "reads.globin_share" not in sheet_settings(resolve_config(raw, "x"))["quality"]


def test_read_quality_that_no_layer_has_is_an_error():
    raw = with_reads()
    raw["clinical"]["technical"] = ["reads.globin_shares"]
    with pytest.raises(
        InputError, match=r"`clinical.technical` names .* no layer has; .*globin_sh"
    ):
        resolve_config(raw, "x")


def test_the_cohort_stage_does_not_depend_on_what_it_does_not_use():
    before = sheet_settings(resolve_config(RAW, "x"))
    for path, value in [
        ("integration/factors", 3),
        ("layers/expression/min_count", 99),
        ("classification/repeats", 1),
    ]:
        assert sheet_settings(resolve_config(changed(path, value), "x")) == before


@pytest.mark.parametrize(
    ("design", "columns"),
    [
        ("~ sex + age + sex:age - 1", ["sex", "age"]),
        ("~ C(site, Treatment(reference='A b')) + `C1A.C1B`", ["site", "C1A.C1B"]),
        ("~ poly(age, 2) + np.log(x_1) + I(q**2)", ["age", "x_1", "q"]),
        ("~ bs(age, df=3, include_intercept=True)", ["age"]),
        ("~ `it's` + `site's`", ["it's", "site's"]),
    ],
)
def test_columns_of_a_design(design, columns):
    assert design_columns(design) == columns


@pytest.mark.parametrize(
    ("label", "design", "mended"),
    [
        ("C1A.C1B", "~ age + sex + C1A.C1B", "~ age + sex + `C1A.C1B`"),
        ("C1A.C1B", "~ age + sex", "~ age + sex + `C1A.C1B`"),
        ("C1A.C1B", "~ `C1A.C1B` + SCNA.cluster", "~ `C1A.C1B` + `SCNA.cluster`"),
        ("response", "~ np.log(a.b) + I(age**2.5)", "~ np.log(`a.b`) + I(age**2.5) + response"),
        ("response at 8 weeks", "~ age + response at 8 weeks", "~ age + `response at 8 weeks`"),
        ("class", "~ age + class_2", "~ age + class_2 + `class`"),
        ("a__b", "~ a__b", "~ `a__b`"),
        ("Ärzte", "~ age + Ärzte", "~ age + `Ärzte`"),
        ("réponse", "~ age", "~ age + réponse"),
    ],
)
def test_the_mend_of_a_design_is_itself_accepted(label, design, mended):
    raw = copy.deepcopy(RAW)
    raw["label"]["column"], raw["differential"] = label, {"design": design}
    with pytest.raises(InputError) as caught:
        resolve_config(raw, "mine.yaml")
    pasted = yaml.safe_load(str(caught.value).partition("; write ")[2])
    assert pasted == {"design": mended}
    raw["differential"] = pasted
    assert resolve_config(raw, "mine.yaml")["differential"]["design"] == mended
    assert label in required_columns(mended)


def test_a_name_that_no_formula_can_hold_is_to_be_changed():
    raw = copy.deepcopy(RAW)
    raw["label"]["column"] = "re`sponse"
    with pytest.raises(InputError, match="rename the column 're`sponse'"):
        resolve_config(raw, "mine.yaml")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*RAW, "file", "type", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_whatever_is_written_the_answer_is_a_config_or_one_line(value):
    raw = value if isinstance(value, dict) else {"cohort": value}
    for candidate in (raw, RAW | raw):
        try:
            config = resolve_config(candidate, "c.yaml")
        except InputError as error:
            assert re.fullmatch(r"c\.yaml: [^\n]+; [^\n]+", str(error))
        else:
            assert resolve_config(config, "c.yaml") == config


REPOSITORY = Path(__file__).resolve().parents[2]


def schema_keys(schema):
    """Return all keys of a schema that a user can write."""
    found = set(schema.get("properties", {}))
    for part in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]:
        found |= schema_keys(part)
    return found


def test_every_key_is_explained():
    text = (REPOSITORY / "config" / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(?:layers\.)?(\w+)(?:\.<name>)?`", text))
    assert schema_keys(config_schema()) - explained - {"layers"} == set()


def test_the_example_of_the_readme_and_the_default_config_are_sound():
    text = (REPOSITORY / "config" / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1)
    assert list(resolve_config(yaml.safe_load(example), "README")["layers"]) == [
        "mrna",
        "methylation",
        "mutations",
    ]
    default = (REPOSITORY / "config" / "config.yaml").read_text(encoding="utf-8")
    assert resolve_config(yaml.safe_load(default), "default")["simulation"]["genes"] > 0


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "a <!-- b", "</SCRIPT >"])
def test_markup_that_would_run_in_the_report_is_refused(text):
    raw = changed("label/positive", text)
    with pytest.raises(InputError, match=r"label\.positive.*report"):
        resolve_config(raw, "mine.yaml")


@pytest.mark.parametrize("text", ["<b>x</b>", "O'Brien; rm -rf $HOME", 'say "no"', "../../x", "ż"])
def test_other_names_are_welcome(text):
    raw = changed("label/positive", text)
    assert resolve_config(raw, "mine.yaml")["label"]["positive"] == text


def test_keys_that_stand_twice_are_refused_with_their_lines(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\ne: [{f: 1}, {f: 2}]\n")
    with pytest.raises(InputError) as caught:
        check_duplicate_keys([str(path)])
    assert sorted(str(error) for error in caught.value.errors) == [
        f"{path} lines 1 and 6: `a` is duplicated; merge the two",
        f"{path} lines 3 and 5: `b.c` is duplicated; merge the two",
    ]
    path.write_text("a: {b: 1, c: [1, 2]}\n")
    check_duplicate_keys([str(path), str(tmp_path / "none.yaml")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [*x]\n", "an alias (`*name`) contains itself"),
        ("a: &x {b: *x}\n", "an alias (`*name`) contains itself"),
        (
            "a0: &a0 [x, x, x, x]\n"
            + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40)),
            "aliases unfold to more than 100,000 values",
        ),
        (f"a: {'[' * 3000}{']' * 3000}\n", "nested too deeply"),
    ],
    ids=["list", "mapping", "bomb", "depth"],
)
def test_aliases_without_end_are_refused(tmp_path, text, said):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        check_duplicate_keys([str(path)])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("target_prevalence", float("nan"), "`target_prevalence` is nan; give a number"),
        ("clinical/predictors", ["age\0"], r"`clinical.predictors` holds a control character"),
        ("layers/expression/file", "a\nb.tsv", "`layers.expression.file` holds a control char"),
        ("classification/repeats", 10**30, "it must be at most 1000"),
        ("enrichment", {"mirna": {"layer": "small"}}, "there is no layer `small`; its layers are"),
    ],
)
def test_values_that_no_run_can_use(path, value, said):
    assert said in message(path, value)
