"""Draw the figures of the differential test of one count or continuous layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.differential.figures import ma_figure, pvalue_figure, volcano_figure
from trdomics.files import read_json, read_table, save_figure
from trdomics.style import set_style

set_style()
results = read_table(snakemake.input.results)
summary = read_json(snakemake.input.summary)
groups, fdr = summary["contrast"][1:], summary["fdr"]
# only tests of counts shrink their estimates
counts = "log2_fold_change_shrunken" in results.columns
save_figure(
    ma_figure(
        results,
        fdr,
        groups,
        base_label="mean normalised count" if counts else "mean",
        log_base=counts,
    ),
    snakemake.output.ma,
)
save_figure(
    volcano_figure(
        results,
        fdr,
        groups,
        effect="log2_fold_change_shrunken" if counts else "log2_fold_change",
        label="symbol",
        effect_label=f"log2 fold change, {groups[0]} / {groups[1]}" + ", shrunken" * counts,
    ),
    snakemake.output.volcano,
)
save_figure(pvalue_figure(results), snakemake.output.pvalues)
