"""Draw the figures of the comparison of carriers in one layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.differential.figures import forest_figure, pvalue_figure, volcano_figure
from trdomics.files import read_json, read_table, save_figure
from trdomics.style import set_style

set_style()
results = read_table(snakemake.input.results)
summary = read_json(snakemake.input.summary)
groups, fdr = summary["contrast"][1:], summary["fdr"]
save_figure(
    volcano_figure(
        results,
        fdr,
        groups,
        effect="log_odds_ratio",
        label="feature",
        effect_label=f"log odds ratio of {groups[0]} for carriers",
        direction="more in",
    ),
    snakemake.output.volcano,
)
save_figure(forest_figure(results, fdr, groups), snakemake.output.forest)
save_figure(pvalue_figure(results), snakemake.output.pvalues)
