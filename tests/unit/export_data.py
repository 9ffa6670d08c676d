"""A small cohort's bundle, made as the rule makes it, for the tests of what leaves the house."""

import functools
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from classification_data import cohort, config

from trdomics.classification.run_split import nested_search
from trdomics.consortium.bundle import SITE_VALUES, table_bytes
from trdomics.consortium.export import Export
from trdomics.evaluation.missing_layer_cost import missing_layer_cost_summary
from trdomics.files import read_json, write_json
from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.frozen_model.manifest import MANIFEST, MODEL
from trdomics.frozen_model.read_missing_layer_cost import FILE
from trdomics.frozen_model.store import save_model
from trdomics.layers.subsets import NOTHING, joined, missing_sets
from trdomics.tables import LayerTables

MINIMUM = 5
LAYERS = ["rna", "protein", "dna"]
CONFIG = config()
TABLES, LABELS = cohort()
LABEL = {"column": "response", "positive": "TRD", "negative": "responder"}


@functools.cache
def patients_sheet():
    """Return the patients as the workflow reads them, one of whom has a category to himself."""
    sheet = TABLES["clinical"].reindex(TABLES.patients).copy()
    sheet["label"] = LABELS
    for layer in TABLES:
        sheet[f"in_{layer}"] = TABLES.profiled(layer).astype(float)
    text = sheet.select_dtypes(exclude="number").columns
    sheet.loc[sheet.index[0], text[0]] = "the only one"
    return sheet


def searched(sheet, kinds=("elastic_net",), only=None):
    """Return a search over all feature sets, or one, of a sheet's patients, and their tables."""
    settings = {**CONFIG, "classification": {**CONFIG["classification"], "models": list(kinds)}}
    chosen = TABLES.select(sheet.index)
    tables = {name: chosen[name] for name in TABLES if name != "clinical"}
    own = [c for c in sheet if c == "label" or c.startswith("in_")]
    tables["clinical"] = sheet.drop(columns=own)
    tables = LayerTables(tables, sheet.index)
    search = nested_search(settings)
    search.feature_sets = [f for f in search.feature_sets if only in (None, f.name)]
    return search.fit(tables, sheet["label"].to_numpy(dtype=int)), tables


@functools.cache
def fitted_search():
    return searched(patients_sheet())


@functools.cache
def frozen_model(feature_set, pairs=2):
    """Return a frozen model of a feature set; callers copy it before they change it."""
    search, tables = fitted_search()
    search.winner_ = feature_set
    truth = LABELS.to_numpy(dtype=int)
    return freeze(search, representations(), tables, truth, pairs=pairs)


@functools.cache
def representations():
    search, tables = fitted_search()
    return search.representations(tables, LABELS.to_numpy(dtype=int))


@functools.cache
def exported():
    """Return the members of a bundle, made by the very functions of the rule."""
    search, _ = fitted_search()
    model = frozen_model("mofa_clinical")
    told = manifest(search, model, labels=LABELS, label=LABEL)
    export = Export("one", LABEL, ["response", "TRD", "responder"], patients_sheet(), MINIMUM)
    rng = np.random.default_rng(0)
    n = 40
    results = pd.DataFrame(
        {
            "feature": [f"g{i}" for i in range(n)],
            "symbol": [f"g{i}" for i in range(n)],
            "base_mean": rng.uniform(1, 1e4, n),
            "log2_fold_change": rng.normal(size=n),
            "lfc_se": rng.uniform(0.1, 0.2, n),
        }
    )
    groups = {"n_positive": 37, "n_negative": 41, "design": "~ response"}
    export.effects("rna", "counts", results, groups)
    weights = results[["feature", "symbol"]].assign(Factor1=rng.normal(size=n))
    export.factors("rna", weights)
    export.variance(pd.DataFrame({"view": ["rna"], "factor": ["Factor1"], "r2": [0.2]}))
    metrics = pd.DataFrame(
        {
            "feature_set": ["selected"],
            "role": ["selected"],
            "metric": ["auroc"],
            "value": [0.7],
            "lower": [0.6],
            "upper": [0.8],
            "reason": [None],
        }
    )
    risk = LABELS * 0.3 + rng.uniform(0, 0.7, len(LABELS))
    predictions = pd.DataFrame({"patient_id": LABELS.index, "feature_set": "selected"})
    predictions = predictions.assign(
        repeat=1, fold=np.arange(len(LABELS)) % 3, probability=risk.to_numpy()
    )
    export.performance(metrics, predictions)
    sites = pd.DataFrame(
        {"feature_set": "selected", "role": "selected", "validation": ["left_out", "mixed"]}
    )
    sites = sites.assign(site="north", n_sites=3, auroc=[0.7, np.nan], lower=0.6, upper=0.8)
    export.sites(sites.reindex(columns=sites.columns.union(SITE_VALUES)))
    export.description(list(TABLES["clinical"].columns), None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(model, told, folder / MODEL, folder / MANIFEST)
        written = read_json(folder / MANIFEST)
        write_json(missing_layer_cost_summary(losses(), list(LAYERS), written), folder / FILE)
        export.model(folder, raw_tables(), None)
    return export, export.members(TABLES.patients)


def losses():
    """Return what missing layers cost, of 63 patients who have all."""
    rows = pd.DataFrame({"layers_missing": [joined(m) for m in missing_sets(LAYERS)]})
    rows = rows.assign(auroc=0.7123456, auroc_low=0.6, auroc_high=0.99999, loss=0.0123456)
    whole = rows["layers_missing"] == NOTHING
    rows = rows.assign(auroc=rows["auroc"].mask(whole, 0.7246912), loss=rows["loss"].mask(whole, 0))
    rows = rows.assign(loss_low=np.nan, loss_high=np.nan, n_patients=63, n_positive=32)
    return rows.assign(reason="")


def raw_tables():
    """Return the layers."""
    return {layer: TABLES[layer] for layer in LAYERS}


def read(members, name):
    return pd.read_csv(io.BytesIO(members[name]), sep="\t", keep_default_na=False)


def planted_table(members, name, table):
    return {**members, name: table_bytes(table)}
