"""Tune on the training patients of one split and predict its test patients."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.run_split import fit_split, split_representations, split_results
from trdomics.classification.splits import draw_split
from trdomics.classification.stored_blocks import save_blocks
from trdomics.cohort.load import load_fit_inputs, read_patients
from trdomics.files import write_table
from trdomics.frozen_model.freeze_classifiers import frozen_classifiers
from trdomics.frozen_model.model import FrozenRisk
from trdomics.scoring.contributions import contributions, grouped

params, paths, outputs = snakemake.params, snakemake.input, snakemake.output
config, tables, labels = load_fit_inputs(paths, params.config)
sites = read_patients(paths.patients, config)[config["samples"]["site"]] if params.site else None
split = draw_split(
    snakemake.wildcards.split,
    labels,
    folds=config["classification"]["folds"],
    seed=config["seed"],
    sites=sites,
    site=params.site,
)
representations = split_representations(tables, labels, split, config)
search = fit_split(tables, labels, split, config, representations)
test = tables.select(split.test)
results = split_results(search, test, split, list(config["layers"]))
risk = search.risk_model()
model = FrozenRisk(risk.representation, frozen_classifiers([risk.model], [risk.calibration]))
terms = contributions(model, DenseBlocks.of(risk.representation.transform(test)), split.test)
results["contributions"] = grouped(terms).assign(repeat=split.repeat)
for name, table in results.items():
    write_table(table, outputs[name])
if params.permuted:
    save_blocks(outputs.blocks, representations, representations.transform(test))
else:
    # they hold patients' values, tens of megabytes, and are needed only for permutations
    Path(outputs.blocks).touch()
