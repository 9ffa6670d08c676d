include: "workflow/Snakefile"


rule default:
    """Same as all."""
    default_target: True
    input:
        rules.all.input,
