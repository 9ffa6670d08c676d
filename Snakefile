include: "workflow/Snakefile"


rule default:
    """All of it, see all."""
    default_target: True
    input:
        rules.all.input,
