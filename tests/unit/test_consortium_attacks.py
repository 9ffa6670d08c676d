"""Attacks on what leaves: membership, two bundles that differ by one patient, exact group sizes."""

import functools

import numpy as np
import pandas as pd
import pytest
from attacks import (
    along_effects,
    differences,
    exported,
    guessed_label,
    membership,
    nearest_decile,
    people,
    tracing,
)
from classification_data import cohort
from export_data import (
    LABELS,
    MINIMUM,
    TABLES,
    frozen_model,
    patients_sheet,
    raw_tables,
    searched,
)
from sklearn.metrics import roc_auc_score

from trdomics.consortium.digits import effect_step, on_grid, scale_on_grid, step_of
from trdomics.consortium.disclosure import (
    CARRIER_PATIENTS,
    burden_effects,
    coarse,
    curves,
    short_share,
)
from trdomics.consortium.ledger import open_ledger
from trdomics.consortium.shareable_model import shareable
from trdomics.errors import InputError
from trdomics.frozen_model.freeze import freeze
from trdomics.parts import take_apart

pytestmark = pytest.mark.slow
N, FEATURES, VICTIMS = 120, 2000, 24


@functools.cache
def shared():
    return shareable(frozen_model("mofa_clinical"), patients_sheet(), raw_tables(), MINIMUM)


@functools.cache
def study():
    return people(N, FEATURES, 1)


def test_membership_cannot_be_read_off_a_model():
    members = membership(shared(), TABLES, LABELS)
    found = {attack: [] for attack in members}
    for seed in (11, 12, 13):
        others = membership(shared(), *cohort(seed=seed, prefix="other-"))
        for attack, score in members.items():
            label = np.r_[np.ones(len(score)), np.zeros(len(others[attack]))]
            found[attack].append(roc_auc_score(label, np.r_[score, others[attack]]))
    areas = {attack: float(np.mean(values)) for attack, values in found.items()}
    assert max(areas.values()) <= 0.6, areas


def test_profile_and_reference_give_membership_and_label_from_effects():
    """Rounding is no defence, as docs/consortium.md says; without a reference less is found."""
    found = {"exact": [], "rounded": [], "without reference": [], "label": []}
    for seed in (1, 2):
        sheet, values = people(3 * N, FEATURES // 2, seed)
        inside, asked = np.arange(3 * N) < N, np.arange(3 * N) < 2 * N
        reference, persons = values[~asked], values[asked]
        side = np.where(sheet["response"] == "TRD", 1, -1)[asked]
        exact = differences(sheet[inside], values)
        published = exported(sheet[inside], values)
        for name, table in (
            ("exact", exact.rename(columns={"log2_fold_change": "effect"})),
            ("rounded", published),
        ):
            score = tracing(table.set_index("feature")["effect"], persons, reference)
            found[name].append(roc_auc_score(inside[asked], side * score))
        found["label"].append((np.sign(score) == side)[inside[asked]].mean())
        plain = along_effects(published, sheet[asked], persons)
        found["without reference"].append(roc_auc_score(inside[asked], plain))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert means["exact"] == pytest.approx(means["rounded"], abs=0.01)
    assert means["rounded"] > 0.85, means
    assert means["label"] > 0.85, means
    assert 0.5 < means["without reference"] < 0.65, means


def test_no_decile_is_a_patients():
    # but for shares of genes, which many patients have in common
    gaps = nearest_decile(shared(), TABLES)[["rna", "protein"]]
    assert (gaps > 1e-6).all(axis=None)


def victims():
    rng = np.random.default_rng(0)
    return [f"p{i:03d}" for i in rng.choice(N, VICTIMS, replace=False)]


def test_the_effects_of_two_bundles_tell_a_patient_unless_the_ledger_refuses(tmp_path):
    """Rounding alone is no defence against somebody who knows the profile; the ledger is."""
    sheet, values = study()
    centre, right, exact, rounded = values.mean(), 0, [], []
    whole, published = differences(sheet, values), exported(sheet, values)
    whole = whole.rename(columns={"log2_fold_change": "effect"})
    for patient in victims():
        rest = sheet.drop(patient)
        less = differences(rest, values).rename(columns={"log2_fold_change": "effect"})
        exact.append(abs(guessed_label(whole, less, values.loc[patient], centre)[1]))
        label, r = guessed_label(published, exported(rest, values), values.loc[patient], centre)
        rounded.append(abs(r))
        right += label == sheet.loc[patient, "response"]
    assert np.median(exact) > 0.9
    assert np.median(rounded) < 0.7
    # docs/consortium.md says so: the sign is told all the same
    assert right / VICTIMS > 0.6
    # the second bundle is not written, so nothing is left but to guess
    patients = sheet.assign(label=(sheet["response"] == "TRD").astype(float), in_protein=1.0)
    ledger = open_ledger(tmp_path)
    ledger.record(ledger.groups(patients, "response"), "a" * 64, MINIMUM)
    for patient in victims():
        with pytest.raises(InputError, match="fewer than 5 patients"):
            ledger.check(ledger.groups(patients.drop(patient), "response"), MINIMUM)


def test_no_value_can_be_computed_from_two_tables_of_effects():
    """The value that one patient has, from the difference of two means that rounding hides."""
    sheet, values = study()
    near = {"guess": [], "attack": []}
    published = exported(sheet, values).set_index("feature")
    for patient in victims()[:8]:
        rest = exported(sheet.drop(patient), values).set_index("feature")
        own, centre = values.loc[patient], values.mean()
        size = (sheet["response"] == sheet.loc[patient, "response"]).sum()
        sign = 1 if sheet.loc[patient, "response"] == "TRD" else -1
        computed = centre + sign * (size - 1) * (published["effect"] - rest["effect"])
        for name, value in (("guess", centre), ("attack", computed)):
            near[name].append((np.abs(value - own) <= 0.01 * own.abs()).mean())
    # no more than who guesses the mean finds
    assert np.mean(near["attack"]) <= np.mean(near["guess"]) + 0.005


@functools.cache
def model_without(patient):
    """Return the shared model of the cohort without a patient."""
    sheet = patients_sheet().drop(patient)
    search, fitted = searched(sheet, only="mofa_clinical")
    search.winner_ = "mofa_clinical"
    truth = sheet["label"].to_numpy(dtype=int)
    model = freeze(search, search.representations(fitted, truth), fitted, truth, pairs=2)
    return shareable(model, sheet, {layer: fitted[layer] for layer in raw_tables()}, MINIMUM)


@pytest.mark.parametrize("patient", ["patient-030", "patient-051"])
def test_no_value_can_be_computed_from_two_models(patient):
    whole, less = shared().representation, model_without(patient).representation
    near = {"guess": [], "attack": []}
    for layer in ("rna", "protein"):
        one, other = whole.normalisers_[layer], less.normalisers_[layer]
        first = pd.Series(one.means_, list(one.features_))
        second = pd.Series(other.means_, list(other.features_)).reindex(first.index)
        read = (first != 0) & (second != 0)
        n = len(TABLES[layer])
        own = one.transform(TABLES[layer]).loc[patient][read]
        computed = (n * first - (n - 1) * second)[read]
        for name, value in (("guess", first[read]), ("attack", computed)):
            near[name].append((np.abs(value - own) <= 0.01 * own.abs()).mean())
    assert np.mean(near["attack"]) <= np.mean(near["guess"]) + 0.02
    clinical, before = whole.column_blocks_["clinical"], less.column_blocks_["clinical"]
    (age,) = clinical.means_ * len(LABELS) - before.means_ * (len(LABELS) - 1)
    assert abs(age - TABLES["clinical"].loc[patient, "age"]) > 0.5


def test_numbers_of_patients_cannot_be_computed_exactly():
    model = shared()
    _, arrays = take_apart(model)
    # shares of carriers: any number of patients near the true one gives the same
    shares, n = arrays["representation/normalisers_/dna/means_"], len(raw_tables()["dna"])
    for size in range(n - MINIMUM, n + MINIMUM):
        possible = np.arange(size + 1) / size
        step = step_of(np.sqrt(possible * (1 - possible)), size, MINIMUM)
        assert np.isclose(shares[:, None], on_grid(possible, step)).any(axis=1).all()
    priors = arrays["classifier/members/0/priors"]
    sizes = {
        positive
        for positive in range(len(LABELS))
        if abs(np.log(max(positive, 0.5) / (len(LABELS) - positive)) - priors[0]) <= 0.11
    }
    assert len(sizes) >= MINIMUM - 1


def test_prevalence_and_curves_fit_several_numbers_of_patients():
    rng = np.random.default_rng(0)
    label = (np.arange(300) < 153).astype(int)
    risk = np.clip(0.3 * label + rng.uniform(0, 0.7, 300), 0, 1)[:, None]
    shown = curves(label, risk, MINIMUM)["decision"]["treat_all"]
    same = []
    for positive in range(140, 167):
        other = (np.arange(300) < positive).astype(int)
        found = curves(other, risk, MINIMUM)["decision"]["treat_all"]
        if short_share(positive, 300, MINIMUM) == short_share(153, 300, MINIMUM):
            same.append(positive)
            assert np.allclose(found, shown)
    assert len(same) >= MINIMUM


def test_effects_of_carriers_fit_several_numbers_of_carriers():
    rng = np.random.default_rng(0)
    carriers = pd.DataFrame(rng.integers(5, 40, size=(50, 2)), columns=["positive", "negative"])
    counts = {f"carriers_{group}": carriers[group] for group in carriers}
    counts |= {f"others_{group}": n - carriers[group] for group, n in SIZES.items()}
    results = pd.DataFrame({"feature": [f"g{i}" for i in carriers.index], **counts})
    effect, error = wald(carriers["positive"], carriers["negative"])
    results = results.assign(
        log_odds_ratio=effect, lower=effect - 1.96 * error, upper=effect + 1.96 * error
    )
    table = burden_effects(results, MINIMUM)
    # the sizes of the groups are known to a multiple of five
    sizes = [range(coarse(n, MINIMUM), coarse(n, MINIMUM) + MINIMUM) for n in SIZES.values()]
    counts = np.meshgrid(np.arange(5, 60), np.arange(5, 60), *sizes, indexing="ij")
    effect, error = wald(*counts)
    se = scale_on_grid(error, step_of(error, CARRIER_PATIENTS / error**2, MINIMUM))
    effect = on_grid(effect, effect_step(se))
    for row in table.itertuples():
        fits = np.isclose(se, row.se) & np.isclose(effect, row.effect)
        assert len(np.unique(counts[0][fits])) >= 2


SIZES = {"positive": 103, "negative": 97}


def wald(positive, negative, n_positive=SIZES["positive"], n_negative=SIZES["negative"]):
    """Return log odds ratios and their errors from numbers of carriers."""
    others = n_positive - positive, n_negative - negative
    error = np.sqrt(1 / positive + 1 / others[0] + 1 / negative + 1 / others[1])
    return np.log(positive / others[0] * others[1] / negative), error
