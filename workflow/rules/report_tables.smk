from trdomics.report.tables import ReportTable

# What Snakemake's report shows of tables: each as a page in which one can search and sort.
REPORT_TABLES = [
    ReportTable("Summary", "TRIPOD+AI", "reporting/tripod_ai.tsv", "report_tripod"),
    ReportTable("Summary", "PROBAST+AI", "reporting/probast_ai.tsv", "report_probast"),
    ReportTable(
        "Cohort", "Label by site", "cohort/label_by_site.tsv", "cohort_label_by_site"
    ),
    ReportTable(
        "Cohort", "Sex by molecules and sheet", "cohort/sex.tsv", "identity_tables"
    ),
    ReportTable(
        "Cohort", "One patient across layers", "cohort/matching.tsv", "identity_tables"
    ),
    ReportTable(
        "Cohort", "Quality per sample", "cohort/quality.tsv", "identity_tables"
    ),
    *(
        ReportTable(
            "Differential",
            "Odds ratios of gene sets",
            f"differential/{layer}/burden_sets.tsv",
            "burden_table",
            {"layer": layer},
        )
        for layer in VARIANT_LAYERS
    ),
    *(
        ReportTable(
            "Differential",
            "Adjustment sets",
            f"differential/{layer}/adjustment_summary.tsv",
            "confounding_attrition_table",
            {"layer": layer},
        )
        for layer in ADJUSTED_LAYERS
    ),
    ReportTable(
        "Integration",
        "What each factor is",
        "integration/factor_words.tsv",
        "enrichment_factor_words",
    ),
    ReportTable(
        "Integration",
        "Subtypes: associations",
        "integration/subtype_associations.tsv",
        "subtypes_tables",
    ),
    *(
        ReportTable(
            "Enrichment",
            "Gene sets",
            f"enrichment/layers/{layer}/sets.tsv",
            "enrichment_sets_table",
            {"layer": layer},
        )
        for layer in EXPRESSION_LAYERS
    ),
    ReportTable(
        "Enrichment",
        "Targets of small RNAs",
        "enrichment/mirna_targets.tsv",
        "enrichment_mirna_table",
    ),
    ReportTable(
        "Pharmacogenes",
        "Drugs and the genes that clear them",
        "pharmacogenes/mismatches.tsv",
        "pharmacogenes_mismatches",
    ),
    *(
        ReportTable(
            "Panels",
            "Members",
            f"panels/{panel}/members.tsv",
            "panels_members",
            {"panel": panel},
        )
        for panel in PANELS
    ),
    ReportTable(
        "Classification",
        "Performance",
        "classification/performance.tsv",
        "classification_performance",
    ),
]
if LABELLED:
    REPORT_TABLES += [
        ReportTable(
            "Cohort",
            "Associations of the label",
            "cohort/confounding.tsv",
            "confounding_tables",
        ),
        ReportTable(
            "Cohort",
            "Cell fractions, estimated and measured",
            "cohort/cells_measured.tsv",
            "confounding_cells_table",
        ),
    ]
if SIMULATED:
    REPORT_TABLES.append(
        ReportTable(
            "Simulation",
            "Found and planted",
            "simulation/recovery.tsv",
            "simulation_table",
        )
    )
if config["simulated_reads"] is not None:
    REPORT_TABLES.append(
        ReportTable(
            "Simulation",
            "Reads: planted and found",
            "simulation/reads_recovery.tsv",
            "simulation_reads_table",
        )
    )


rule report_tables:
    """Write the tables of Snakemake's report as pages in which one can search and sort."""
    input:
        [f"results/{{cohort}}/{table.file}" for table in REPORT_TABLES],
    output:
        [
            report(
                f"results/{{cohort}}/{table.page}",
                caption=f"../report/{table.caption}.rst",
                category=stage(table.stage),
                labels=labelled(table.result, "table", **table.of),
            )
            for table in REPORT_TABLES
        ],
    log:
        "logs/{cohort}/report_tables.log",
    benchmark:
        "benchmarks/{cohort}/report_tables.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("report_tables"),
        cohort=COHORT,
        tables=[(table.title, table.file) for table in REPORT_TABLES],
    script:
        "../scripts/report_tables.py"


TARGETS += [f"results/{COHORT}/{table.page}" for table in REPORT_TABLES]
