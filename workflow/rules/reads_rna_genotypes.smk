rule reads_rna_sites:
    """Write the positions of variants that are common in the cohort's DNA."""
    input:
        genotypes=expand(
            "results/{{cohort}}/layers/{layer}/genotypes.parquet",
            layer=GENOTYPE_LAYERS[:1],
        ),
        fai=f"{GENOME}.fai",
        annotation=lambda wildcards: config["references"]["annotation"],
    output:
        "results/{cohort}/reads/common_sites.tsv",
    log:
        "logs/{cohort}/reads_rna_sites.log",
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("reads_rna_sites"),
    script:
        "../scripts/reads_rna_sites.py"


rule reads_rna_alleles:
    """Count an RNA sample's reads of both alleles at the common variants.

    Reads of FASTQ files are aligned without introns: their ends are clipped where they reach into
    the next exon, which leaves more than enough of them.
    """
    input:
        files=rna_files,
        sites="results/{cohort}/reads/common_sites.tsv",
        genome=GENOME,
        fai=f"{GENOME}.fai",
        index=rna_index,
    output:
        temp("results/{cohort}/reads/{layer}/alleles/{sample}.tsv"),
    log:
        "logs/{cohort}/reads_rna_alleles.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_rna_alleles.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(RNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 2
    resources:
        mem_mb=growing(10000),
        runtime=growing(60),
    params:
        reads=rna_reads,
    shell:
        r"""
        ({params.reads} \
            | bcftools mpileup -Ou -f {input.genome:q} -T {input.sites:q} \
                -I -q 20 -Q 20 -d 2000 -a FORMAT/AD - \
            | bcftools query -f '%CHROM\t%POS\t%REF\t%ALT[\t%AD]\n' >{output:q}) 2>{log:q}
        """


rule reads_rna_genotypes:
    """Call the genotypes of all RNA samples at the common variants."""
    input:
        alleles=per_sample("results/{cohort}/reads/{layer}/alleles/{sample}.tsv"),
        genotypes=expand(
            "results/{{cohort}}/layers/{layer}/genotypes.parquet",
            layer=GENOTYPE_LAYERS[:1],
        ),
        patients="results/{cohort}/cohort/patients.tsv",
    output:
        "results/{cohort}/reads/{layer}/genotypes.parquet",
    log:
        "logs/{cohort}/reads_rna_genotypes.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(RNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code_digest("reads_rna_genotypes"),
        samples=samples_of,
        settings=layer_keys("id_column"),
        patient_id=config["samples"]["patient_id"],
    script:
        "../scripts/reads_rna_genotypes.py"
