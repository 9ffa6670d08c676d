"""A model that was fitted under another scikit-learn gives the same numbers here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from classification_data import cohort
from sklearn import __version__ as sklearn_version

from trdomics.frozen_model.manifest import MANIFEST
from trdomics.frozen_model.store import load_model

REPOSITORY = Path(__file__).parents[2]
FIT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import numpy as np
import sklearn
from classification_data import cohort
from model_files import MODELS, searched, written
new, _ = cohort(n=15, seed=4, prefix="new-")
for name in MODELS:
    folder = Path(sys.argv[1], name)
    folder.mkdir()
    written(name, folder)
    np.save(folder / "expected.npy", searched(name).predict_proba(new))
sys.stdout.write(sklearn.__version__)
"""


def lower_minor(version):
    """Return a requirement of the minor version before."""
    major, minor = map(int, version.split(".")[:2])
    return f"scikit-learn>={major}.{minor - 1},<{major}.{minor}"


@pytest.mark.slow
def test_a_model_of_the_minor_version_before_scores_under_this_one(tmp_path):
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    environment = yaml.safe_load((REPOSITORY / "envs/classification.yaml").read_text("utf-8"))
    pins = [p for p in environment["dependencies"][-1]["pip"] if not p.startswith("scikit-learn=")]
    python = tmp_path / "lower" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, tmp_path / "lower"], check=True)
    install = [uv, "pip", "install", "-q", "--python", python, *pins, lower_minor(sklearn_version)]
    subprocess.run(install, check=True)
    paths = [str(REPOSITORY / "workflow" / "scripts"), str(Path(__file__).parent)]
    (tmp_path / "models").mkdir()
    done = subprocess.run(
        [python, "-c", FIT, tmp_path / "models", *paths], capture_output=True, text=True, check=True
    )
    assert re.match(r"\d+\.\d+", done.stdout).group() != ".".join(sklearn_version.split(".")[:2])
    new, _ = cohort(n=15, seed=4, prefix="new-")
    for folder in sorted((tmp_path / "models").iterdir()):
        assert (folder / MANIFEST).is_file()
        frozen, _ = load_model(folder)
        found, expected = frozen.risk.predict_proba(new), np.load(folder / "expected.npy")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=folder.name)
