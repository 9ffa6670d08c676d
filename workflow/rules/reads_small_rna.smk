rule reads_hairpins:
    """Write the hairpins of the species as DNA."""
    input:
        hairpin=lambda wildcards: config["references"]["hairpin"],
    output:
        f"{REFERENCES}/hairpins.fa",
    log:
        "logs/{cohort}/reads_hairpins.log",
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        code=code_digest("reads_hairpins"),
        species=config["references"]["species"],
    script:
        "../scripts/reads_hairpins.py"


rule reads_bowtie_index:
    """Build bowtie's index of the hairpins."""
    input:
        f"{REFERENCES}/hairpins.fa",
    output:
        multiext(
            f"{REFERENCES}/hairpins",
            *(".1.ebwt", ".2.ebwt", ".3.ebwt"),
            *(".4.ebwt", ".rev.1.ebwt", ".rev.2.ebwt"),
        ),
    log:
        "logs/{cohort}/reads_bowtie_index.log",
    conda:
        "../../envs/reads_small_rna.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        stem=lambda wildcards, output: output[0].removesuffix(".1.ebwt"),
    shell:
        "bowtie-build {input:q} {params.stem:q} > {log:q} 2>&1"


rule reads_trim_small_rna:
    """Trim small RNA reads, after moving UMIs behind the adapter to the read names."""
    input:
        fq1=lambda wildcards: unit_of(wildcards).fq1,
        verified="results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json",
    output:
        fq1=temp("results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}.fastq.gz"),
        json="results/{cohort}/reads/{layer}/trimmed/{sample}.{lane}.json",
        report="results/{cohort}/reads/{layer}/trimmed/{sample}.{lane}.txt",
    log:
        "logs/{cohort}/reads_trim.{layer}.{sample}.{lane}.log",
    benchmark:
        "benchmarks/{cohort}/reads_trim.{layer}.{sample}.{lane}.tsv"
    wildcard_constraints:
        layer=layer_pattern(SMALL_RNA_READ_LAYERS),
    group:
        "reads_trim"
    conda:
        "../../envs/reads_small_rna.yaml"
    threads: 2
    resources:
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        options=lambda wildcards: PROTOCOLS[
            layer_settings(wildcards)["reads"]["protocol"]
        ].cutadapt(),
    shell:
        """
        cutadapt {params.options:q} --cores {threads} --json {output.json:q} \
            --output {output.fq1:q} {input.fq1:q} >{output.report:q} 2>{log:q}
        """


rule reads_small_rna_count:
    """Count the mature miRNAs of a sample: collapse, align to the hairpins, assign."""
    input:
        reads=per_lane(
            "results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}.fastq.gz"
        ),
        reports=per_lane("results/{cohort}/reads/{layer}/trimmed/{sample}.{lane}.json"),
        index=f"{REFERENCES}/hairpins.1.ebwt",
        hairpin=lambda wildcards: config["references"]["hairpin"],
        mature=lambda wildcards: config["references"]["mature"],
    output:
        counts="results/{cohort}/reads/{layer}/counted/{sample}.json",
        bowtie="results/{cohort}/reads/{layer}/counted/{sample}.bowtie.txt",
    log:
        "logs/{cohort}/reads_small_rna_count.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_small_rna_count.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(SMALL_RNA_READ_LAYERS),
    conda:
        "../../envs/reads_small_rna.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        code=code_digest("reads_small_rna_count"),
        protocol=lambda wildcards: layer_settings(wildcards)["reads"]["protocol"],
        species=config["references"]["species"],
        index=lambda wildcards, input: input.index.removesuffix(".1.ebwt"),
    script:
        "../scripts/reads_small_rna_count.py"


rule reads_small_rna_matrix:
    """Combine the counts of all samples of a small RNA layer."""
    input:
        counts=per_sample("results/{cohort}/reads/{layer}/counted/{sample}.json"),
    output:
        counts="results/{cohort}/reads/{layer}/counts.tsv.gz",
        features="results/{cohort}/reads/{layer}/features.tsv",
        quality="results/{cohort}/reads/{layer}/qc.tsv",
        summary="results/{cohort}/reads/{layer}/summary.json",
    log:
        "logs/{cohort}/reads_small_rna_matrix.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(SMALL_RNA_READ_LAYERS),
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("reads_small_rna_matrix"),
        samples=samples_of,
        settings=counting_settings,
    script:
        "../scripts/reads_small_rna_matrix.py"
