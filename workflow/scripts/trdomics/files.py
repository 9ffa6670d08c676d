"""Reading and writing of everything the workflow produces: whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSING = "NA"


def why_no_file(path: str | os.PathLike[str]) -> str | None:
    """Say why there is no file at a path, or return None: a pipe or a device is not read."""
    # unlike pathlib, os.path takes any text for a path
    if os.path.isfile(path):
        return None
    return "not a file but a folder, pipe or device" if os.path.exists(path) else "no such file"


def starting_from(path: str | os.PathLike[str]) -> str:
    """Say what a relative path is relative to; nothing of an absolute one."""
    if os.path.isabs(path):
        return ""
    return f"; paths are relative to {Path.cwd()}, where snakemake runs (`--directory`)"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the place of `path` if the block succeeds.

    A killed job so leaves the old file or none, never half of one. The suffix is kept, because
    libraries choose the format by it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], *, index: bool = False) -> None:
    """Write a TSV with ``NA`` for what is missing and six significant digits."""
    with replacing(path) as temporary:
        table.to_csv(
            temporary,
            sep="\t",
            index=index,
            na_rep=MISSING,
            float_format="%.6g",
            lineterminator="\n",
        )


def read_table(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """Read a TSV that :func:`write_table` wrote; ``patient_id`` stays text."""
    options = {"sep": "\t", "na_values": [MISSING], "keep_default_na": False, **options}
    options.setdefault("dtype", {"patient_id": str})
    # an empty field is missing too, whoever wrote the table
    options["na_values"] = [*options["na_values"], ""]
    return pd.read_csv(path, **options)


def write_matrix(matrix: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a patients × features matrix as Parquet, its index kept.

    The file holds features × patients: Parquet keeps much about each column, so that a table of
    339 × 28,000 takes 3.7 GB to read, and transposed 0.25 GB.
    """
    with replacing(path) as temporary:
        matrix.T.to_parquet(temporary)


def read_matrix(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a matrix that :func:`write_matrix` wrote."""
    return pd.read_parquet(path, use_threads=False).T


def plain(value: Any) -> Any:
    """Turn numpy and pandas values into what JSON knows; NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray, pd.Index, pd.Series)):
        return [plain(item) for item in value]
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return float(value) if np.isfinite(value) else None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return str(value)


def write_json(value: Any, path: str | os.PathLike[str]) -> None:
    """Write JSON with sorted keys, so that equal results are equal files."""
    with replacing(path) as temporary:
        text = json.dumps(plain(value), indent=2, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure as SVG or PNG by its suffix, the same bytes for the same figure."""
    # most scripts draw nothing, and matplotlib takes most of a second to import
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                # powers of ten are formulas, which the style takes for plain text otherwise
                for label in axis.get_ticklabels(which="both"):
                    label.set_parse_math(True)
    with replacing(path) as temporary, mpl.rc_context({"svg.hashsalt": "trd-multiomics"}):
        metadata = {"Date": None} if temporary.suffix == ".svg" else {"Software": None}
        figure.savefig(temporary, bbox_inches="tight", dpi=150, metadata=metadata)
    plt.close(figure)
