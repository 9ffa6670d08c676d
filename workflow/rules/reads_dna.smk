rule reads_bwa_index:
    """Build bwa's index of the genome."""
    input:
        GENOME,
    output:
        BWA_INDEX,
    log:
        "logs/{cohort}/reads_bwa_index.log",
    benchmark:
        "benchmarks/{cohort}/reads_bwa_index.tsv"
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        # one and a half times a human genome's 3.1 GB
        mem_mb=growing(6000),
        runtime=growing(120),
    shell:
        "bwa index {input:q} > {log:q} 2>&1"


rule reads_dna_regions:
    """Check that regions, genes and sites match the genome, and divide the regions into parts."""
    input:
        fai=f"{GENOME}.fai",
        annotation=lambda wildcards: config["references"]["annotation"],
        regions=dna_regions,
        sites=dna_sites,
    output:
        targets="results/{cohort}/reads/{layer}/targets.bed",
        parts=directory("results/{cohort}/reads/{layer}/regions"),
        sites="results/{cohort}/reads/{layer}/sites.tsv",
    log:
        "logs/{cohort}/reads_dna_regions.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest("reads_dna_regions"),
        n_parts=lambda wildcards: n_parts(wildcards.layer),
    script:
        "../scripts/reads_dna_regions.py"


rule reads_dna_align:
    """Align the reads of one sample on one lane."""
    input:
        fastq=unit_files,
        verified="results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json",
        genome=GENOME,
        index=BWA_INDEX,
    output:
        temp("results/{cohort}/reads/{layer}/lanes/{sample}.{lane}.bam"),
    log:
        "logs/{cohort}/reads_dna_align.{layer}.{sample}.{lane}.log",
    benchmark:
        "benchmarks/{cohort}/reads_dna_align.{layer}.{sample}.{lane}.tsv"
    wildcard_constraints:
        layer=layer_pattern(DNA_FASTQ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 4
    resources:
        mem_mb=growing(12000),
        runtime=growing(240),
    params:
        group=r"@RG\tID:{sample}.{lane}\tSM:{sample}\tLB:{sample}\tPL:ILLUMINA",
    shell:
        "(bwa mem -v 2 -t {threads} -R '{params.group}' {input.genome} {input.fastq} "
        "| samtools fixmate -m -u - - "
        "| samtools sort -m 768M -T {output}.sort -o {output}) 2> {log:q}"


rule reads_dna_markdup:
    """Merge the lanes of a sample and mark duplicate fragments."""
    input:
        per_lane("results/{cohort}/reads/{layer}/lanes/{sample}.{lane}.bam"),
    output:
        bam=temp("results/{cohort}/reads/{layer}/bam/{sample}.bam"),
        bai=temp("results/{cohort}/reads/{layer}/bam/{sample}.bam.bai"),
    log:
        "logs/{cohort}/reads_dna_markdup.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_dna_markdup.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(DNA_FASTQ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    shell:
        "(samtools merge -u - {input} | samtools markdup -T {output.bam}.tmp - {output.bam} "
        "&& samtools index {output.bam}) 2> {log:q}"


rule reads_dna_bam:
    """Check that a BAM file matches its sample and the genome, and link to it."""
    input:
        bam=own_bam,
        verified=per_lane(
            "results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json"
        ),
    output:
        bam="results/{cohort}/reads/{layer}/bam/{sample}.bam",
        bai="results/{cohort}/reads/{layer}/bam/{sample}.bam.bai",
    log:
        "logs/{cohort}/reads_dna_bam.{layer}.{sample}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_BAM_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        code=code_digest("reads_dna_bam"),
    script:
        "../scripts/reads_dna_bam.py"


rule reads_dna_stats:
    """Count the aligned reads of a sample in total and by region."""
    input:
        bam="results/{cohort}/reads/{layer}/bam/{sample}.bam",
        bai="results/{cohort}/reads/{layer}/bam/{sample}.bam.bai",
        targets="results/{cohort}/reads/{layer}/targets.bed",
    output:
        flagstat=temp("results/{cohort}/reads/{layer}/stats/{sample}.flagstat.json"),
        stats="results/{cohort}/reads/{layer}/stats/{sample}.stats",
        bedcov=temp("results/{cohort}/reads/{layer}/stats/{sample}.bedcov"),
    log:
        "logs/{cohort}/reads_dna_stats.{layer}.{sample}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    shell:
        "(samtools flagstat -O json {input.bam} > {output.flagstat} "
        "&& samtools stats {input.bam} > {output.stats} "
        "&& samtools bedcov -d 10 {input.targets} {input.bam} > {output.bedcov}) 2> {log:q}"


rule reads_dna_quality:
    """Collect the quality of a layer's DNA reads in one table."""
    input:
        flagstat=per_sample(
            "results/{cohort}/reads/{layer}/stats/{sample}.flagstat.json"
        ),
        bedcov=per_sample("results/{cohort}/reads/{layer}/stats/{sample}.bedcov"),
    output:
        quality="results/{cohort}/reads/{layer}/qc.tsv",
        summary="results/{cohort}/reads/{layer}/summary.json",
    log:
        "logs/{cohort}/reads_dna_quality.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        code=code_digest("reads_dna_quality"),
        samples=samples_of,
        settings=counting_settings,
    script:
        "../scripts/reads_dna_quality.py"


rule reads_dna_call:
    """Call the variants of all samples together in one part of the regions."""
    input:
        bams=per_sample("results/{cohort}/reads/{layer}/bam/{sample}.bam"),
        bais=per_sample("results/{cohort}/reads/{layer}/bam/{sample}.bam.bai"),
        regions="results/{cohort}/reads/{layer}/regions",
        genome=GENOME,
        fai=f"{GENOME}.fai",
    output:
        temp("results/{cohort}/reads/{layer}/parts/{part}.bcf"),
    log:
        "logs/{cohort}/reads_dna_call.{layer}.{part}.log",
    benchmark:
        "benchmarks/{cohort}/reads_dna_call.{layer}.{part}.tsv"
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
        part=r"\d+",
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(480),
    shell:
        "(bcftools mpileup -Ou -f {input.genome} -R {input.regions}/{wildcards.part}.bed "
        "-p -q 20 -Q 15 -a FORMAT/AD,FORMAT/DP {input.bams} "
        "| bcftools call -m -v -a GQ -Ou "
        "| bcftools norm -f {input.genome} -m- -Ob -o {output}) 2> {log:q}"


rule reads_dna_sites:
    """Call the named sites in every sample, whether or not anyone carries the variant."""
    input:
        bams=per_sample("results/{cohort}/reads/{layer}/bam/{sample}.bam"),
        bais=per_sample("results/{cohort}/reads/{layer}/bam/{sample}.bam.bai"),
        sites="results/{cohort}/reads/{layer}/sites.tsv",
        genome=GENOME,
        fai=f"{GENOME}.fai",
    output:
        calls=temp("results/{cohort}/reads/{layer}/sites.vcf"),
        alleles=temp(
            multiext("results/{cohort}/reads/{layer}/alleles.tsv.gz", "", ".tbi")
        ),
    log:
        "logs/{cohort}/reads_dna_sites.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    shell:
        """
        (
            bgzip -c {input.sites:q} >{output.alleles[0]:q}
            tabix -s 1 -b 2 -e 2 {output.alleles[0]:q}
            bcftools mpileup -Ou -f {input.genome:q} -R <(cut -f 1,2 {input.sites:q} | uniq) \
                -p -q 20 -Q 15 -a FORMAT/AD,FORMAT/DP {input.bams:q} \
                | bcftools call -m -C alleles -T {output.alleles[0]:q} -a GQ -Ou \
                | bcftools norm -f {input.genome:q} -m- -o {output.calls:q}
        ) 2>{log:q}
        """


rule reads_dna_named:
    """Write the calls at the named sites with the requested alleles."""
    input:
        calls="results/{cohort}/reads/{layer}/sites.vcf",
        sites=dna_sites,
        fai=f"{GENOME}.fai",
    output:
        temp("results/{cohort}/reads/{layer}/named.records"),
    log:
        "logs/{cohort}/reads_dna_named.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        code=code_digest("reads_dna_named"),
    script:
        "../scripts/reads_dna_named.py"


rule reads_dna_join:
    """Concatenate the calls of all parts and annotate each variant's consequence.

    A named variant comes from its own call alone.
    """
    input:
        parts=calling_parts,
        sites=site_calls,
        genome=GENOME,
        fai=f"{GENOME}.fai",
        annotation=lambda wildcards: config["references"]["annotation"],
    output:
        "results/{cohort}/reads/{layer}/variants.vcf.gz",
    log:
        "logs/{cohort}/reads_dna_join.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/reads_dna_join.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(DNA_READ_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    shell:
        """
        ( (
            bcftools concat {input.parts:q} \
                | awk -F '\\t' 'named {{seen[$1, $2, $4, $5]; next}} !(($1, $2, $4, $5) in seen)' \
                    named=1 {input.sites} /dev/null named=0 -
            cat {input.sites} /dev/null
        ) \
            | bcftools sort -m 2G -T {output:q}.sort -Ou \
            | bcftools norm -d exact -Ou \
            | bcftools csq -p a -f {input.genome:q} -g {input.annotation:q} \
                -Oz -o {output:q}) 2>{log:q}
        """


rule reads_vcf_check:
    """Check that a VCF was called jointly over all samples, on this genome."""
    input:
        calls=lambda wildcards: config["layers"][wildcards.layer]["file"],
        fai=f"{GENOME}.fai",
        annotation=lambda wildcards: config["references"]["annotation"],
    output:
        "results/{cohort}/reads/{layer}/call_set.json",
    log:
        "logs/{cohort}/reads_vcf_check.{layer}.log",
    wildcard_constraints:
        layer=layer_pattern(BARE_VCF_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_digest("reads_vcf_check"),
        no_call=lambda wildcards: config["layers"][wildcards.layer]["no_call"],
    script:
        "../scripts/reads_vcf_check.py"


rule reads_vcf_annotate:
    """Annotate the consequences of each variant of a VCF without them."""
    input:
        calls=lambda wildcards: config["layers"][wildcards.layer]["file"],
        checked="results/{cohort}/reads/{layer}/call_set.json",
        genome=GENOME,
        fai=f"{GENOME}.fai",
        annotation=lambda wildcards: config["references"]["annotation"],
    output:
        "results/{cohort}/reads/{layer}/annotated.vcf.gz",
    log:
        "logs/{cohort}/reads_vcf_annotate.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/reads_vcf_annotate.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(BARE_VCF_LAYERS),
    conda:
        "../../envs/reads_dna.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    shell:
        "(bcftools norm -f {input.genome} -m- -Ou {input.calls} "
        "| bcftools csq -p a -f {input.genome} -g {input.annotation} -Oz -o {output}) 2> {log:q}"
