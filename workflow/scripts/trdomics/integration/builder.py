"""mofapy2's model, built with the fast nodes where they are exact."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

with warnings.catch_warnings():
    # importing mofapy2 disables the warnings of the whole process
    from mofapy2.build_model.build_model import buildBiofam
    from mofapy2.core.nodes.multiview_nodes import Multiview_Mixed_Node, Multiview_Variational_Node

from trdomics.integration.nodes_data import FastBernoulliTau, FastBernoulliY, FastTau, FastY
from trdomics.integration.nodes_factors import FastW, FastZ

Array = NDArray[np.floating]


def not_covered(views: Mapping[str, Array]) -> str | None:
    """Return why the fast updates are not exact for these data, None if they are."""
    for view, values in views.items():
        missing = np.isnan(values)
        if (missing.any(axis=1) & ~missing.all(axis=1)).any():
            return f"view {view} lacks single values, not whole patients"
    return None


class BuildModel(buildBiofam):
    """mofapy2's builder; with `fast`, nodes are replaced by faster equivalent subclasses.

    The subclasses support mofapy2's default priors: relevance by view and spike and slab on the
    weights, a standard normal on the factors.
    """

    def __init__(self, *args: Any, fast: bool, start: str | Array = "pca") -> None:
        super().__init__(*args)
        self.fast = fast
        self.start = start

    def build_Z(self) -> None:
        """Initialise the factors; with `fast`, mofapy2's PCA takes less memory.

        mofapy2 imputes absent patients by the mean, and rescales the scores to [−1, 1]. Its
        imputation and PCA make several copies of all views.
        """
        if isinstance(self.start, np.ndarray) or self.start == "random":
            self.init_model.initZ(qmean=self.start, weight_views=self.train_opts["weight_views"])
            return
        if not self.fast:
            super().build_Z()
            return
        filled = np.concatenate(self.data, axis=1)
        start = 0
        for values in self.data:
            part = filled[:, start : start + values.shape[1]]
            absent = np.isnan(values[:, 0])
            part[absent] = 0.0
            part[absent] = part.sum(axis=0) / (~absent).sum()
            start += values.shape[1]
        # numpy's global generator, which mofapy2 has seeded, draws the projection
        components = PCA(self.dim["K"]).fit(filled).components_
        scores = filled @ components.T
        scores = 2.0 * (scores - scores.min(axis=0)) / np.ptp(scores, axis=0) - 1
        self.init_model.initZ(qmean=scores, weight_views=self.train_opts["weight_views"])

    def build_nodes(self) -> None:
        """Let mofapy2 initialise every node, then hand over."""
        super().build_nodes()
        if not self.fast:
            return
        nodes = self.init_model.nodes
        binary = [likelihood == "bernoulli" for likelihood in self.model_opts["likelihoods"]]

        def adopted(name: str, of_binary: Any, of_gaussian: Any) -> list[Any]:
            return [
                (of_binary if is_binary else of_gaussian).adopt(node)
                for is_binary, node in zip(binary, nodes[name].getNodes(), strict=True)
            ]

        m = len(binary)
        nodes["Z"] = FastZ.adopt(nodes["Z"])
        nodes["W"] = Multiview_Variational_Node(m, *adopted("W", FastW, FastW))
        nodes["Tau"] = Multiview_Mixed_Node(m, *adopted("Tau", FastBernoulliTau, FastTau))
        self.init_model.Y = Multiview_Mixed_Node(m, *adopted("Y", FastBernoulliY, FastY))
        nodes["Y"] = self.init_model.Y
