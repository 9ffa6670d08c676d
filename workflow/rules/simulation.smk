if config["simulation"]:

    rule simulation_draw:
        """Draw the raw layers of the simulated cohort, and the truth behind them."""
        input:
            sheet=ancient(config["samples"]["file"]),
        output:
            mrna="results/{cohort}/simulation/mrna_counts.tsv.gz",
            mrna_features="results/{cohort}/simulation/mrna_features.tsv",
            small_rna="results/{cohort}/simulation/small_rna_counts.tsv.gz",
            mutations="results/{cohort}/simulation/mutations.vcf.gz",
            medication="results/{cohort}/simulation/medication.tsv",
            factors="results/{cohort}/simulation/truth/factors.tsv",
            features="results/{cohort}/simulation/truth/features.tsv",
            patients="results/{cohort}/simulation/truth/patients.tsv",
            pharmacogenes="results/{cohort}/simulation/truth/pharmacogenes.tsv",
            truth="results/{cohort}/simulation/truth/truth.json",
        log:
            "logs/{cohort}/simulation_draw.log",
        benchmark:
            "benchmarks/{cohort}/simulation_draw.tsv"
        group:
            "cohort"
        conda:
            "../../envs/core.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code_digest("simulation_draw"),
            settings=config["simulation"],
            content=SHEET_DIGEST,
        script:
            "../scripts/simulation_draw.py"


if SIMULATED:

    rule simulation_recovery:
        """Compare what was found with what was planted."""
        input:
            patients="results/{cohort}/cohort/patients.tsv",
            differential=expand(
                "results/{{cohort}}/differential/{layer}/results.tsv",
                layer=COUNT_LAYERS,
            ),
            found_factors="results/{cohort}/integration/factors.tsv",
            performance="results/{cohort}/classification/performance.tsv",
            identity="results/{cohort}/cohort/identity.json",
            adjustment="results/{cohort}/simulation/adjustment_recovery.json",
            calls="results/{cohort}/pharmacogenes/calls.tsv",
            # an artificial genome has no pharmacogenes
            true_diplotypes=branch(
                config["simulation"] is not None,
                then="results/{cohort}/simulation/truth/pharmacogenes.tsv",
                otherwise=[],
            ),
            factors="results/{cohort}/simulation/truth/factors.tsv",
            features="results/{cohort}/simulation/truth/features.tsv",
            true_patients="results/{cohort}/simulation/truth/patients.tsv",
            truth="results/{cohort}/simulation/truth/truth.json",
        output:
            summary="results/{cohort}/simulation/recovery.json",
            table="results/{cohort}/simulation/recovery.tsv",
            figure=report(
                "results/{cohort}/simulation/recovery.svg",
                caption="../report/simulation_recovery.rst",
                category=stage("Simulation"),
                labels=labelled("Planted and found factors", "figure"),
            ),
        log:
            "logs/{cohort}/simulation_recovery.log",
        localrule: True
        conda:
            "../../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=5,
        params:
            code=code_digest("simulation_recovery"),
            layers=COUNT_LAYERS,
            settings={
                "design": config["differential"]["design"],
                "fdr": config["differential"]["fdr"],
            },
        script:
            "../scripts/simulation_recovery.py"
