import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cyvcf2 import VCF

from trdomics.files import read_json, read_table
from trdomics.simulation.cohort import Cohort, draw_cohort
from trdomics.simulation.draw import (
    Simulation,
    draw_present,
    exchanged,
    simulate,
    write_raw,
    write_truth,
)
from trdomics.simulation.features import (
    MRNA,
    draw_effects,
    name_features,
    read_genes,
    read_small_rnas,
)

SIZES = {"genes": 700, "small_rnas": 150, "variant_genes": 30, "missing_layer": 0.08}
RAW = {
    "mrna": "mrna_counts.tsv.gz",
    "mrna_features": "mrna_features.tsv",
    "small_rna": "small_rna_counts.tsv.gz",
    "mutations": "mutations.vcf.gz",
    "medication": "medication.tsv",
}
TRUTH = {
    "factors": "factors.tsv",
    "features": "features.tsv",
    "patients": "patients.tsv",
    "pharmacogenes": "pharmacogenes.tsv",
    "truth": "truth.json",
}
RESOURCES = Path(__file__).parents[2] / "resources"
GENES = read_genes(RESOURCES / "simulation_genes.tsv")
SMALL_RNAS = read_small_rnas(RESOURCES / "simulation_small_rnas.tsv")


def paths(folder: Path, names: dict[str, str]) -> dict[str, str]:
    return {key: str(folder / name) for key, name in names.items()}


def draw(cohort: Cohort, seed: int) -> Simulation:
    return simulate(cohort, SIZES, seed, GENES, SMALL_RNAS)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return draw_cohort(100)


@pytest.fixture(scope="module")
def simulation(cohort: Cohort) -> Simulation:
    return draw(cohort, 1)


@pytest.fixture(scope="module")
def folder(cohort, simulation, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("simulation")
    write_raw(simulation, paths(path, RAW))
    write_truth(cohort, simulation, 1, paths(path, TRUTH))
    return path


def test_counts_are_whole_and_not_negative(folder):
    for name, n_features in (("mrna", 700), ("small_rna", 150)):
        table = pd.read_csv(folder / RAW[name], sep="\t", index_col=0)
        assert table.shape == (n_features, 92)
        assert table.index.is_unique
        assert (table.dtypes == np.int64).all()
        assert table.min(axis=None) >= 0


def test_samples_are_named_as_in_the_sheet(folder, cohort, simulation):
    names = pd.read_csv(folder / RAW["mrna"], sep="\t", nrows=0).columns[1:]
    has = simulation.present["mrna"].to_numpy()
    assert set(names) == set(cohort.patients["mrna_id"][has])


def test_the_same_seed_gives_the_same_bytes(cohort, folder, tmp_path):
    again = draw(cohort, 1)
    write_raw(again, paths(tmp_path, RAW))
    write_truth(cohort, again, 1, paths(tmp_path, TRUTH))
    for name in [*RAW.values(), *TRUTH.values()]:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_another_seed_gives_other_counts(cohort, simulation):
    assert not draw(cohort, 2).mrna.equals(simulation.mrna)


def test_more_genes_leave_the_small_rnas_as_they_are(cohort, simulation):
    larger = simulate(cohort, {**SIZES, "genes": 900}, 1, GENES, SMALL_RNAS)
    pd.testing.assert_frame_equal(larger.small_rna, simulation.small_rna)


def test_names_scale_to_full_size():
    names = name_features(SMALL_RNAS, 2000, "novel-miR-", np.random.default_rng(0))
    assert len(names) == 2000
    assert names["feature"].is_unique
    assert names["feature"].head(len(SMALL_RNAS)).str.startswith("hsa-").all()


def test_a_fifth_of_the_genes_differs():
    rng = np.random.default_rng(0)
    names = name_features(GENES, 8000, "GENE", rng)
    truth = draw_effects(names, MRNA, 1e7, rng)
    shares = truth["differs_by"].value_counts(normalize=True)
    assert 0.18 <= 1 - shares["none"] <= 0.23
    assert shares["label"] > 0.08
    assert shares["cells"] > 0.06
    label = truth["differs_by"] == "label"
    assert (truth["planted_log2_fold_change"][label] != 0).all()
    assert (truth["planted_log2_fold_change"][~label] == 0).all()


def test_immune_genes_are_lower_in_the_resistant(simulation):
    truth = simulation.features.query("layer == 'mrna'").set_index("feature")
    curated = GENES.query("group == 'immune'")["feature"]
    planted = truth.loc[curated, "planted_log2_fold_change"]
    assert (planted <= 0).all()
    assert (planted < 0).mean() > 0.7


def test_planted_fold_changes_are_in_the_counts(cohort, simulation):
    truth = simulation.features.query("layer == 'mrna'").set_index("feature")
    kept = truth[truth["mean"] > 200]
    counts = simulation.mrna.loc[kept.index]
    label = cohort.patients.set_index("mrna_id")["response"].loc[counts.columns]
    scaled = np.log2(counts / counts.median() + 1)
    difference = scaled.loc[:, label == "TRD"].mean(axis=1)
    difference -= scaled.loc[:, label == "responder"].mean(axis=1)
    differing = kept["planted_log2_fold_change"].abs() > 0.15
    correlation = difference[differing].corr(kept["planted_log2_fold_change"][differing])
    assert correlation > 0.6


def test_sex_shows_in_the_counts(cohort, simulation):
    sex = cohort.patients.set_index("mrna_id")["sex"].loc[simulation.mrna.columns]
    means = simulation.mrna.T.groupby(sex).mean()
    assert means.loc["male", "RPS4Y1"] > 50 * means.loc["female", "RPS4Y1"]
    assert means.loc["female", "XIST"] > 50 * means.loc["male", "XIST"]


def test_variance_is_that_of_a_negative_binomial():
    from trdomics.simulation.counts import draw_counts
    from trdomics.simulation.features import EFFECTS

    features = pd.DataFrame({"feature": ["a", "b"], "mean": [50.0, 2000.0], "dispersion": 0.2})
    features[[f"effect_{name}" for name in EFFECTS]] = 0.0
    values = pd.DataFrame(0.0, index=range(20_000), columns=EFFECTS)
    counts = draw_counts(features, values, np.ones(20_000), np.random.default_rng(0))
    mean = features["mean"].to_numpy()
    assert counts.mean(axis=1).to_numpy() == pytest.approx(mean, rel=0.02)
    assert counts.var(axis=1).to_numpy() == pytest.approx(mean + 0.2 * mean**2, rel=0.06)


def test_share_of_patients_without_a_layer():
    cohort = draw_cohort(300)
    present = draw_present(cohort, 0.08, np.random.default_rng(0))
    assert (~present).sum().tolist() == [24, 24, 24]
    assert present.any(axis=1).all()
    assert present[cohort.positive].mean(axis=None) == pytest.approx(0.92, abs=0.03)


def test_everybody_keeps_a_layer_when_half_are_missing(cohort):
    present = draw_present(cohort, 0.5, np.random.default_rng(0))
    assert (~present).sum().tolist() == [50, 50, 50]
    assert present.any(axis=1).all()


def test_variants_parse(folder, simulation):
    vcf = VCF(str(folder / RAW["mutations"]))
    assert vcf.samples == simulation.sequenced
    records = list(vcf)
    vcf.close()
    assert len(records) == len(simulation.sites)
    dosage, depth, *_ = simulation.genotypes
    for record, copies, reads in zip(records[:50], dosage, depth, strict=False):
        called = copies >= 0
        # cyvcf2: 0 is hom. reference, 1 het., 2 unknown, 3 hom. alternative
        assert np.array_equal(np.array([0, 1, 3, 2])[copies], record.gt_types)
        assert np.array_equal(record.format("DP")[called, 0], reads[called])
        assert np.array_equal(record.format("AD")[called].sum(axis=1), reads[called])
        assert len(record.INFO["CSQ"].split("|")) == 9


def test_there_are_two_transitions_to_a_transversion(simulation):
    sites = simulation.sites
    single = sites[(sites["ref"].str.len() == 1) & (sites["alt"].str.len() == 1)]
    assert (single["ref"] != single["alt"]).all()
    changes = single["ref"] + single["alt"]
    transitions = changes.isin(["AG", "GA", "CT", "TC"]).mean()
    assert abs(transitions - 2 / 3) < 3 * np.sqrt(2 / 9 / len(single))
    named = sites[sites["id"] == "rs6295"]
    assert named[["ref", "alt"]].to_numpy().tolist() in ([], [["C", "G"]])


def test_variants_have_what_filters_look_for(simulation):
    sites = simulation.sites
    assert 0.01 < (sites["filter"] != "PASS").mean() < 0.15
    rs6295 = sites.index[sites["id"] == "rs6295"]
    assert sites.loc[rs6295, "gene"].tolist() == ["HTR1A"]
    copies = simulation.genotypes[0][rs6295[0]]
    assert copies[copies >= 0].mean() / 2 == pytest.approx(0.5, abs=0.12)
    assert {"HTR2B", "SLC6A4", "TPH2", "BDNF"} <= set(sites["gene"])
    order = sites.sort_values(["chromosome", "position"], kind="stable").index
    assert order.equals(sites.index)


def test_the_archive_carries_no_time_and_no_name(folder):
    head = (folder / RAW["mrna"]).read_bytes()[:8]
    assert head[3] == 0
    assert head[4:8] == bytes(4)
    with gzip.open(folder / RAW["mrna"], "rt") as table:
        assert table.readline().startswith("gene\t")


def test_two_pairs_of_tubes_are_exchanged(simulation, cohort):
    swapped = [name for pair in simulation.swaps for name in pair]
    assert len(set(swapped)) == 4
    assert simulation.present.loc[swapped, ["mrna", "small_rna"]].all(axis=None)


def test_an_exchange_moves_whole_columns():
    table = pd.DataFrame(np.arange(8).reshape(2, 4), columns=list("abcd"))
    moved = exchanged(table, [["a", "c"]])
    assert moved.columns.tolist() == list("abcd")
    assert moved.loc[0].tolist() == [2, 1, 0, 3]


def test_the_patient_of_the_wrong_sex_has_the_genes_that_show_it(simulation, cohort):
    assert simulation.present.loc[cohort.wrong_sex, "mrna"]
    name = cohort.patients.loc[cohort.wrong_sex, "mrna_id"]
    women = cohort.recorded_sex[cohort.wrong_sex] == "male"
    assert (simulation.mrna.loc["XIST", name] > simulation.mrna.loc["RPS4Y1", name]) == women


def test_truth_files(folder, cohort):
    truth = read_json(folder / TRUTH["truth"])
    # the pharmacogenes of a few patients add to what the cohort was drawn for
    assert truth["best_auc"] == pytest.approx(cohort.best_auc, abs=0.01)
    assert truth["explained_by"]["site_batch"] == ["site"]
    assert truth["swaps"]["layer"] == "small_rna"
    assert truth["wrong_sex"] == [cohort.wrong_sex]
    patients = read_table(folder / TRUTH["patients"])
    assert patients["true_label"].sum() == truth["n_positive"] == 51
    factors = read_table(folder / TRUTH["factors"])
    assert factors["patient_id"].tolist() == patients["patient_id"].tolist()
