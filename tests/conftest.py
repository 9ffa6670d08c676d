"""Cohorts that are run once and shared; tests look at them, or change a copy."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from nasty import poison
from running import REPOSITORY, kill_in_the_midst, run, write_config

from trdomics.files import write_table
from trdomics.simulation.cohort import COHORT_SEED, draw_cohort
from trdomics.simulation.sheet import make_sheet

PATIENTS = 120


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Send tests that share an expensive fixture to one worker: a file's, or the cohort's."""
    for item in items:
        shared = "simulated" in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("cohort" if shared else item.path.stem))


def small(config: dict) -> dict:
    """Shrink the default config to what runs in a minute or two."""
    config["cohort"] = "small"
    for layer in config["layers"].values():
        for key in ("file", "features"):
            if key in layer:
                layer[key] = layer[key].replace("results/simulated/", "results/small/")
        layer["integration_features"] = layer["model_features"] = 100
    config["panels"] = ["serotonin"]
    config["pharmacogenes"]["medication"] = "results/small/simulation/medication.tsv"
    config["mechanism"]["draws"] = 20
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
    """A folder in which a cohort is run."""

    folder: Path
    config: Path
    settings: dict
    sheet: pd.DataFrame

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.settings["cohort"]


def lay_out(folder: Path, settings: dict, sheet: pd.DataFrame) -> Cohort:
    """Write a cohort's sheet and config into a folder of its own."""
    (folder / "config").mkdir(parents=True)
    write_table(sheet, folder / "config" / "samples.tsv")
    return Cohort(folder, write_config(folder, settings), settings, sheet)


def copied(cohort: Cohort, folder: Path) -> Cohort:
    """Return a copy of a cohort, with what was made of it, for a test that changes it."""
    shutil.copytree(cohort.folder, folder, symlinks=True)
    config = folder / cohort.config.name
    return Cohort(folder, config, copy.deepcopy(cohort.settings), cohort.sheet)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory, small_config, sheet) -> Cohort:
    """Return the small cohort with its raw files, and nothing else, made by the workflow."""
    cohort = lay_out(tmp_path_factory.mktemp("small") / "run", small_config, sheet)
    done = run(cohort.folder, cohort.config, "results/small/simulation/mutations.vcf.gz")
    assert done.returncode == 0, done.stderr[-6000:]
    return cohort


@pytest.fixture(scope="session")
def lay_out_nasty(simulated) -> Callable[[Path], Cohort]:
    """Return what lays out the small cohort under names that are commands, paths and tags."""

    def into(folder: Path) -> Cohort:
        folder.mkdir(parents=True)
        settings = copy.deepcopy(simulated.settings)
        # of trees, whose leaves are few patients, no model is exported
        settings["classification"]["models"] = ["elastic_net"]
        raw = simulated.results / "simulation"
        renamed, settings = poison(folder, raw, simulated.sheet, settings)
        return lay_out(folder, settings, renamed)

    return into


@pytest.fixture(scope="session")
def resumed(tmp_path_factory, lay_out_nasty):
    """Return the nasty cohort after a run that was killed twice, and what the last call printed."""
    cohort = lay_out_nasty(tmp_path_factory.mktemp("nasty") / "deep" / "run")
    for reached in ("layers/mrna/table.parquet", "classification/splits/*/predictions.tsv"):
        kill_in_the_midst(cohort.folder, cohort.config, f"results/nasty/{reached}")
        assert run(cohort.folder, cohort.config, "--unlock").returncode == 0
    done = run(cohort.folder, cohort.config, "all", "export")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return cohort, done.stderr


@pytest.fixture(scope="session")
def ran(resumed) -> Cohort:
    """Return the cohort that was run, exported and, on the way, killed; change only a copy."""
    return resumed[0]


@pytest.fixture(scope="session")
def default_results(tmp_path_factory) -> Path:
    """Return the results of the shipped cohort after a local run; nothing may be written there."""
    folder = tmp_path_factory.mktemp("default")
    shutil.copytree(REPOSITORY / "config", folder / "config")
    done = run(folder, folder / "config" / "config.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder / "results" / "simulated"
