"""One MOFA fit by mofapy2, silent and reproducible.

mofapy2 (Argelaguet et al. 2020, doi 10.1186/s13059-020-02015-1) remains the engine: initialisation,
likelihoods, priors, schedule, evidence bound and convergence are its own. Where the nodes of
:mod:`trdomics.integration.builder` cover a case exactly, they compute the same updates with fewer
products.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # importing mofapy2 switches the warnings of the whole process off
    from mofapy2 import config as mofapy2_config
    from mofapy2.core.BayesNet import BayesNet
    from mofapy2.run.entry_point import entry_point

from trdomics.integration.builder import BuildModel, not_covered

Array = NDArray[np.floating]
Views = dict[str, Array]

LIKELIHOODS = ("gaussian", "bernoulli")
CONVERGENCE = ("fast", "medium", "slow")
# mofapy2's default: the bound, and with it convergence, is evaluated every 5 iterations
BOUND_EVERY = 5

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class MOFAFit:
    """A fitted MOFA model.

    Within one iteration mofapy2 updates Y (the pseudo-data of Bernoulli views), W, the priors of
    W, Z, and last τ. So `z` answers to the returned `w`, but to the τ of the iteration before; at
    convergence they agree. For Gaussian views, with A = Σₘ E[WₘᵀTₘWₘ] over the views the patient
    has (E[W²] on its diagonal) and b = Σₘ E[Wₘ]ᵀTₘ(yₘ − interceptsₘ), one update goes through the
    factors k in turn::

        z_variance[k] = 1 / (1 + A[k, k])
        z[k] = z_variance[k] · (b[k] − Σ_{j≠k} A[k, j] z[j])

    whose fixed point is z = (I + A)⁻¹ b. A Bernoulli view adds to A and b with a precision of
    its own for every patient and feature, 2λ(ζ), and the pseudo-data (2y − 1) / 4λ(ζ) −
    `intercepts`, where ζ² = E[(zᵀw)²] = (zᵀE[w])² + Σₖ (E[zₖ²]E[wₖ²] − E[zₖ]²E[wₖ]²) and
    λ(ζ) = tanh(ζ/2) / 4ζ. The intercepts are the means of the pseudo-data over all patients of
    the fit, also those who lack the view, for whom mofapy2 sets y = 0.

    Parameters
    ----------
    z, z_variance : array, shape (n, K)
        Mean and variance of the factors' posterior, inactive factors included.
    w, w2 : dict of str to array, shape (d, K)
        E[W] and E[W²] by view.
    tau : dict of str to array, shape (d,)
        Noise precision. Of a Bernoulli view, whose precision is the pseudo-data's and follows
        from the factors, the mean over the patients who have the view.
    intercepts : dict of str to array, shape (d,)
        Subtracted means: of Gaussian features, or of the pseudo-data of Bernoulli features.
    elbo : array, shape (iterations + 1,)
        The evidence bound before the first and after each iteration; NaN where it was not
        computed.
    seconds : array, shape (iterations + 1,)
        The time of each iteration, as reported by mofapy2.
    converged : bool
        Whether mofapy2's criterion was met.
    engine : str
        "fast", or "stock" with the reason.
    likelihoods : dict of str to str
        By view.
    data : dict of str to array, shape (n, d)
        The modelled data: centred Gaussian values, zeros and ones; NaN if missing.
    """

    z: Array
    z_variance: Array
    w: Views
    w2: Views
    tau: Views
    intercepts: Views
    elbo: Array
    seconds: Array
    converged: bool
    engine: str
    likelihoods: dict[str, str]
    seed: int
    data: Views


@contextlib.contextmanager
def contained() -> Iterator[io.StringIO]:
    """Shield the process from mofapy2's output, warnings and exits.

    mofapy2 prints every iteration, seeds numpy's global generator, switches precision by a global
    variable, and ends the process (with status 0) on most errors.

    Raises
    ------
    RuntimeError
        If mofapy2 would have ended the process; with the end of its output.
    """
    printed = io.StringIO()
    state, single = np.random.get_state(), mofapy2_config.use_float32  # noqa: NPY002
    try:
        with (
            contextlib.redirect_stdout(printed),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield printed
    except SystemExit as error:
        said = " ".join(printed.getvalue().split()[-40:])
        raise RuntimeError(f"mofapy2 failed; its last output: {said}") from error
    finally:
        np.random.set_state(state)  # noqa: NPY002
        mofapy2_config.use_float32 = single


def checked(
    views: Mapping[str, Array], likelihoods: Mapping[str, str], n_factors: int, convergence: str
) -> int:
    """Refuse inputs on which mofapy2 would fail; return the number of patients."""
    if not views:
        raise ValueError("MOFA needs at least one view")
    sizes = {view: values.shape for view, values in views.items()}
    n = {shape[0] for shape in sizes.values()}
    if len(n) != 1:
        raise ValueError(f"the views hold different numbers of patients: {sizes}")
    for view, values in views.items():
        if likelihoods.get(view) not in LIKELIHOODS:
            raise ValueError(f"view {view} needs one of the likelihoods {', '.join(LIKELIHOODS)}")
        if np.isinf(values).any():
            raise ValueError(f"view {view} has infinite values")
        if np.isnan(values).all(axis=0).any():
            raise ValueError(f"view {view} has no values, or features without values")
        if (
            likelihoods[view] == "bernoulli"
            and (np.isfinite(values) & (values != 0) & (values != 1)).any()
        ):
            raise ValueError(f"view {view} is bernoulli but has values other than 0 and 1")
    if convergence not in CONVERGENCE:
        raise ValueError(f"convergence must be one of {', '.join(CONVERGENCE)}: {convergence}")
    features = sum(shape[1] for shape in sizes.values())
    if not 1 <= n_factors <= min(*n, features):
        raise ValueError(
            f"{n_factors} factors from {n.pop()} patients and {features} features: MOFA starts "
            "from principal components and cannot have more factors than either"
        )
    return n.pop()


def configure(
    views: Mapping[str, Array], likelihoods: Mapping[str, str], **options: Any
) -> entry_point:
    """Pass data and options to mofapy2's entry point; all other options have their defaults."""
    model = entry_point()
    model.set_data_options(
        scale_views=False, center_groups=True, use_float32=options["dtype"] == "float32"
    )
    model.set_data_matrix(
        # mofapy2 copies
        [[values] for values in views.values()],
        likelihoods=[likelihoods[view] for view in views],
        views_names=list(views),
        groups_names=["group1"],
    )
    # as mofapy2 advises: relevance of factors by group only with several groups
    model.set_model_options(factors=options["n_factors"], ard_factors=False)
    model.set_train_options(
        # its loop omits the last iteration
        iter=options["max_iterations"] + 1,
        convergence_mode=options["convergence"],
        freqELBO=options["bound_every"],
        seed=options["seed"],
        dropR2=None,
        quiet=True,
    )
    return model


def fit_mofa(
    views: Mapping[str, Array],
    likelihoods: Mapping[str, str],
    *,
    n_factors: int,
    seed: int,
    max_iterations: int = 500,
    convergence: str = "medium",
    dtype: str = "float64",
    fast: bool = True,
    bound_every: int = BOUND_EVERY,
    start: str | Array = "pca",
) -> MOFAFit:
    """Fit MOFA with mofapy2's default priors: relevance by view, spike and slab on the weights.

    Gaussian views are scaled to unit variance overall, as by MOFA2's ``scale_views``: MOFA's start
    and priors suit values of that size, and a view of small values would lose all its factors. The
    fit is returned in the values' own units (w × s, τ / s², intercepts × s), which does not change
    factors and projection; the bound is that of the scaled values.

    No factor is dropped during training, so that results do not depend on a threshold: irrelevant
    factors remain, with weights near zero.

    Parameters
    ----------
    views : mapping of str to array, shape (n, d)
        Patients × features by view; a patient who lacks a view is a row of NaN. Not written to.
    likelihoods : mapping of str to {"gaussian", "bernoulli"}
        By view.
    n_factors : int
        K, at most the number of patients and of features.
    convergence : {"fast", "medium", "slow"}
        Relative change of the bound, over `bound_every` iterations and twice in a row, below
        5e-6, 5e-7 or 5e-8 of the first bound.
    dtype : {"float64", "float32"}
        Precision.
    fast : bool
        Use the fast updates where they are exact; otherwise the log says why not.
    bound_every : int
        Iterations between evaluations of the bound.
    start : {"pca", "random"} or array, shape (n, K)
        Factors start from principal components, as mofapy2's do, from the standard normal, or
        from values given, patients in the order of the views. Principal components are the same for
        every seed except for the rounding of a randomised algorithm, so only random starts show how
        stable an optimum is.

    Returns
    -------
    MOFAFit
        Of the last iteration.

    Raises
    ------
    ValueError
        If the input cannot be modelled.
    RuntimeError
        If mofapy2 fails, or the bound is not finite.
    """
    n = checked(views, likelihoods, n_factors, convergence)
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be float64 or float32: {dtype}")
    if isinstance(start, np.ndarray):
        if start.shape != (n, n_factors):
            raise ValueError(f"start must be patients × factors: {start.shape}")
    elif start not in ("pca", "random"):
        raise ValueError(f"start must be pca, random or an array: {start}")
    scales = {view: scale(views[view]) for view in views if likelihoods[view] == "gaussian"}
    views = {view: values / scales.get(view, 1.0) for view, values in views.items()}
    reason = not_covered(views) if fast else "asked for"
    engine = f"stock ({reason})" if reason else "fast"
    if fast and reason:
        log.warning("MOFA: stock updates, because %s", reason)

    with contained():
        model = configure(
            views,
            likelihoods,
            n_factors=n_factors,
            seed=seed,
            max_iterations=max_iterations,
            convergence=convergence,
            dtype=dtype,
            bound_every=bound_every,
        )
        builder = BuildModel(
            model.data,
            model.dimensionalities,
            model.data_opts,
            model.model_opts,
            model.train_opts,
            fast=not reason,
            start=start,
        )
        builder.main()
        net = BayesNet(model.dimensionalities, builder.get_nodes())
        net.setTrainOptions(model.train_opts)
        net.iterate()
    if not net.trained:
        raise KeyboardInterrupt
    return rescaled(collected(net, model, views, likelihoods, engine, seed), scales)


def scale(values: Array) -> float:
    """Return a view's total standard deviation around the features' means; 1 if it is constant."""
    spread = float(np.nanstd(values - np.nanmean(values, axis=0)))
    return spread if spread > 0 else 1.0


def rescaled(fit: MOFAFit, scales: Mapping[str, float]) -> MOFAFit:
    """Transform a fit of values divided by `scales` back to the units of the values."""

    def times(arrays: Views, power: int) -> Views:
        return {view: values * scales.get(view, 1.0) ** power for view, values in arrays.items()}

    return dataclasses.replace(
        fit,
        w=times(fit.w, 1),
        w2=times(fit.w2, 2),
        tau=times(fit.tau, -2),
        intercepts=times(fit.intercepts, 1),
        data=times(fit.data, 1),
    )


def collected(
    net: BayesNet,
    model: entry_point,
    views: Mapping[str, Array],
    likelihoods: Mapping[str, str],
    engine: str,
    seed: int,
) -> MOFAFit:
    """Extract a fit from mofapy2."""
    elbo = np.asarray(net.train_stats["elbo"], dtype=float)
    converged = len(elbo) <= net.options["maxiter"]
    # mofapy2's table has a row beyond its last iteration, unless it converged
    elbo = elbo if converged else elbo[:-1]
    evaluated = elbo[net.options["start_elbo"] :: net.options["freqELBO"]]
    if not np.isfinite(evaluated).all():
        raise RuntimeError("MOFA's evidence bound is not finite")
    weights = zip(views, net.nodes["W"].getNodes(), strict=True)
    moments = {view: node.getExpectations() for view, node in weights}
    tau, intercepts, data = {}, {}, {}
    for m, view in enumerate(views):
        y, noise = net.nodes["Y"].getNodes()[m], net.nodes["Tau"].getNodes()[m]
        mask = y.getMask(full=True)
        if likelihoods[view] == "gaussian":
            precision, subtracted = noise.Q.getExpectation()[0], model.intercepts[m][0]
            values = y.getValue()
        else:
            values, full = y.getValue(), np.asarray(noise.getValue(), dtype=float)
            precision = np.nanmean(np.where(mask, np.nan, full), axis=0)
            subtracted = y.means
        tau[view], intercepts[view] = np.array(precision), np.array(subtracted)
        values[mask] = np.nan
        data[view] = values
    z = net.nodes["Z"].Q
    return MOFAFit(
        z=np.asarray(z.expectations["E"], dtype=float),
        z_variance=np.asarray(z.params["var"], dtype=float),
        w={view: np.array(m["E"], dtype=float, order="C") for view, m in moments.items()},
        w2={view: np.array(m["E2"], dtype=float, order="C") for view, m in moments.items()},
        tau=tau,
        intercepts=intercepts,
        elbo=elbo,
        seconds=np.asarray(net.train_stats["time"], dtype=float)[: len(elbo)],
        converged=converged,
        engine=engine,
        likelihoods={view: likelihoods[view] for view in views},
        seed=seed,
        data=data,
    )
