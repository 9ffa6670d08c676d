"""What a skops file may hold, checked before skops sees it: a closed list, ours only.

skops trusts several hundred types, among them every estimator of scikit-learn, and imports what a
file names. A frozen model needs a few dozen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from skops.io._protocol import PROTOCOL

from trdomics.archive import AGAIN, read_array
from trdomics.errors import InputError

OWN = (
    "trdomics.classification.feature_blocks.ColumnBlock",
    "trdomics.classification.feature_blocks.LayerBlock",
    "trdomics.frozen_model.flat_heads.FlatMember",
    "trdomics.frozen_model.frozen.FrozenModel",
    "trdomics.classification.stacking.LateFusion",
    "trdomics.classification.classifiers.BlockModel",
    "trdomics.classification.calibration.Platt",
    "trdomics.frozen_model.uncertainty.HalfSampleReplicates",
    "trdomics.classification.representation.MultiOmicsRepresentation",
    "trdomics.frozen_model.training_reference.TrainingReference",
    "trdomics.integration.mofa.MOFATransformer",
    "trdomics.integration.views.IntegrationViews",
    "trdomics.layers.burden.GeneBurden",
    "trdomics.layers.counts.CountsNormaliser",
    "trdomics.layers.residualise.CovariateResidualiser",
    "trdomics.layers.select.TopVariance",
    "trdomics.layers.values.BinaryNormaliser",
    "trdomics.layers.values.ContinuousNormaliser",
)
SCIKIT_LEARN = (
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._gb.GradientBoostingClassifier",
    "sklearn.feature_selection._univariate_selection.SelectKBest",
    "sklearn.impute._base.SimpleImputer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor",
)
NUMBERS = ("bool", "bool_", "float32", "float64", "int32", "int64", "str_")
# By skops' loader, which decides what it does with a node of that name.
LOADERS: dict[str, tuple[str, ...]] = {
    "DTypeNode": ("numpy.dtype",),
    "DictNode": ("builtins.dict",),
    "FunctionNode": ("trdomics.classification.classifiers.anova_f",),
    "JsonNode": ("builtins.str",),
    "ListNode": ("builtins.list",),
    "LossNode": ("sklearn._loss._loss.CyHalfBinomialLoss",),
    "NdArrayNode": ("numpy.ndarray", *(f"numpy.{name}" for name in NUMBERS)),
    "ObjectNode": (*OWN, *SCIKIT_LEARN),
    "RandomStateNode": ("numpy.random.mtrand.RandomState",),
    "SliceNode": ("builtins.slice",),
    "TreeNode": ("sklearn.tree._tree.Tree",),
    "TupleNode": ("builtins.tuple",),
    "TypeNode": (
        "builtins.str",
        "builtins.int",
        "builtins.float",
        *(f"numpy.{name}" for name in NUMBERS),
    ),
}
TYPES = frozenset(name for names in LOADERS.values() for name in names)
# A model describes itself in a tenth of that, nested a third as deep.
MAX_SCHEMA_BYTES, MAX_NESTING = 2**26, 100


def check_schema(members: Mapping[str, bytes], where: str) -> None:
    """Check that each object which a skops file describes is of a type on our list.

    Parameters
    ----------
    members : mapping of str to bytes
        Of the archive.
    where : str
        What errors name.

    Raises
    ------
    InputError
        At the first that is not, or if there is no readable description.
    """
    if len(members.get("schema.json", b"")) > MAX_SCHEMA_BYTES:
        raise InputError(where, f"describes more than {MAX_SCHEMA_BYTES // 2**20} MiB", AGAIN)
    try:
        schema = json.loads(members["schema.json"])
        nodes = list(_nodes(schema))
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(where, f"is no frozen model ({error})", AGAIN) from error
    # an older protocol would have skops read nodes by older, laxer rules
    if not isinstance(schema, dict) or schema.get("protocol") != PROTOCOL:
        raise InputError(where, "was not written by the skops of this version", AGAIN)
    for node in nodes:
        loader = node.get("__loader__")
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name not in LOADERS.get(str(loader), ()):
            raise InputError(where, f"holds a type that is not trusted: {name[:80]}", AGAIN)
        if "file" in node and node["file"] not in members:
            raise InputError(where, "lacks an array that it describes", AGAIN)
        if loader in ("LossNode", "TreeNode") and not _is_built_plainly(node):
            raise InputError(where, f"builds a {name[:80]} as no model does", AGAIN)
    _check_sharing(schema, where)


def _is_built_plainly(node: Mapping[str, Any]) -> bool:
    """Return whether compiled code is called with what it was called with when it was written."""
    try:
        args = node["__reduce__"]["args"]["content"]
        if node["__loader__"] == "LossNode":
            return not args and not node["content"]["content"]
        # a tree makes room for so many outputs
        loaders = [arg["__loader__"] for arg in args]
        return loaders == ["JsonNode", "NdArrayNode", "JsonNode"] and args[2]["content"] == "1"
    except (KeyError, TypeError, IndexError):
        return False


def _check_sharing(schema: Any, where: str) -> None:
    """Check that what is named as the same object is described alike each time, in full.

    skops takes the first object of a name for all others, whatever they say. Short references
    within references would unfold to more than any memory holds, or go round for ever.

    Raises
    ------
    InputError
        If it is not, if two objects share an array's file, or if the description is too deep.
    """
    shapes: dict[Any, int] = {}
    objects: dict[int, int] = {}
    files: dict[str, int] = {}

    def shape_of(part: Any, depth: int) -> int:
        """Return a number that all parts of the same content have, whatever their names."""
        if depth > MAX_NESTING:
            raise InputError(where, "is nested too deep for a model", AGAIN)
        content: Any = (type(part).__name__, repr(part))
        if isinstance(part, list):
            content = tuple(shape_of(item, depth + 1) for item in part)
        if isinstance(part, dict):
            # the root has two keys more, but nothing can refer to it from within
            content = tuple(
                (key, shape_of(value, depth + 1))
                for key, value in part.items()
                if not (key == "__id__" or (key == "file" and isinstance(value, str)))
            )
        shape = shapes.setdefault((type(part).__name__, content), len(shapes))
        if isinstance(part, dict) and ("__id__" in part or "file" in part):
            name = part.get("__id__")
            if type(name) is not int or objects.setdefault(name, shape) != shape:
                raise InputError(where, "describes an object twice, differently", AGAIN)
            file = part.get("file")
            if isinstance(file, str) and files.setdefault(file, name) != name:
                raise InputError(where, "has two objects of the same array", AGAIN)
        return shape

    shape_of(schema, 0)


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a description, however deep."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            if "__class__" in part or "__module__" in part or "__loader__" in part:
                yield part


def check_members(members: Mapping[str, bytes], where: str) -> None:
    """Check that all members but the description are plain arrays of the size they declare.

    Raises
    ------
    InputError
        At the first that is not.
    """
    for name, content in members.items():
        if name.endswith(".npy"):
            read_array(content, f"{where} ({name})")
