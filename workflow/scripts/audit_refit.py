"""Make the audited predictions again, with other labels or features."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.audit.command import run_refit, write_given
from trdomics.audit.settings import FEATURES, LABELS, PREDICTIONS

outputs, audit = snakemake.output, snakemake.params.audit
suffix = ".csv" if ".csv" in Path(audit["features"] or "").suffixes else ".tsv"
changed = Path(outputs.labels).with_name(f"features{suffix}")
features = write_given(snakemake.wildcards.run, audit, outputs.labels, str(changed))
files = {LABELS: outputs.labels, PREDICTIONS: outputs.predictions, FEATURES: features or ""}
run_refit(audit["refit"], files, outputs.predictions)
