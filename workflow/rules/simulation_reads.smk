from trdomics.cohort.config import SIMULATED_READS

if config["simulated_reads"]:

    rule simulation_reads:
        """Draw the FASTQ files of the raw cohort, their references, and the truth behind them."""
        input:
            sheet=ancient(config["samples"]["file"]),
            units=[
                config["layers"][layer]["reads"]["units"] for layer in SIMULATED_READS
            ],
        output:
            genome="results/{cohort}/simulation/references/genome.fa",
            annotation="results/{cohort}/simulation/references/genes.gff3",
            hairpin="results/{cohort}/simulation/references/hairpin.fa",
            mature="results/{cohort}/simulation/references/mature.fa",
            regions="results/{cohort}/simulation/references/exome.bed",
            factors="results/{cohort}/simulation/truth/factors.tsv",
            features="results/{cohort}/simulation/truth/features.tsv",
            patients="results/{cohort}/simulation/truth/patients.tsv",
            truth="results/{cohort}/simulation/truth/truth.json",
            mrna="results/{cohort}/simulation/truth/fragments.tsv",
            small_rna="results/{cohort}/simulation/truth/molecules.tsv",
            genotypes="results/{cohort}/simulation/truth/genotypes.tsv",
            reads=[
                file.replace(f"results/{COHORT}/", "results/{cohort}/", 1)
                for layer in SIMULATED_READS
                for unit in UNITS[layer].rows
                for file in unit.files
            ],
        log:
            "logs/{cohort}/simulation_reads.log",
        benchmark:
            "benchmarks/{cohort}/simulation_reads.tsv"
        conda:
            "../../envs/core.yaml"
        threads: 2
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            code=code_digest("simulation_reads"),
            settings=config["simulated_reads"],
            content=SHEET_DIGEST,
            layers=SIMULATED_READS,
        script:
            "../scripts/simulation_reads.py"

    rule simulation_reads_recovery:
        """Compare what came out of the raw cohort's reads with what was planted."""
        input:
            sheet=ancient(config["samples"]["file"]),
            truth="results/{cohort}/simulation/truth/truth.json",
            fragments="results/{cohort}/simulation/truth/fragments.tsv",
            molecules="results/{cohort}/simulation/truth/molecules.tsv",
            genotypes="results/{cohort}/simulation/truth/genotypes.tsv",
            mrna="results/{cohort}/reads/mrna/counts.tsv.gz",
            mrna_quality="results/{cohort}/reads/mrna/qc.tsv",
            small_rna="results/{cohort}/reads/small_rna/counts.tsv.gz",
            variants="results/{cohort}/reads/mutations/variants.vcf.gz",
            annotation="results/{cohort}/layers/mutations/annotation.tsv",
            identity="results/{cohort}/cohort/identity.json",
        output:
            summary="results/{cohort}/simulation/reads_recovery.json",
            table="results/{cohort}/simulation/reads_recovery.tsv",
            figure=report(
                "results/{cohort}/simulation/reads_recovery.svg",
                caption="../report/simulation_reads_recovery.rst",
                category=stage("Simulation"),
                labels=labelled("Reads: planted and found", "figure"),
            ),
        log:
            "logs/{cohort}/simulation_reads_recovery.log",
        localrule: True
        conda:
            "../../envs/core.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=5,
        params:
            code=code_digest("simulation_reads_recovery"),
            content=SHEET_DIGEST,
        script:
            "../scripts/simulation_reads_recovery.py"

    TARGETS += [
        f"results/{COHORT}/simulation/reads_recovery.{suffix}"
        for suffix in ("tsv", "svg")
    ]
