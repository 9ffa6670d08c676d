"""Test gene sets and signatures in one expression layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.design import build_design
from trdomics.enrichment.correlated import residuals
from trdomics.enrichment.figures import enrichment_figure, signature_figure
from trdomics.enrichment.ranked import enrichment, ranking
from trdomics.enrichment.signatures import signature_effects, signature_scores
from trdomics.enrichment.summary import layer_summary
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
results = read_table(inputs.results)
sets = read_table(inputs.sets)
normalised = read_matrix(inputs.normalised)
options = dict(params.options)
groups = tuple(params.contrast[1:])

patients = read_patients(inputs.patients, params.sheet).loc[normalised.index]
design = build_design(patients, params.design, params.contrast)
matrix = design.matrix
ranks, ranked_by = ranking(results)
# missing values of a continuous layer would make every sum over patients missing
complete = normalised.loc[:, normalised.notna().all()]
table = enrichment(
    ranks,
    sets,
    **options,
    seed=params.seed,
    unit=residuals(complete, matrix),
    freedom=len(matrix) - matrix.shape[1],
)
symbols = dict(zip(results["feature"].astype(str), results["symbol"].astype(str), strict=True))
scores, genes = signature_scores(normalised, symbols, sets, options["min_size"])
effects = signature_effects(scores, genes, sets, design, options["min_size"])

write_table(table, outputs.sets)
write_table(scores.rename_axis("patient_id").reset_index(), outputs.scores)
write_table(effects, outputs.signatures)
summary = layer_summary(
    table,
    effects,
    fdr=params.fdr,
    ranked_by=ranked_by,
    groups=groups,
    n_genes=len(ranks),
)
write_json(summary, outputs.summary)
save_figure(enrichment_figure(table, params.fdr, groups), outputs.figure)
save_figure(signature_figure(effects, params.fdr, groups), outputs.signature_figure)
