from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trdomics.files import read_table
from trdomics.identity.genotypes import LEVELS
from trdomics.identity.sex import (
    SexScore,
    call_sex,
    compare,
    expression_score,
    genotype_score,
    in_pseudoautosomal,
    sheet_sex,
    summarise,
)

MARKERS = read_table(Path(__file__).parents[2] / "resources" / "sex_markers.tsv")
COUNTS = {"type": "counts"}


def names(n):
    return [f"P{i}" for i in range(n)]


def layer(female, rng, features=("XIST", "RPS4Y1", "DDX3Y")):
    """Draw counts of the markers among a hundred other genes."""
    female = np.asarray(female, dtype=bool)
    means = {name: np.where(female, 0.3, 200) for name in features}
    means[features[0]] = np.where(female, 500, 0.3)
    means |= {f"G{i}": np.full(len(female), 1e4) for i in range(100)}
    table = pd.DataFrame({name: rng.poisson(mean) for name, mean in means.items()})
    return table.set_axis(names(len(female)))


def annotation(table, symbols=None):
    return pd.DataFrame({"feature": table.columns, "symbol": symbols or list(table.columns)})


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def call(table, settings=COUNTS, symbols=None):
    return call_sex(expression_score(table, annotation(table, symbols), settings, MARKERS))


def test_both_sexes_are_told_apart(rng):
    female = rng.random(80) < 0.6
    calls = call(layer(female, rng))
    assert calls.groups == 2
    assert calls.sex.tolist() == np.where(female, "female", "male").tolist()


@pytest.mark.parametrize(("is_female", "sex"), [(True, "female"), (False, "male")])
def test_one_sex_alone_is_called_by_the_sign(is_female, sex, rng):
    calls = call(layer([is_female] * 40, rng))
    assert calls.groups == 1
    assert (calls.sex == sex).all()


def test_a_few_reads_in_small_libraries_are_no_evidence(rng):
    """Hardly any XIST: most women have no read of a marker, and one man has three of XIST."""
    female = np.arange(40) >= 10
    table = layer(female, rng)
    table[:] = 150
    table["XIST"] = 0
    table[["RPS4Y1", "DDX3Y"]] = rng.poisson(np.where(female, 0, 15)[:, None], (40, 2))
    table.iloc[0, :3], table.iloc[10:20, 0], table.iloc[20, 0] = (3, 12, 12), 1, 60
    expected = ["male"] * 10 + ["unclear"] * 10 + ["female"] + ["unclear"] * 19
    assert call(table).sex.tolist() == expected


def test_the_score_does_not_grow_with_depth_and_empty_libraries_have_none(rng):
    female = np.arange(60) % 2 == 0
    table = layer(female, rng)
    depth = np.exp2(rng.uniform(-3, 1, 60))
    table = (table.mul(depth, axis=0)).round()
    table.iloc[0], table.iloc[1] = 0, (table.iloc[1] / 1000).round()
    scores = expression_score(table, annotation(table), COUNTS, MARKERS).values
    assert list(scores.index) == list(table.index[2:])
    for sex in (True, False):
        mine = scores[female[2:] == sex]
        slope = np.polyfit(np.log2(depth[2:][female[2:] == sex]), mine, 1)[0]
        assert abs(slope) < 0.3
    assert call(table).sex.tolist() == np.where(female[2:], "female", "male").tolist()


def test_women_without_a_read_of_xist_are_not_grouped_with_the_men(rng):
    xist = np.array([0] * 28 + [1, 1, 1, 2, 2, 3, 6, 8, 78, 137, 155])
    women = np.arange(39) >= 9
    table = layer(women, rng)
    table["XIST"] = xist
    table[["RPS4Y1", "DDX3Y"]] = rng.poisson(np.where(women, 0, 18)[:, None], (39, 2))
    depth = (150 * np.exp2(rng.uniform(-1.2, 1.2, 39))).astype(int)
    table.iloc[:, 3:] = np.tile(depth, (100, 1)).T
    calls = call(table)
    assert (calls.sex[~women] == "male").all()
    assert (calls.sex[women] != "male").all()
    assert (calls.sex[28:31] == "unclear").all() and (calls.sex[-3:] == "female").all()


def test_a_shallow_library_is_no_evidence_of_a_sex(rng):
    table = layer(np.arange(60) % 2 == 0, rng)
    table.iloc[1] = (table.iloc[1] / 30).round()
    table.loc[table.index[1], ["XIST", "RPS4Y1", "DDX3Y"]] = 2, 0, 0
    assert call(table).sex.iloc[1] == "unclear"


def test_a_continuous_layer_needs_no_reads(rng):
    female = np.arange(40) % 2 == 0
    table = layer(female, rng).astype(float)
    table["XIST"] = np.where(female, 1.6, 0.02)
    table["RPS4Y1"] = table["DDX3Y"] = np.where(female, 0.02, 1.6)
    calls = call(table, {"type": "continuous", "log2": True})
    assert calls.sex.tolist() == np.where(female, "female", "male").tolist()


def test_one_man_among_women_is_found(rng):
    calls = call(layer([True] * 59 + [False], rng))
    assert calls.sex.tolist() == ["female"] * 59 + ["male"]


@pytest.mark.parametrize(
    "features", [("XIST|7503", "RPS4Y1|6192"), ("ENSG00000229807.14", "ENSG00000129824")]
)
def test_markers_are_known_under_other_names(features, rng):
    female = np.arange(40) % 2 == 0
    calls = call(layer(female, rng, features))
    assert calls.sex.tolist() == np.where(female, "female", "male").tolist()


def test_symbols_of_the_annotation_count(rng):
    table = layer([True] * 20 + [False] * 20, rng)
    renamed = table.set_axis([f"f{i}" for i in range(table.shape[1])], axis=1)
    assert call(renamed, symbols=list(table.columns)).groups == 2


def test_a_layer_without_markers_says_so(rng):
    table = layer([True] * 20, rng).drop(columns="XIST")
    calls = call(table)
    assert calls.sex.empty
    assert calls.reason == "the layer does not have XIST"


def test_a_scale_without_zero_needs_two_groups(rng):
    women = layer([True] * 30, rng)
    scaled = (women - women.mean()) / women.std().replace(0, 1)
    assert "does not show which sex" in call(scaled, {"type": "continuous", "log2": False}).reason
    both = np.log2(layer(np.arange(60) % 3 == 0, rng) + 1.0)
    scaled = (both - both.mean()) / both.std()
    calls = call(scaled, {"type": "continuous", "log2": False})
    assert (calls.sex == "female").tolist() == (np.arange(60) % 3 == 0).tolist()


def test_few_samples_are_not_judged(rng):
    assert call(layer([True] * 5, rng)).reason == "5 samples with evidence, 10 are needed"


def test_a_sample_between_the_groups_is_unclear():
    values = pd.Series([*np.linspace(7, 9, 30), *np.linspace(-9, -7, 30), 0.0], names(61))
    calls = call_sex(SexScore(values, 0.0, 1.0))
    assert calls.sex.iloc[-1] == "unclear"
    assert (calls.sex.iloc[:-1] != "unclear").all()


def test_one_normal_group_is_not_split():
    split = 0
    for seed in range(50):
        values = pd.Series(np.random.default_rng(seed).normal(0.1, 3, 100), names(100))
        split += call_sex(SexScore(values, 0.0, 1.0)).groups == 2
    assert split <= 1


def test_the_wrong_sex_is_named(rng):
    female = np.arange(50) % 2 == 0
    sheet = pd.DataFrame({"sex": np.where(female, "1", "2")}, names(50))
    sheet.loc["P4", "sex"] = "2"
    sheet.loc["P5", "sex"] = np.nan
    table = layer(female, rng)
    score = expression_score(table, annotation(table), COUNTS, MARKERS)
    calls = call_sex(score)
    told = sheet_sex(sheet, {"column": "sex", "female": 1, "male": 2})
    rows = compare("rna", score, calls, told)
    summary = summarise("rna", rows, calls)
    assert summary["discordant"] == ["P4"]
    assert summary["n_compared"] == 49
    assert rows.set_index("patient_id")["discordant"].isna().sum() == 1


def test_without_a_column_nothing_is_compared(rng):
    table = layer(np.arange(30) % 2 == 0, rng)
    score = expression_score(table, annotation(table), COUNTS, MARKERS)
    calls = call_sex(score)
    rows = compare("rna", score, calls, sheet_sex(pd.DataFrame(index=names(30)), None))
    assert rows["discordant"].isna().all()
    assert summarise("rna", rows, calls)["n_female"] == 15


def x_genotypes(female, n_sites, rng, start=3_000_000):
    frequency = rng.uniform(0.1, 0.5, n_sites)
    second = rng.binomial(1, frequency, (len(female), n_sites))
    first = rng.binomial(1, frequency, (len(female), n_sites))
    dosage = np.where(np.asarray(female)[:, None], first + second, 2 * first)
    sites = [("X", start + 1000 * i, "A", "G") for i in range(n_sites)]
    columns = pd.MultiIndex.from_tuples(sites, names=LEVELS)
    return pd.DataFrame(dosage.astype(np.float32), names(len(female)), columns)


def test_heterozygosity_of_x_tells_the_sex(rng):
    female = rng.random(60) < 0.5
    calls = call_sex(genotype_score(x_genotypes(female, 80, rng)))
    assert calls.sex.tolist() == np.where(female, "female", "male").tolist()


def test_all_men_are_men_by_their_genotypes(rng):
    calls = call_sex(genotype_score(x_genotypes([False] * 30, 80, rng)))
    assert (calls.sex == "male").all()


def test_pseudoautosomal_and_few_variants_do_not_count(rng):
    female = rng.random(40) < 0.5
    score = genotype_score(x_genotypes(female, 80, rng, start=1_000_000))
    assert "are needed" in score.reason
    assert in_pseudoautosomal([10_000, 2_781_479, 5_000_000, 155_800_000]).tolist() == [
        True,
        True,
        False,
        True,
    ]
