def growing(amount):
    """Return a resource function: the amount at first, twice as much at every further attempt."""

    def resource(wildcards, attempt):
        return amount * 2 ** (attempt - 1)

    return resource
