"""Which lists and arrays of a frozen model are, by their place, of no patients."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# Attributes by class, or keys below them. Each is per feature, factor, column, class, replicate or
# quantile in the class's own code; what is not here is measured, so that a new attribute that
# keeps a value per patient is found whatever else has as many values.
OF_NO_PATIENTS: dict[str, set[str]] = {
    "CountsNormaliser": {"reference_", "trend_", "means_"},
    "ContinuousNormaliser": {"means_"},
    "BinaryNormaliser": {"means_"},
    "GeneBurden": {"excluded_carriers_", "means_"},
    "CovariateResidualiser": {"centre_", "scale_", "mean_", "coefficients_"},
    "IntegrationViews": {"feature_names_"},
    "MOFATransformer": {
        *("w_", "w2_", "tau_", "intercepts_", "variance_explained_"),
        *("elbo_", "agreement_"),
    },
    "ColumnTransformer": {
        *("transformers", "transformers_", "_columns", "_transformer_to_input_indices"),
        "_remainder",
    },
    "SimpleImputer": {"statistics_"},
    "StandardScaler": {"mean_", "var_", "scale_"},
    "OneHotEncoder": {"categories_", "_n_features_outs", "_drop_idx_after_grouping"},
    "Pipeline": {"steps"},
    "SelectKBest": {"scores_", "pvalues_"},
    "LogisticRegression": {"classes_", "coef_", "intercept_", "n_iter_"},
    "BlockModel": {"classes_"},
    "LateFusion": {"classes_", "models_", "weights_"},
    "TrainingReference": {"mean", "precision", "deciles", "fold_means", "fold_sizes"},
    "HalfSampleReplicates": {"members_", "weights_", "intercepts_", "slopes_", "offsets_"},
    "FlatMember": {"priors_", "fitted_", "columns_", "constants_", "coefficients_"},
}
DESCRIPTION = "schema.json"
# skops' node of a text, a number or nothing, as JSON.
JSON_NODE = "JsonNode"


@dataclass(frozen=True)
class Lists:
    """What a skops file lists.

    Attributes
    ----------
    lists : list of (str, int)
        Places and lengths of lists, and of dicts whose keys are numbers, that could be of patients.
        skops' own structure, the attributes of objects and lists of distinct names (which are
        searched as names) are none.
    texts : list of (str, list of str)
        Places and texts of all lists, of single texts, and keys of all dicts.
    numbers : list of (str, list of float)
        Places and numbers of all lists.
    arrays : set of str
        Array files that stand only in places of no patients.
    """

    lists: list[tuple[str, int]]
    texts: list[tuple[str, list[str]]]
    numbers: list[tuple[str, list[float]]]
    arrays: set[str]


def lists_of(schema: Any) -> Lists:
    """Return what is to be measured and searched of a skops file, and what need not be.

    Parameters
    ----------
    schema : Any
        The parsed ``schema.json``.
    """
    walk = _Walk()
    walk.node(schema, "", "", "")
    return Lists(walk.lists, walk.texts, walk.numbers, walk.known - walk.unknown)


def are_names(values: Any) -> bool:
    """Tell whether values are distinct texts: names, and no labels of patients."""
    kept = list(values)
    texts = all(isinstance(value, str) and not value.isdigit() for value in kept)
    return texts and len(set(kept)) == len(kept)


class _Walk:
    """Collects the results of :func:`lists_of`."""

    def __init__(self) -> None:
        self.lists: list[tuple[str, int]] = []
        self.texts: list[tuple[str, list[str]]] = []
        self.numbers: list[tuple[str, list[float]]] = []
        self.known: set[str] = set()
        self.unknown: set[str] = set()

    def node(self, node: Any, owner: str, attribute: str, key: str) -> None:
        """Walk on from a node at a key below an attribute of an object of the class `owner`."""
        if isinstance(node, list):
            for item in node:
                # a text of a list was read with the others
                if not isinstance(_plain(item), str):
                    self.node(item, owner, attribute, key)
        if not isinstance(node, dict):
            return
        known = bool(OF_NO_PATIENTS.get(owner, set()) & {attribute, key})
        loader, content = node.get("__loader__"), node.get("content")
        if "file" in node:
            (self.known if known else self.unknown).add(str(node["file"]))
        if loader == "ObjectNode":
            self.attributes(content, str(node.get("__class__")))
            return
        place = f"{owner}.{attribute}"
        if loader == "DictNode" and isinstance(content, dict):
            self.texts.append((place, list(content)))
            if not known and not are_names(content):
                self.lists.append((place, len(content)))
            for name, item in content.items():
                self.node(item, owner, attribute, name)
            return
        if loader == JSON_NODE:
            self.texts.append((place, [str(_plain(node))]))
        if isinstance(content, list):
            items = [_plain(item) for item in content]
            self.texts.append((place, [item for item in items if isinstance(item, str)]))
            self.numbers.append((place, [i for i in items if isinstance(i, (int, float))]))
            if not known and not are_names(items):
                self.lists.append((place, len(content)))
        for name, item in node.items():
            # the types of a dict's keys and the shape of an array of texts stand beside them
            if name not in ("key_types", "shape"):
                self.node(item, owner, attribute, key)

    def attributes(self, content: Any, owner: str) -> None:
        """Walk through an object, whose attributes count nothing."""
        attributes = content.get("content") if isinstance(content, dict) else None
        if not isinstance(attributes, dict):
            self.node(content, owner, "", "")
            return
        for name, item in attributes.items():
            self.node(item, owner, name, name)


def _plain(node: Any) -> Any:
    """Return the text or the number of a node, and other nodes as they are."""
    if isinstance(node, dict) and node.get("__loader__") == JSON_NODE:
        return json.loads(node["content"])
    return node
