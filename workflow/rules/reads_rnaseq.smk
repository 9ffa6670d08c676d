rule reads_transcripts:
    """Write the transcripts followed by the genome as decoys, for salmon."""
    input:
        gtf=f"{REFERENCES}/annotation.gtf",
        genome=f"{REFERENCES}/genome.fa",
        index=f"{REFERENCES}/genome.fa.fai",
        transcripts=lambda wildcards: config["references"]["transcripts"] or [],
    output:
        gentrome=temp(f"{REFERENCES}/gentrome.fa"),
        decoys=temp(f"{REFERENCES}/decoys.txt"),
        transcripts=f"{REFERENCES}/transcripts.tsv",
    log:
        "logs/{cohort}/reads_transcripts.log",
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(5000),
        runtime=growing(20),
    params:
        code=code_digest("reads_transcripts"),
    script:
        "../scripts/reads_transcripts.py"


rule reads_salmon_index:
    """Build salmon's index of the transcripts, with the genome as decoys."""
    input:
        gentrome=f"{REFERENCES}/gentrome.fa",
        decoys=f"{REFERENCES}/decoys.txt",
    output:
        directory(f"{REFERENCES}/salmon"),
    log:
        "logs/{cohort}/reads_salmon_index.log",
    benchmark:
        "benchmarks/{cohort}/reads_salmon_index.tsv"
    conda:
        "../../envs/reads_salmon.yaml"
    threads: 8
    resources:
        # of a human genome 20 GB, by its authors
        mem_mb=growing_with(1000, 8, "gentrome"),
        runtime=growing_with(10, 0.05, "gentrome"),
    shell:
        # identical transcripts share their reads instead of leaving them to the first of them
        """
        salmon index --transcripts {input.gentrome:q} --decoys {input.decoys:q} \
            --index {output:q} --keepDuplicates --threads {threads} >{log:q} 2>&1
        """


rule reads_star_index:
    """Build STAR's index of the genome."""
    input:
        genome=f"{REFERENCES}/genome.fa",
        gtf=f"{REFERENCES}/annotation.gtf",
    output:
        directory(f"{REFERENCES}/star"),
    log:
        "logs/{cohort}/reads_star_index.log",
    benchmark:
        "benchmarks/{cohort}/reads_star_index.tsv"
    conda:
        "../../envs/reads_align.yaml"
    threads: 8
    resources:
        # ten bytes for each base, by STAR's manual
        mem_mb=growing_with(2000, 11, "genome"),
        runtime=growing_with(10, 0.05, "genome"),
    shell:
        # small genomes need a shorter prefix: min(14, log2(bases) / 2 - 1)
        """
        prefix=$(awk '{{bases += $2}} END {{p = int(log(bases) / log(2) / 2 - 1); print (p < 14 ? p : 14)}}' \
            {input.genome:q}.fai)
        mkdir -p {output:q}
        STAR --runMode genomeGenerate --runThreadN {threads} --genomeDir {output:q} \
            --genomeFastaFiles {input.genome:q} --sjdbGTFfile {input.gtf:q} \
            --genomeSAindexNbases $prefix --outFileNamePrefix {output:q}/ >{log:q} 2>&1
        """


rule reads_hisat2_index:
    """Build HISAT2's index of the genome."""
    input:
        genome=f"{REFERENCES}/genome.fa",
    output:
        directory(f"{REFERENCES}/hisat2"),
    log:
        "logs/{cohort}/reads_hisat2_index.log",
    benchmark:
        "benchmarks/{cohort}/reads_hisat2_index.tsv"
    conda:
        "../../envs/reads_align.yaml"
    threads: 8
    resources:
        mem_mb=growing_with(500, 4, "genome"),
        runtime=growing_with(10, 0.05, "genome"),
    shell:
        """
        mkdir -p {output:q}
        hisat2-build -p {threads} {input.genome:q} {output:q}/genome >{log:q} 2>&1
        """


rule reads_trim_pairs:
    """Trim paired-end reads."""
    input:
        fq1=lambda wildcards: unit_of(wildcards).fq1,
        fq2=lambda wildcards: unit_of(wildcards).fq2,
        verified="results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json",
    output:
        fq1=temp("results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}.1.fastq.gz"),
        fq2=temp("results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}.2.fastq.gz"),
        json="results/{cohort}/reads/{layer}/trimmed/{sample}.{lane}.json",
    log:
        "logs/{cohort}/reads_trim.{layer}.{sample}.{lane}.log",
    benchmark:
        "benchmarks/{cohort}/reads_trim.{layer}.{sample}.{lane}.tsv"
    wildcard_constraints:
        layer=layer_pattern(
            [
                name
                for name in RNA_READ_LAYERS
                if not UNITS[name].aligned and UNITS[name].rows[0].fq2
            ]
        ),
    group:
        "reads_trim"
    conda:
        "../../envs/reads_salmon.yaml"
    threads: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    shell:
        # where no read is left, fastp writes no gzip header, without which salmon stops
        """
        fastp --in1 {input.fq1:q} --in2 {input.fq2:q} --out1 {output.fq1:q} --out2 {output.fq2:q} \
            --json {output.json:q} --html /dev/null --thread {threads} >{log:q} 2>&1
        for file in {output.fq1:q} {output.fq2:q}; do
            [ -s "$file" ] || gzip -c </dev/null >"$file"
        done
        """


rule reads_trim_single:
    """Trim single-end reads."""
    input:
        fq1=lambda wildcards: unit_of(wildcards).fq1,
        verified="results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json",
    output:
        fq1=temp("results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}.fastq.gz"),
        json="results/{cohort}/reads/{layer}/trimmed/{sample}.{lane}.json",
    log:
        "logs/{cohort}/reads_trim.{layer}.{sample}.{lane}.log",
    benchmark:
        "benchmarks/{cohort}/reads_trim.{layer}.{sample}.{lane}.tsv"
    wildcard_constraints:
        layer=layer_pattern(
            [
                name
                for name in RNA_READ_LAYERS
                if not UNITS[name].aligned and not UNITS[name].rows[0].fq2
            ]
        ),
    group:
        "reads_trim"
    conda:
        "../../envs/reads_salmon.yaml"
    threads: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    shell:
        # where no read is left, fastp writes no gzip header, without which salmon stops
        """
        fastp --in1 {input.fq1:q} --out1 {output.fq1:q} \
            --json {output.json:q} --html /dev/null --thread {threads} >{log:q} 2>&1
        [ -s {output.fq1:q} ] || gzip -c </dev/null >{output.fq1:q}
        """


rule reads_salmon:
    """Estimate transcript abundances of a sample."""
    input:
        first=trimmed(1),
        second=trimmed(2),
        index=f"{REFERENCES}/salmon",
        genome=f"{REFERENCES}/genome.fa",
    output:
        directory("results/{cohort}/reads/{layer}/salmon/{sample}"),
    log:
        "logs/{cohort}/reads_salmon.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_salmon.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(SALMON_LAYERS),
    conda:
        "../../envs/reads_salmon.yaml"
    threads: 4
    resources:
        mem_mb=growing_with(1500, 6, "genome"),
        runtime=growing(120),
    params:
        options=salmon_options,
    shell:
        # without any read of a transcript salmon writes zeros and fails; rule reads_salmon_counts
        # names all such samples
        """
        salmon quant --index {input.index:q} {params.options:q} --output {output:q} \
            --minAssignedFrags 1 --threads {threads} >{log:q} 2>&1 \
            || grep -q insufficient_assigned_fragments {output:q}/aux_info/meta_info.json
        """


rule reads_star:
    """Align a sample with STAR."""
    input:
        first=trimmed(1),
        second=trimmed(2),
        index=f"{REFERENCES}/star",
        genome=f"{REFERENCES}/genome.fa",
    output:
        bam=temp("results/{cohort}/reads/{layer}/aligned/{sample}.bam"),
        index=temp("results/{cohort}/reads/{layer}/aligned/{sample}.bam.bai"),
        log="results/{cohort}/reads/{layer}/aligned/{sample}.Log.final.out",
    log:
        "logs/{cohort}/reads_star.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_star.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(
            [name for name in ALIGNED_LAYERS if aligner_of(name) == "star"]
        ),
    shadow:
        "minimal"
    conda:
        "../../envs/reads_align.yaml"
    threads: 8
    resources:
        # the index is held in memory, and sorting comes on top
        mem_mb=growing_with(4000, 11, "genome"),
        runtime=growing(120),
    params:
        first=lambda wildcards, input: ",".join(input.first),
        second=lambda wildcards, input: ",".join(input.second),
    shell:
        # the options of ENCODE and nf-core/rnaseq
        """
        (
            STAR --runThreadN {threads} --genomeDir {input.index:q} \
                --readFilesIn {params.first:q} {params.second:q} --readFilesCommand gzip -cd \
                --twopassMode Basic --outFilterMultimapNmax 20 --alignSJDBoverhangMin 1 \
                --outSAMattributes NH HI AS NM MD --outSAMunmapped Within --outSAMtype BAM Unsorted \
                --outSAMattrRGline ID:{wildcards.sample:q} SM:{wildcards.sample:q} \
                --outFileNamePrefix star/
            samtools sort -@ {threads} -o {output.bam:q} star/Aligned.out.bam
            samtools index {output.bam:q}
            mv star/Log.final.out {output.log:q}
        ) >{log:q} 2>&1
        """


rule reads_hisat2:
    """Align a sample with HISAT2."""
    input:
        first=trimmed(1),
        second=trimmed(2),
        index=f"{REFERENCES}/hisat2",
        genome=f"{REFERENCES}/genome.fa",
        splice_sites=f"{REFERENCES}/splice_sites.tsv",
    output:
        bam=temp("results/{cohort}/reads/{layer}/aligned/{sample}.bam"),
        index=temp("results/{cohort}/reads/{layer}/aligned/{sample}.bam.bai"),
        log="results/{cohort}/reads/{layer}/aligned/{sample}.hisat2.txt",
    log:
        "logs/{cohort}/reads_hisat2.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_hisat2.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(
            [name for name in ALIGNED_LAYERS if aligner_of(name) == "hisat2"]
        ),
    shadow:
        "minimal"
    conda:
        "../../envs/reads_align.yaml"
    threads: 8
    resources:
        mem_mb=growing_with(2000, 3, "genome"),
        runtime=growing(120),
    params:
        reads=mate_options("-1", "-2", "-U"),
    shell:
        """
        (
            hisat2 -p {threads} --reorder -x {input.index:q}/genome {params.reads:q} \
                --known-splicesite-infile {input.splice_sites:q} --no-mixed --no-discordant \
                --rg-id {wildcards.sample:q} --rg SM:{wildcards.sample:q} \
                --new-summary --summary-file {output.log:q} \
                | samtools sort -@ {threads} -o {output.bam:q} -
            samtools index {output.bam:q}
        ) 2>{log:q}
        """


rule reads_feature_counts:
    """Count a sample's alignments: exons by strand, genes, and both ends of the genes."""
    input:
        bam=alignment,
        verified=per_lane(
            "results/{cohort}/reads/{layer}/verified/{sample}.{lane}.json"
        ),
        gtf=f"{REFERENCES}/annotation.gtf",
        ends=f"{REFERENCES}/ends.saf",
    output:
        directory("results/{cohort}/reads/{layer}/counted/{sample}"),
    log:
        "logs/{cohort}/reads_feature_counts.{layer}.{sample}.log",
    benchmark:
        "benchmarks/{cohort}/reads_feature_counts.{layer}.{sample}.tsv"
    wildcard_constraints:
        layer=layer_pattern(ALIGNED_LAYERS),
    conda:
        "../../envs/reads_align.yaml"
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        verified=lambda wildcards, input: input.verified[0],
    shell:
        # pairs count once, where both mates are aligned to one chromosome
        """
        exec >{log:q} 2>&1
        mkdir -p {output:q}
        cp {params.verified:q} {output:q}/verified.json
        pairs=
        samtools flagstat -@ {threads} {input.bam:q} >{output:q}/flagstat.txt
        if grep -q '^[1-9].* paired in sequencing' {output:q}/flagstat.txt; then
            pairs="-p --countReadPairs -B -C"
        fi
        for strand in 0 1 2; do
            featureCounts -T {threads} $pairs -s $strand -t exon -g gene_id -a {input.gtf:q} \
                -o {output:q}/exon.$strand.txt {input.bam:q}
        done
        featureCounts -T {threads} $pairs -F SAF -a {input.ends:q} \
            -o {output:q}/ends.txt {input.bam:q}
        """


rule reads_salmon_counts:
    """Compute gene counts of the whole cohort from salmon's estimates."""
    input:
        quantified=per_sample("results/{cohort}/reads/{layer}/salmon/{sample}"),
        reports=all_fastp_reports,
        genes=f"{REFERENCES}/genes.tsv",
        transcripts=f"{REFERENCES}/transcripts.tsv",
    output:
        counts="results/{cohort}/reads/{layer}/counts.tsv.gz",
        features="results/{cohort}/reads/{layer}/features.tsv",
        quality="results/{cohort}/reads/{layer}/qc.tsv",
        summary="results/{cohort}/reads/{layer}/summary.json",
    log:
        "logs/{cohort}/reads_salmon_counts.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/reads_salmon_counts.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(SALMON_LAYERS),
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        code=code_digest("reads_salmon_counts"),
        samples=samples_of,
        reports=fastp_reports,
        settings=counting_settings,
    script:
        "../scripts/reads_salmon_counts.py"


rule reads_aligned_counts:
    """Combine the counts of all aligned samples."""
    input:
        counted=per_sample("results/{cohort}/reads/{layer}/counted/{sample}"),
        reports=all_fastp_reports,
        genes=f"{REFERENCES}/genes.tsv",
    output:
        counts="results/{cohort}/reads/{layer}/counts.tsv.gz",
        features="results/{cohort}/reads/{layer}/features.tsv",
        quality="results/{cohort}/reads/{layer}/qc.tsv",
        summary="results/{cohort}/reads/{layer}/summary.json",
    log:
        "logs/{cohort}/reads_aligned_counts.{layer}.log",
    benchmark:
        "benchmarks/{cohort}/reads_aligned_counts.{layer}.tsv"
    wildcard_constraints:
        layer=layer_pattern(ALIGNED_LAYERS),
    conda:
        "../../envs/reads.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        code=code_digest("reads_aligned_counts"),
        samples=samples_of,
        reports=fastp_reports,
        settings=counting_settings,
    script:
        "../scripts/reads_aligned_counts.py"
