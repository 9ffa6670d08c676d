"""What goes wrong with rules' scripts on a cluster: they hang, they grow, no internet.

Python imports this file at its start where PYTHONPATH names the folder. Which script is struck is
said by files in the folder TRD_INCIDENTS.
"""

import contextlib
import errno
import os
import re
import sys
import time
from pathlib import Path

SECONDS_OF_GROWTH = 6


def rule_script() -> str | None:
    """Return the name of the rule's script that this process runs, or None."""
    for argument in sys.orig_argv[1:]:
        found = re.search(r"/\.snakemake/scripts/tmp\w+\.(\w+)\.py$", argument)
        if found:
            return found[1]
    return None


def refuse_network(event: str, arguments: tuple) -> None:
    """Fail as on a compute node without a way out."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise OSError(errno.ENETUNREACH, f"no internet on this node: {event} {arguments[-1]!r}")


def hang(folder: Path, script: str) -> None:
    """Let the first process of a script that is to hang say who it is, and wait to be released."""
    held = folder / f"{script}.held"
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder / f"{script}.hang", held)
        (folder / f"{script}.job").write_text(os.environ["SLURM_JOB_ID"])
        while held.exists():
            time.sleep(0.2)


def grow(folder: Path, script: str) -> None:
    """Take megabytes, long enough for Slurm to see it."""
    wanted = folder / f"{script}.megabytes"
    if wanted.exists():
        sys.ballast = b"x" * (int(wanted.read_text()) << 20)
        time.sleep(SECONDS_OF_GROWTH)


script = rule_script()
if script and "TRD_INCIDENTS" in os.environ:
    sys.addaudithook(refuse_network)
    hang(Path(os.environ["TRD_INCIDENTS"]), script)
    grow(Path(os.environ["TRD_INCIDENTS"]), script)
