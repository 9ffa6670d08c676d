"""Files of a frozen model, changed."""

import hashlib
import io
import zipfile

from trdomics.archive import pack
from trdomics.files import read_json, write_json
from trdomics.frozen_model.store import MANIFEST, MODEL


def copied(folder, tmp_path, **changes):
    (tmp_path / MODEL).write_bytes((folder / MODEL).read_bytes())
    write_json({**read_json(folder / MANIFEST), **changes}, tmp_path / MANIFEST)
    return tmp_path


def signed(folder, tmp_path, content):
    """Lay out a model whose manifest has the checksum of whatever content it is."""
    (tmp_path / MODEL).write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    write_json({**read_json(folder / MANIFEST), "sha256": checksum}, tmp_path / MANIFEST)
    return tmp_path


def rewritten(content, change):
    """Return a skops file whose members were changed by a function."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return pack(change(members))


def write_manifest(folder, label, layers=()):
    """Write what is looked at of a frozen model before any job."""
    manifest = {
        "format": 2,
        "version": "1",
        "label": {"column": "response", **label},
        "prevalence": 0.5,
        "n_training": 20,
        "n_positive": 10,
        "feature_set": "early",
        "model": "elastic_net",
        "params": {},
        "inner_auc": None,
        "layers": {name: {"type": "counts", "features": ["g1"]} for name in layers},
        "predictors": [],
        "blocks": {},
        "libraries": {},
        "sha256": 64 * "0",
        "probe": [0.5],
    }
    folder.mkdir(exist_ok=True)
    write_json(manifest, folder / MANIFEST)
