"""The one error that users are meant to read."""


class InputError(ValueError):
    """Bad input, told in one line: which file, which row or key, and how to mend it.

    Parameters
    ----------
    where : str
        The file, and the row, column or key inside it.
    problem : str
        What is wrong with it.
    mend : str
        What the user can do about it.
    """

    def __init__(self, where: str, problem: str, mend: str) -> None:
        self.where, self.problem, self.mend = where, problem, mend
        super().__init__(" ".join(f"{where}: {problem}; {mend}".split()))
