"""Uncertainty of a model's statements: draws of its parameters, and their sensitivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from SALib.analyze import morris as morris_analysis
from SALib.sample import morris as morris_sample
from scipy.stats import qmc

from trdomics.mechanism.simulation import Measured, Simulator
from trdomics.mechanism.specification import Parameter, Specification, Statement


def draw_parameters(specification: Specification, draws: int, seed: int) -> pd.DataFrame:
    """Draw the uncertain parameters from their ranges, by Latin hypercube.

    Returns
    -------
    DataFrame, shape (draws, n_parameters)
        Uniform on the log scale where the range excludes zero, uniform otherwise.
    """
    names = list(specification.parameters)
    sampler = qmc.LatinHypercube(len(names), rng=np.random.default_rng(seed))
    unit = sampler.random(draws)
    return pd.DataFrame(
        {name: _scaled(specification.parameters[name], unit[:, i]) for i, name in enumerate(names)}
    )


def as_settings(parameters: pd.DataFrame) -> list[dict[str, float]]:
    """Return a mapping of parameter → value for each draw."""
    return [{str(k): float(v) for k, v in r.items()} for r in parameters.to_dict("records")]


def _scaled(parameter: Parameter, share: np.ndarray) -> np.ndarray:
    if parameter.low > 0:
        return parameter.low * (parameter.high / parameter.low) ** share
    return parameter.low + (parameter.high - parameter.low) * share


def share_of_draws(simulator: Simulator, parameters: pd.DataFrame) -> pd.DataFrame:
    """Return the share of draws in which each statement holds.

    Parameters
    ----------
    parameters : DataFrame, shape (n_draws, n_parameters)

    Returns
    -------
    DataFrame
        A row per statement: statement, holds_at_default (1 or 0), share of the draws in which it
        holds, n_draws that could be integrated, value_at_default and its lower and upper (5th and
        95th percentile over the draws) of the measure, or of its ratio to the one it is compared
        with; limit, direction, source.
    """
    statements = simulator.specification.statements
    at_default = simulator.measure(simulator.defaults())
    drawn = [simulator.measure(row) for row in as_settings(parameters)]
    rows = []
    for statement in statements:
        values = np.array([_value(statement, found) for found in drawn])
        values = values[np.isfinite(values)]
        default = _value(statement, at_default)
        limit = statement.above if statement.above is not None else statement.below
        low, high = np.quantile(values, [0.05, 0.95]) if len(values) else (np.nan, np.nan)
        rows.append(
            {
                "statement": statement.name,
                "holds_at_default": int(_holds(statement, np.array([default]))[0]),
                "share": _holds(statement, values).mean() if len(values) else np.nan,
                "n_draws": len(values),
                "value_at_default": default,
                "lower": low,
                "upper": high,
                "direction": "above" if statement.above is not None else "below",
                "limit": limit,
                "source": statement.source,
            }
        )
    return pd.DataFrame(rows)


def _value(statement: Statement, found: dict[str, Measured]) -> float:
    """Return the measure, or its ratio to the one it is compared with."""
    value = found[statement.condition][statement.readout, statement.measure]
    if statement.against is None:
        return value
    other = found[statement.against["condition"]][statement.readout, statement.against["measure"]]
    return value / other if other > 0 else float("nan")


def _holds(statement: Statement, values: np.ndarray) -> np.ndarray:
    if statement.above is not None:
        return values > statement.above
    return values < statement.below


def sensitivity(simulator: Simulator, condition: str, seed: int, paths: int = 10) -> pd.DataFrame:
    """Return each parameter's effect on the response, by Morris' elementary effects.

    Parameters
    ----------
    paths : int
        Each takes one run per parameter, plus one.

    Returns
    -------
    DataFrame
        parameter, mu_star (mean absolute effect of a change through its range, in units of the
        response), its 95 % interval's half width mu_star_conf, sigma (interactions and curvature),
        n_failed. The largest first (Campolongo 2007, doi 10.1016/j.envsoft.2006.10.004).
    """
    specification = simulator.specification
    names = list(specification.parameters)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    unit = morris_sample.sample(problem, paths, num_levels=4, seed=seed)
    responses = []
    for row in unit:
        settings = {
            name: float(_scaled(specification.parameters[name], row[i]))
            for i, name in enumerate(names)
        }
        responses.append(
            simulator.measure(settings, [condition])[condition][specification.response]
        )
    found = np.array(responses)
    failed = ~np.isfinite(found)
    found[failed] = np.nanmedian(found)
    effects = morris_analysis.analyze(problem, unit, found, num_levels=4, seed=seed)
    table = pd.DataFrame(
        {
            "parameter": names,
            "mu_star": np.asarray(effects["mu_star"], dtype=float),
            "mu_star_conf": np.asarray(effects["mu_star_conf"], dtype=float),
            "sigma": np.asarray(effects["sigma"], dtype=float),
            "n_failed": int(failed.sum()),
        }
    )
    return table.sort_values("mu_star", ascending=False, kind="stable", ignore_index=True)
