"""Frozen models of every family, fitted once, and their files, changed."""

import functools
import hashlib
import json

from classification_data import cohort, config
from safetensors.numpy import load, save

from trdomics.classification.run_split import nested_search
from trdomics.files import read_json, write_json
from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.frozen_model.manifest import MANIFEST, MODEL
from trdomics.frozen_model.store import save_model
from trdomics.partner_json import format_of, with_checksum
from trdomics.schema import load_schema

CONFIG = config(inner_folds=2, regress_out=["age", "site"])
# 71 patients, 65 of them in each layer: no block or feature set has as many features
TABLES, LABELS = cohort(lacking=6)
TRUTH = LABELS.to_numpy(dtype=int)
MODELS = {
    "linear": (["elastic_net"], "early"),
    "forest": (["random_forest"], "early"),
    "boosting": (["gradient_boosting"], "mofa_clinical"),
    "stack": (["elastic_net"], "late_fusion_mofa"),
    "stack_of_trees": (["random_forest"], "late_fusion_mofa"),
    "combined": (["elastic_net", "ridge", "gradient_boosting"], "combined"),
}


@functools.cache
def representations():
    return nested_search(CONFIG).representations(TABLES, TRUTH)


@functools.cache
def searched(name):
    """Return a search over few feature sets and families, as if one set had been selected."""
    kinds, feature_set = MODELS[name]
    search = nested_search(config(models=kinds, inner_folds=2, regress_out=["age", "site"]))
    # stacks need the sets of their members
    search.feature_sets = [
        f
        for f in search.feature_sets
        if f.name == feature_set
        or (len(f.blocks) == 1 and "late" in feature_set)
        or (f.selectable and feature_set == "combined")
    ]
    search.fit_from(representations(), TRUTH)
    search.winner_ = feature_set
    return search


@functools.cache
def frozen_model(name):
    return freeze(searched(name), representations(), TABLES, TRUTH, pairs=2)


def described(name):
    return manifest(searched(name), frozen_model(name), labels=LABELS, label=CONFIG["label"])


def written(name, folder):
    """Write a model and return its folder."""
    save_model(frozen_model(name), described(name), folder / MODEL, folder / MANIFEST)
    return folder


def opened(content):
    """Return the names and the arrays of a model's file."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["model"]), dict(load(content))


def closed(tree, arrays):
    """Return a model's file of names and arrays."""
    return save(arrays, metadata={"model": json.dumps(tree)})


def copied(folder, tmp_path, **changes):
    (tmp_path / MODEL).write_bytes((folder / MODEL).read_bytes())
    write_json(with_checksum({**read_json(folder / MANIFEST), **changes}), tmp_path / MANIFEST)
    return tmp_path


def signed(folder, tmp_path, content):
    """Lay out a model whose manifest has the checksum of whatever content it is."""
    (tmp_path / MODEL).write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    described = {**read_json(folder / MANIFEST), "sha256": checksum}
    write_json(with_checksum(described), tmp_path / MANIFEST)
    return tmp_path


def write_manifest(folder, label, layers=()):
    """Write what is looked at of a frozen model before any job."""
    manifest = {
        "format": format_of(load_schema("model")),
        "version": "1",
        "label": {"column": "response", **label},
        "prevalence": 0.5,
        "n_training": 20,
        "n_positive": 10,
        "feature_set": "early",
        "model": "elastic_net",
        "params": {},
        "inner_auc": None,
        "layers": {name: {"type": "counts", "features": ["g1"]} for name in layers},
        "predictors": [],
        "blocks": {},
        "libraries": {},
        "sha256": 64 * "0",
        "probe": [0.5],
    }
    folder.mkdir(exist_ok=True)
    write_json(with_checksum(manifest), folder / MANIFEST)
