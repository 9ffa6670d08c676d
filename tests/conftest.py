"""A small simulated cohort and the default one, each run once; tests look at them or run more."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from running import REPOSITORY, run, write_config

from trdomics.files import write_table
from trdomics.simulation.cohort import COHORT_SEED, draw_cohort
from trdomics.simulation.sheet import make_sheet

PATIENTS = 120


def small(config: dict) -> dict:
    """Shrink the default config to what runs in a minute or two."""
    config["cohort"] = "small"
    for layer in config["layers"].values():
        for key in ("file", "features"):
            if key in layer:
                layer[key] = layer[key].replace("results/simulated/", "results/small/")
        layer["integration_features"] = layer["model_features"] = 100
    config["layers"]["mutations"]["min_prevalence"] = 0.05
    config["integration"].update(factors=5, seeds=[1, 2], max_iterations=60)
    config["classification"].update(
        repeats=1, folds=3, inner_folds=3, permutations=2, bootstrap=200
    )
    config["simulation"].update(genes=700, small_rnas=120, variant_genes=60)
    return config


@pytest.fixture(scope="session")
def small_config() -> dict:
    return small(yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text("utf-8")))


@pytest.fixture(scope="session")
def sheet() -> pd.DataFrame:
    return make_sheet(draw_cohort(PATIENTS), COHORT_SEED)


@dataclasses.dataclass(frozen=True)
class Cohort:
    """A folder in which a cohort was run."""

    folder: Path
    config: Path
    settings: dict

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.settings["cohort"]


def lay_out(folder: Path, settings: dict, sheet: pd.DataFrame) -> Cohort:
    """Write a cohort's sheet and config into a folder of its own."""
    (folder / "config").mkdir(parents=True)
    write_table(sheet, folder / "config" / "samples.tsv")
    return Cohort(folder, write_config(folder, settings), settings)


@pytest.fixture(scope="session")
def ran(tmp_path_factory, small_config, sheet) -> Cohort:
    """Return the small cohort after a whole run on two cores."""
    cohort = lay_out(tmp_path_factory.mktemp("small") / "run", small_config, sheet)
    done = run(cohort.folder, cohort.config)
    assert done.returncode == 0, done.stderr[-6000:]
    return cohort


@pytest.fixture
def copy(ran, tmp_path) -> Cohort:
    """Return a copy of the run cohort for a test that changes it."""
    folder = tmp_path / "copy"
    shutil.copytree(ran.folder, folder, symlinks=True)
    return Cohort(folder, folder / ran.config.name, ran.settings)


@pytest.fixture(scope="session")
def default_results(tmp_path_factory) -> Path:
    """Return the results of the shipped cohort after a local run; nothing may be written there."""
    folder = tmp_path_factory.mktemp("default")
    shutil.copytree(REPOSITORY / "config", folder / "config")
    done = run(folder, folder / "config" / "config.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder / "results" / "simulated"
