"""Reading and atomic writing of the workflow's files."""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# pandas and matplotlib take most of a second to import, and many jobs need neither
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MISSING = "NA"


def why_no_file(path: str | os.PathLike[str]) -> str | None:
    """Return why there is no file at a path, or None: pipes and devices are not read."""
    # unlike pathlib, os.path accepts any string as a path
    if os.path.isfile(path):
        return None
    return "not a file but a folder, pipe or device" if os.path.exists(path) else "no such file"


def starting_from(path: str | os.PathLike[str]) -> str:
    """Return what a relative path is relative to; an empty string for an absolute path."""
    if os.path.isabs(path):
        return ""
    return f"; paths are relative to {Path.cwd()}, where snakemake runs (`--directory`)"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` if the block succeeds.

    So a killed job leaves the old file or none, never a partial one. The suffix is kept, because
    libraries infer the format from it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def gzipped(path: str | os.PathLike[str], level: int) -> Iterator[gzip.GzipFile]:
    """Give a gzip file to write to, in place of `path` if the block succeeds.

    Without a name and a time in its header: the same content is the same bytes.
    """
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=level, mtime=0) as out,
    ):
        yield out


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], *, index: bool = False) -> None:
    """Write a TSV with ``NA`` for missing values and six significant digits."""
    with replacing(path) as temporary:
        table.to_csv(
            temporary,
            sep="\t",
            index=index,
            na_rep=MISSING,
            float_format="%.6g",
            lineterminator="\n",
        )


def write_counts(counts: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a matrix of counts, features × samples, as ``.tsv.gz``; equal ones give equal files."""
    import pyarrow as pa
    import pyarrow.csv

    names = [counts.index.name, *counts.columns]
    columns = [pa.array(counts.index.astype(str)), *(pa.array(counts[name]) for name in counts)]
    options = pa.csv.WriteOptions(delimiter="\t", quoting_style="none", include_header=False)
    with gzipped(path, 4) as out:
        out.write(("\t".join(names) + "\n").encode())
        pa.csv.write_csv(pa.table(columns, names), out, options)


def read_table(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """Read a TSV that :func:`write_table` wrote; ``patient_id`` stays text."""
    import pandas as pd

    options = {"sep": "\t", "na_values": [MISSING], "keep_default_na": False, **options}
    options.setdefault("dtype", {"patient_id": str})
    # an empty field is missing too
    options["na_values"] = [*options["na_values"], ""]
    return pd.read_csv(path, **options)


def write_matrix(matrix: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a patients × features matrix as Parquet, its index kept.

    The file holds features × patients: Parquet stores much about each column, so reading a table of
    339 × 28,000 takes 3.7 GB, but transposed only 0.25 GB.
    """
    with replacing(path) as temporary:
        matrix.T.to_parquet(temporary)


def read_matrix(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a matrix that :func:`write_matrix` wrote."""
    import pandas as pd

    return pd.read_parquet(path, use_threads=False).T


def plain(value: Any) -> Any:
    """Convert numpy and pandas values to JSON types; NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # arrays, their scalars, columns
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    # pd.NA and pd.NaT
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def write_json(value: Any, path: str | os.PathLike[str]) -> None:
    """Write JSON with sorted keys, so that equal results give equal files."""
    with replacing(path) as temporary:
        text = json.dumps(plain(value), indent=2, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure as SVG or PNG by its suffix; the same figure gives the same bytes."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                # powers of ten are formulas, which the style otherwise treats as plain text
                for label in axis.get_ticklabels(which="both"):
                    label.set_parse_math(True)
    with replacing(path) as temporary, mpl.rc_context({"svg.hashsalt": "trd-multiomics"}):
        metadata = {"Date": None} if temporary.suffix == ".svg" else {"Software": None}
        figure.savefig(temporary, bbox_inches="tight", dpi=150, metadata=metadata)
    plt.close(figure)
