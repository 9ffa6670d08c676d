rule reads_verify:
    """Read a unit's FASTQ or BAM files to their end: complete, one library, matching references."""
    input:
        files=unit_files,
        genes=lambda wildcards: (
            f"{REFERENCES}/genes.tsv" if unit_of(wildcards).bam else []
        ),
        genome=lambda wildcards: (
            f"{REFERENCES}/genome.fa.fai"
            if unit_of(wildcards).bam and config["references"]["genome"]
            else []
        ),
    output:
        "results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json",
    log:
        "logs/{cohort}/reads_verify.{layer}.{sample}.{lane}.log",
    group:
        "reads_trim"
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        code=code_digest("reads_verify"),
        unit=lambda wildcards: {
            key: getattr(unit_of(wildcards), key) for key in ("fq1", "fq2", "bam")
        },
    script:
        "../scripts/reads_verify.py"


rule reads_genome:
    """Unpack the genome and index its sequences."""
    input:
        lambda wildcards: config["references"]["genome"],
    output:
        fasta=f"{REFERENCES}/genome.fa",
        index=f"{REFERENCES}/genome.fa.fai",
    log:
        "logs/{cohort}/reads_genome.log",
    conda:
        "../../envs/reads_align.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(20),
    shell:
        """
        (gzip -cdf {input:q} >{output.fasta:q} && samtools faidx {output.fasta:q}) 2>{log:q}
        """


rule reads_annotation:
    """Write the annotation in each tool's format, and a table of its genes."""
    input:
        annotation=lambda wildcards: config["references"]["annotation"],
    output:
        gtf=f"{REFERENCES}/annotation.gtf",
        genes=f"{REFERENCES}/genes.tsv",
        splice_sites=f"{REFERENCES}/splice_sites.tsv",
        ends=f"{REFERENCES}/ends.saf",
    log:
        "logs/{cohort}/reads_annotation.log",
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        code=code_digest("reads_annotation"),
    script:
        "../scripts/reads_annotation.py"


rule reads_globin_share:
    """Compute the globin share of each sample, for a matrix that was not made from reads."""
    input:
        matrix=layer_file,
        features=features_file,
    output:
        "results/{cohort}/reads/{layer}/qc.tsv",
    log:
        "logs/{cohort}/reads_globin_share.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern([name for name in COUNT_LAYERS if name not in UNITS]),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code_digest("reads_globin_share"),
        content=layer_content("features"),
        settings=layer_keys("type", "file"),
    script:
        "../scripts/reads_globin_share.py"


rule reads_multiqc_table:
    """Write a layer's read quality as a custom table for MultiQC."""
    input:
        quality="results/{cohort}/reads/{layer}/qc.tsv",
        summary="results/{cohort}/reads/{layer}/summary.json",
    output:
        "results/{cohort}/reads/multiqc/{layer}_mqc.json",
    log:
        "logs/{cohort}/reads_multiqc_table.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(UNITS),
    localrule: True
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_digest("reads_multiqc_table"),
    script:
        "../scripts/reads_multiqc_table.py"


rule reads_multiqc:
    """Run MultiQC on the reports of all tools."""
    input:
        tables=[f"{READS}/multiqc/{layer}_mqc.json" for layer in UNITS],
        reports=tool_reports,
        config=workflow.source_path("../report/multiqc.yaml"),
    output:
        page="results/{cohort}/reads/multiqc.html",
        files=temp("results/{cohort}/reads/multiqc_files.txt"),
    log:
        "logs/{cohort}/reads_multiqc.log",
    conda:
        "../../envs/reads_multiqc.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        files=lambda wildcards, input: "\n".join([*input.tables, *input.reports]),
        folder=lambda wildcards, output: str(Path(output.page).parent),
    shell:
        """
        printf '%s\n' {params.files:q} >{output.files:q}
        multiqc --force --no-data-dir --no-version-check --config {input.config:q} \
            --file-list {output.files:q} --title "Reads of {wildcards.cohort}" \
            --outdir {params.folder:q} --filename multiqc.html >{log:q} 2>&1
        """


rule reads:
    """Make only the matrices and calls of all layers from reads."""
    input:
        [config["layers"][layer]["file"] for layer in UNITS],
        MULTIQC_PAGE if UNITS else [],
    localrule: True
