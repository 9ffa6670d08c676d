"""Simulation of a mechanistic model: experiments and measures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import antimony
import numpy as np
import pandas as pd
import roadrunner

from trdomics.errors import InputError
from trdomics.mechanism.specification import Condition, Settings, Specification

MEASURES = ("base", "acute", "chronic", "acute_rise", "chronic_rise")
# (readout, measure) -> value
Measured = dict[tuple[str, str], float]


class Simulator:
    """A model that is compiled once and run many times.

    The equations are integrated by CVODE (libroadrunner), whose steps adapt to stiff systems.

    Raises
    ------
    InputError
        If the model cannot be read, or lacks a name used in the specification.
    """

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        where = str(specification.model)
        antimony.clearPreviousLoads()
        if antimony.loadAntimonyFile(where) < 0:
            raise InputError(where, antimony.getLastError(), "correct the Antimony model")
        self.sbml: str = antimony.getSBMLString(antimony.getMainModuleName())
        # the solver's warnings belong in a log like its errors
        os.environ.setdefault("SUNLOGGER_WARNING_FILENAME", "stderr")
        self._runner = roadrunner.RoadRunner(self.sbml)
        self._runner.integrator.relative_tolerance = 1e-7
        self._runner.integrator.absolute_tolerance = 1e-9
        self._check_names(where)
        self._columns = ["time", *(r.variable for r in specification.readouts.values())]
        self._runner.timeCourseSelections = self._columns

    def _check_names(self, where: str) -> None:
        found = self.specification
        used = {*found.parameters, *found.treatment, *(found.at_once or {}).values()}
        used |= {readout.variable for readout in found.readouts.values()}
        used |= {link.parameter for link in found.links.values()}
        used |= {found.map[axis]["parameter"] for axis in ("x", "y")}
        for condition in found.conditions.values():
            used |= {*condition.set, *condition.at_start, *condition.take}
        for name in sorted(used):
            try:
                self._runner[name]
            except RuntimeError as error:
                raise InputError(
                    where, f"has no {name}, which {found.path} names", "name what the model has"
                ) from error

    def course(
        self, condition: Condition, settings: Settings, points: int = 200
    ) -> tuple[pd.Series, pd.DataFrame]:
        """Run an experiment.

        Parameters
        ----------
        condition : Condition
            Without `take`; see :meth:`measure`.
        settings : mapping
            Parameter → value, before the condition's own.
        points : int
            Times of the course after the start of the drug, the acute one among them.

        Returns
        -------
        base : Series, shape (n_readouts,)
            Before the drug.
        course : DataFrame, shape (points, n_readouts)
            By hours after its start: the start, the acute time, and equal steps to the last day.

        Raises
        ------
        RuntimeError
            If the equations cannot be integrated.
        """
        found, runner = self.specification, self._runner
        runner.resetAll()
        for name, value in {**settings, **condition.set}.items():
            runner[name] = value
        base = runner.simulate(0, found.settle, 2)[-1]
        for name, value in condition.at_start.items():
            runner[name] = value
        if condition.drug:
            for name, value in found.treatment.items():
                runner[name] = value
            if found.at_once:
                runner[found.at_once["state"]] = runner[found.at_once["value"]]
        acute, end = found.settle + found.acute_hours, found.settle + 24 * found.days
        parts = [
            runner.simulate(found.settle, acute, 2),
            runner.simulate(acute, end, points - 1)[1:],
        ]
        factors = np.array([readout.factor for readout in found.readouts.values()])
        table = np.vstack(parts)
        names = list(found.readouts)
        course = pd.DataFrame(table[:, 1:] * factors, table[:, 0] - found.settle, names)
        return pd.Series(base[1:] * factors, names), course

    def measure(
        self, settings: Settings, conditions: Iterable[str] | None = None
    ) -> dict[str, Measured]:
        """Run experiments and return the measures of each.

        Parameters
        ----------
        settings : mapping
            Parameter → value.
        conditions : iterable of str, optional
            All of them by default.

        Returns
        -------
        dict
            Condition → (readout, measure) → value; NaN if the equations cannot be integrated.
        """
        done: dict[str, Measured] = {}
        wanted = list(conditions or self.specification.conditions)
        # conditions from which others take settings come first
        for name in sorted(wanted, key=lambda each: bool(self.specification.conditions[each].take)):
            condition = self.specification.conditions[name]
            own = dict(settings)
            for parameter, taken in condition.take.items():
                of = (
                    done.get(taken["condition"])
                    or self.measure(settings, [taken["condition"]])[taken["condition"]]
                )
                readout = self.specification.readouts[taken["readout"]]
                own[parameter] = of[taken["readout"], "base"] / readout.factor
            done[name] = self._measured(condition, own)
        return done

    def _measured(self, condition: Condition, settings: Settings) -> Measured:
        try:
            base, course = self.course(condition, settings, points=3)
        except RuntimeError:
            return {(r, m): np.nan for r in self.specification.readouts for m in MEASURES}
        acute, chronic = (
            course.loc[course.index >= self.specification.acute_hours].iloc[[0, -1]].values
        )
        found: Measured = {}
        for i, readout in enumerate(self.specification.readouts):
            start = base[readout]
            rises = (
                (acute[i] / start - 1, chronic[i] / start - 1) if start > 0 else (np.nan, np.nan)
            )
            found |= zip(
                ((readout, measure) for measure in MEASURES),
                map(float, (start, acute[i], chronic[i], *rises)),
                strict=True,
            )
        return found

    def defaults(self) -> Mapping[str, float]:
        """Return the parameters at their values."""
        return {name: each.value for name, each in self.specification.parameters.items()}
