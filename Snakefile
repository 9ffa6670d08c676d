# A config with a block `audit` is of predictions that another pipeline made.
if "audit" in config:

    include: "workflow/audit.smk"

else:

    include: "workflow/Snakefile"

    rule default:
        """Same as all."""
        default_target: True
        input:
            rules.all.input,
