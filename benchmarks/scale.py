"""Run the whole workflow on a simulated cohort of any size; print what every rule took.

    python benchmarks/scale.py --patients 300 --genes 20000 --small-rnas 2000 --variants 20000
    python benchmarks/scale.py --patients 1000 --repeats 1

The default config is taken, but for the sizes and `--repeats`. Its sheet and its config are written
to `results/scale_<size>/`, where the results go as well. Printed is a line per rule: jobs, wall
seconds (sum and longest job; a job has one thread, so on a quiet machine these are CPU seconds),
and the largest resident memory that Snakemake saw, which looks every half second for the first 15 s
and then every 30 s. Below stand, of this call and exact, its CPU seconds and its largest process.
Rules that take no time to speak of have no record. Call it from the root of the project; a run that
was stopped goes on.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

VARIANTS_PER_GENE = 10
SHEET_SCRIPT = Path("workflow/scripts/simulation_samples.py")


def make_config(name: str, sizes: argparse.Namespace) -> Path:
    """Write the sheet and the config of a cohort; return the config's path."""
    folder = Path("results") / name
    folder.mkdir(parents=True, exist_ok=True)
    sheet = folder / "samples.tsv"
    if not sheet.exists():
        command = [sys.executable, str(SHEET_SCRIPT), "--patients", str(sizes.patients)]
        subprocess.run([*command, "--output", str(sheet)], check=True)
    text = Path("config/config.yaml").read_text().replace("results/simulated/", f"results/{name}/")
    config = yaml.safe_load(text)
    config["cohort"] = name
    config["samples"]["file"] = str(sheet)
    config["simulation"] |= {
        "genes": sizes.genes,
        "small_rnas": sizes.small_rnas,
        "variant_genes": sizes.variants // VARIANTS_PER_GENE,
    }
    if sizes.repeats:
        models = config["classification"]
        # as many permutations a split as before
        models["permutations"] = models["permutations"] * sizes.repeats // models["repeats"]
        models["repeats"] = sizes.repeats
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def by_rule(name: str) -> pd.DataFrame:
    """Return a row per rule from the records of its jobs.

    Returns
    -------
    DataFrame
        ``jobs``, ``wall_s``, ``longest_s``, ``max_rss_mib``; the dearest rule first.
    """
    records = {
        path.stem: pd.read_csv(path, sep="\t") for path in Path("benchmarks", name).iterdir()
    }
    jobs = pd.concat(records, names=["job", None]).reset_index("job")
    numbers = ["s", "max_rss"]
    jobs[numbers] = jobs[numbers].apply(pd.to_numeric, errors="coerce")
    return (
        jobs.groupby(jobs["job"].str.split(".").str[0].rename("rule"))
        .agg(
            jobs=("s", "size"),
            wall_s=("s", "sum"),
            longest_s=("s", "max"),
            max_rss_mib=("max_rss", "max"),
        )
        .sort_values("wall_s", ascending=False)
        .round(1)
    )


def main() -> None:
    """Run one size and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--genes", type=int, default=8000)
    parser.add_argument("--small-rnas", type=int, default=600)
    parser.add_argument("--variants", type=int, default=3000)
    parser.add_argument("--repeats", type=int, help="of cross-validation; the default's if unset")
    parser.add_argument("--cores", default="2")
    parser.add_argument("--targets", nargs="*", default=[], help="files to make; all if unset")
    sizes = parser.parse_args()
    name = f"scale_{sizes.patients}x{sizes.genes}x{sizes.small_rnas}x{sizes.variants}"
    if sizes.repeats:
        name += f"_{sizes.repeats}r"
    config = make_config(name, sizes)
    start = time.monotonic()
    command = ["snakemake", *sizes.targets, "--cores", sizes.cores, "--configfile", str(config)]
    done = subprocess.run(command, check=False)
    if Path("benchmarks", name).exists():
        print(by_rule(name).to_csv(sep="\t"), end="")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall clock\t{time.monotonic() - start:.0f} s on {sizes.cores} cores")
    print(f"CPU\t{used.ru_utime + used.ru_stime:.0f} s")
    print(f"largest process\t{used.ru_maxrss / 1024:.0f} MiB")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
