import numpy as np
import pandas as pd
import pytest

from trdomics.classification.permutations import permutations_of
from trdomics.classification.splits import NO_REPEAT, draw_split
from trdomics.cohort.config import resolve_config, sheet_settings
from trdomics.cohort.samples import read_sheet
from trdomics.cohort.site_plan import left_out_sites, site_plan
from trdomics.errors import InputError
from trdomics.files import write_table

# names as users write them; the third would run a command if a shell saw it
SITES = ["Bad <b>Saarow</b>", "Köln & Bonn", "$(touch owned); rm -rf x", "tiny", "4"]
SIZES = {SITES[0]: (9, 8), SITES[1]: (6, 6), SITES[2]: (5, 7), SITES[3]: (4, 9), SITES[4]: (8, 8)}


def cohort(sizes=SIZES, unlabelled=3, unknown=2):
    """Return labels and sites with (negative, positive) patients by site."""
    rows = [
        (site, float(label))
        for site, (negative, positive) in sizes.items()
        for label in [0] * negative + [1] * positive
    ]
    rows += [(next(iter(sizes)), np.nan)] * unlabelled + [(np.nan, 1.0)] * unknown
    patients = [f"p{i:03d}" for i in range(len(rows))]
    sites, labels = zip(*rows, strict=True)
    return pd.Series(labels, patients), pd.Series(sites, patients, dtype=object)


LABELS, WHERE = cohort()


def test_every_site_is_planned_or_named_with_the_reason_why_not():
    plan = site_plan(LABELS, WHERE, minimum=5, inner_folds=4)
    by_site = plan.dropna(subset=["site"]).set_index("site")
    assert set(by_site.index) == set(SITES)
    assert by_site.loc["tiny", "reason"].startswith("9 positive and 4 negative")
    assert (by_site.drop(index="tiny")["reason"] == "").all()
    assert by_site.loc[SITES[0], ["n_patients", "n_positive"]].tolist() == [17, 8]
    assert by_site["split"].str.fullmatch(r"s\d\d").all()
    assert by_site["split"].is_unique


def test_patients_without_a_site_are_counted_and_never_left_out():
    last = site_plan(LABELS, WHERE, minimum=5, inner_folds=4).iloc[-1]
    assert pd.isna(last["site"])
    assert last["n_patients"] == 2
    assert "always used for training" in last["reason"]


def test_the_other_sites_must_be_able_to_choose_a_model():
    labels, sites = cohort({"large": (20, 20), "small": (5, 3)}, unknown=0)
    plan = site_plan(labels, sites, minimum=3, inner_folds=4).set_index("site")
    assert "other sites" in plan.loc["large", "reason"]
    assert plan.loc["small", "reason"] == ""


def test_a_single_site_cannot_be_left_out():
    labels, sites = cohort({"only": (20, 20)}, unknown=0)
    assert (site_plan(labels, sites, minimum=5, inner_folds=4)["reason"] != "").all()


def test_what_was_run_decides_on_the_splits_of_a_later_plan():
    plan = site_plan(LABELS, WHERE, minimum=5, inner_folds=4, left_out={"s09": "4"})
    by_site = plan.dropna(subset=["site"]).set_index("site")
    assert by_site.loc["4", "split"] == "s09"
    assert "switched off" in by_site.loc[SITES[0], "reason"]
    assert by_site["split"].notna().sum() == 1


def leave_out(name, site, labels=LABELS):
    return draw_split(name, labels, folds=3, seed=1, sites=WHERE, site=site)


def test_a_left_out_site_is_tested_whole_and_never_trained_on():
    split = leave_out("s02", SITES[2])
    assert (split.name, split.repeat, split.fold) == ("s02", NO_REPEAT, 2)
    assert set(WHERE[split.test]) == {SITES[2]}
    assert len(split.test) == 12
    assert SITES[2] not in set(WHERE[split.train])
    assert WHERE[split.train].isna().sum() == 2
    assert LABELS[split.train].notna().all()
    assert set(WHERE[leave_out("s01", "4").test]) == {"4"}


def test_a_site_whose_patients_are_in_no_layer_is_refused():
    with pytest.raises(InputError, match="gone"):
        leave_out("s01", "gone")


def test_no_labels_are_permuted_where_a_site_is_left_out():
    assert permutations_of(0, 5, 30) == []


def config(tmp_path, **classification):
    labels, sites = cohort()
    sheet = pd.DataFrame({"patient_id": labels.index, "site": sites.to_numpy()})
    sheet["outcome"] = labels.map({1.0: "yes", 0.0: "no"}).to_numpy()
    sheet["exclude"] = (sheet["site"] == "Köln & Bonn").astype(int)
    write_table(sheet, tmp_path / "samples.tsv")
    return resolve_config(
        {
            "cohort": "c",
            "samples": {"file": str(tmp_path / "samples.tsv"), "site": "site"},
            "label": {"column": "outcome", "positive": "yes", "negative": "no"},
            "layers": {"rna": {"type": "counts", "file": "rna.tsv"}},
            "classification": {"inner_folds": 4, **classification},
        },
        "test",
    )


def sites_of(settings):
    return left_out_sites(settings, read_sheet(sheet_settings(settings)))


def test_the_sheet_tells_which_sites_are_left_out(tmp_path):
    left_out = sites_of(config(tmp_path))
    # excluded patients do not count, so that one site is not there at all
    assert sorted(left_out.values()) == sorted([SITES[0], SITES[2], "4"])
    assert "tiny" in sites_of(config(tmp_path, min_site_class=4)).values()
    assert sites_of(config(tmp_path, leave_one_site_out=False)) == {}


def test_without_a_column_of_sites_none_is_left_out(tmp_path):
    settings = config(tmp_path)
    settings["samples"]["site"] = None
    assert sites_of(settings) == {}
