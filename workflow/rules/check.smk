# The participating patients are known only after the reads are counted.
READ_LAYERS = [] if UNITS else LAYERS


rule check:
    """Check all files and print what would be run on how many patients."""
    input:
        # files that are yet to be simulated need no check
        readings=branch(
            SIMULATED,
            then=[],
            otherwise=expand(
                f"results/{COHORT}/layers/{{layer}}/reading.json", layer=READ_LAYERS
            ),
        ),
        annotations=branch(
            SIMULATED,
            then=[],
            otherwise=expand(
                f"results/{COHORT}/layers/{{layer}}/annotation.tsv", layer=READ_LAYERS
            ),
        ),
        # read files are read to their end, but not yet counted
        units=branch(
            SIMULATED,
            then=[],
            otherwise=[
                f"{READS}/{layer}/verified/{unit.sample}.{unit.lane}.json"
                for layer, units in UNITS.items()
                for unit in units.rows
            ],
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
        layers=READ_LAYERS,
    script:
        "../scripts/check.py"
