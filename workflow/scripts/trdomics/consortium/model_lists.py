"""Which lists and arrays of a frozen model are, by their place, of no patients."""

from __future__ import annotations

from collections.abc import Iterator
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
    "TrainingReference": {"mean", "precision", "deciles", "fold_means"},
    "HalfSampleReplicates": {"members_", "weights_", "intercepts_", "slopes_", "offsets_"},
    "FlatMember": {"priors_", "fitted_", "columns_", "constants_", "coefficients_"},
}
DESCRIPTION = "schema.json"


def lists_of(schema: Any) -> tuple[list[tuple[str, int]], set[str]]:
    """Return what is to be measured of a skops file, and its arrays that need not be.

    Parameters
    ----------
    schema : Any
        The parsed ``schema.json``.

    Returns
    -------
    lists : list of (str, int)
        Places and lengths of lists, and of dicts whose keys are numbers, that could be of patients.
        skops' own structure, the attributes of objects and lists of distinct names (which are
        searched as names) are none.
    known : set of str
        Array files that stand only in places of no patients.
    """
    walk = _Walk()
    walk.node(schema, "", "", "")
    return walk.lists, walk.known - walk.unknown


def are_names(values: Any) -> bool:
    """Tell whether values are distinct texts: names, and no labels of patients."""
    kept = list(values)
    texts = all(isinstance(value, str) and not value.isdigit() for value in kept)
    return texts and len(set(kept)) == len(kept)


class _Walk:
    """Collects the results of :func:`lists_of`."""

    def __init__(self) -> None:
        self.lists: list[tuple[str, int]] = []
        self.known: set[str] = set()
        self.unknown: set[str] = set()

    def node(self, node: Any, owner: str, attribute: str, key: str) -> None:
        """Walk on from a node at a key below an attribute of an object of the class `owner`."""
        if isinstance(node, list):
            for item in node:
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
        if loader == "DictNode" and isinstance(content, dict):
            if not known and not are_names(content):
                self.lists.append((f"{owner}.{attribute}", len(content)))
            for name, item in content.items():
                self.node(item, owner, attribute, name)
            return
        if isinstance(content, list) and not known and not are_names(_texts(content)):
            self.lists.append((f"{owner}.{attribute}", len(content)))
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


def _texts(items: list[Any]) -> Iterator[Any]:
    """Return the texts of a list's nodes, and the nodes that are none as they are."""
    for item in items:
        content = item.get("content") if isinstance(item, dict) else item
        quoted = isinstance(content, str) and content.startswith('"')
        yield content if quoted else item
