rule check:
    """Check all files and print what a run would do, on how many patients."""
    input:
        # what is yet to be simulated need not be checked
        readings=branch(
            SIMULATED,
            then=[],
            otherwise=expand(
                f"results/{COHORT}/layers/{{layer}}/reading.json", layer=LAYERS
            ),
        ),
        annotations=branch(
            SIMULATED,
            then=[],
            otherwise=expand(
                f"results/{COHORT}/layers/{{layer}}/annotation.tsv", layer=LAYERS
            ),
        ),
    log:
        f"logs/{COHORT}/check.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=config,
    script:
        "../scripts/check.py"
