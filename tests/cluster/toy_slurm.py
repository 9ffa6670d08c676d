"""A real Slurm of two nodes on this one machine, with its own key, ports and folders."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

CLUSTER = "toy"
PARTITION = "toy"
NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
# Where every Slurm command looks: the executor hides SLURM_CONF from the jobs it starts.
SETTINGS = Path("/etc/slurm/slurm.conf")
PREFIX = "trd-slurm-"
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}

# CPUs are entries in a book: the caller's --jobs says how many jobs run side by side. LLN spreads
# them over the nodes, and an overrun of memory is looked for every other second.
CONFIGURATION = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={control_port}
AuthType=auth/munge
AuthInfo=socket={scratch}/munge/munge.sock
CredType=cred/munge
StateSaveLocation={scratch}/state
SlurmdSpoolDir={scratch}/spool/%n
SlurmctldPidFile={scratch}/run/slurmctld.pid
SlurmdPidFile={scratch}/run/slurmd-%n.pid
SlurmctldLogFile={scratch}/log/slurmctld.log
SlurmdLogFile={scratch}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=5,bf_interval=5
ReturnToService=2
SlurmdTimeout=15
InactiveLimit=0
KillWait=5
MinJobAge=7200
JobRequeue=1
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
PartitionName={partition} Nodes={nodes} Default=NO LLN=YES MaxTime=1440 State=UP DefMemPerCPU=500
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 Boards=1 "
    "SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=32000\n"
)


@dataclasses.dataclass(frozen=True)
class Job:
    """A job as squeue tells it; the executor's comment names the rule or group and wildcards."""

    id: str
    state: str
    comment: str
    node: str
    memory: str

    @property
    def megabytes(self) -> int:
        return {"M": 1, "G": 1024}[self.memory[-1]] * int(self.memory[:-1])


def why_not() -> str | None:
    """Return why no Slurm can be started here, or None."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"Slurm is not installed ({', '.join(absent)}); apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "Slurm's daemons have to be started by root"
    _remove_left_over()
    if os.path.lexists(SETTINGS):
        return f"this machine has a Slurm of its own ({SETTINGS})"
    return None


def _remove_left_over() -> None:
    """Clean up after a test process that was killed before it could."""
    if not SETTINGS.is_symlink():
        return
    scratch = Path(os.readlink(SETTINGS)).parent
    if not scratch.name.startswith(PREFIX):
        return
    owner = scratch / "owner"
    if owner.exists() and psutil.pid_exists(int(owner.read_text())):
        return
    ToySlurm(scratch).stop()


def wait_for(what: str, ready: Callable[[], object], seconds: float, pause: float = 0.3) -> object:
    """Return what `ready` gives as soon as that is true; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause)
    return found


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as open_sockets:
        found = []
        for _ in range(number):
            listener = open_sockets.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            found.append(listener.getsockname()[1])
        return found


class ToySlurm:
    """The daemons of one cluster; everything they write lies in one scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch

    def start(self) -> None:
        for name in ("munge", "state", "run", "log", *(f"spool/{node}" for node in NODES)):
            (self.scratch / name).mkdir(parents=True, mode=0o755)
        (self.scratch / "owner").write_text(str(os.getpid()))
        host = socket.gethostname().split(".")[0]
        control_port, *ports = _free_ports(1 + len(NODES))
        (self.scratch / "slurm.conf").write_text(
            CONFIGURATION.format(
                cluster=CLUSTER,
                partition=PARTITION,
                nodes=",".join(NODES),
                host=host,
                scratch=self.scratch,
                control_port=control_port,
            )
            + "".join(
                NODE.format(name=name, host=host, port=port)
                for name, port in zip(NODES, ports, strict=True)
            )
        )
        SETTINGS.parent.mkdir(exist_ok=True)
        SETTINGS.symlink_to(self.scratch / "slurm.conf")
        self._start_munge()
        _daemon("slurmctld", "-c")
        for node in NODES:
            self.start_node(node)
        wait_for("idle nodes", lambda: set(self.node_states().values()) == {"idle"}, 60)

    def _start_munge(self) -> None:
        folder = self.scratch / "munge"
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        _daemon(
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={folder / 'munge.sock'}",
            f"--pid-file={self.scratch / 'run' / 'munged.pid'}",
            f"--log-file={self.scratch / 'log' / 'munged.log'}",
            f"--seed-file={folder / 'munge.seed'}",
        )

    def start_node(self, node: str) -> None:
        _daemon("slurmd", "-N", node)

    def node_states(self) -> dict[str, str]:
        lines = _answer("sinfo", "--Node", "--noheader", "--format=%N|%T").splitlines()
        return dict(line.strip().split("|") for line in lines)

    def kill_node(self, node: str) -> None:
        """Let a node die as in a power cut: its daemon, its job daemons and all that they run."""
        self._pid(f"slurmd-{node}").send_signal(signal.SIGKILL)
        for process in self._processes(node):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)

    def _processes(self, node: str) -> list[psutil.Process]:
        """Return what runs on a node, the daemons of its jobs first."""
        running, daemons = [], []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                if (
                    environment.get("SLURMD_NODENAME") == node
                    and environment.get("SLURM_CLUSTER_NAME") == CLUSTER
                ):
                    running.append(process)
                    daemons += [p for p in process.parents() if p.name() == "slurmstepd"]
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return list(dict.fromkeys([*daemons, *running]))

    def jobs(self) -> list[Job]:
        """Return every job that the controller remembers, also those that have ended."""
        told = _answer("squeue", "--states=all", "--noheader", "--format=%i|%T|%k|%N|%m")
        lines = told.splitlines()
        return [Job(*line.strip().split("|")) for line in lines]

    def state(self, job: str) -> str:
        return next((other.state for other in self.jobs() if other.id == job), "FORGOTTEN")

    def cancel(self, *jobs: str) -> None:
        _answer("scancel", *jobs)

    def stop(self) -> None:
        """End the daemons and all they run, remove the link and the folder."""
        for node in NODES:
            for process in self._processes(node):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        for name in (*(f"slurmd-{node}" for node in NODES), "slurmctld", "munged"):
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ValueError):
                process = self._pid(name)
                process.terminate()
                try:
                    process.wait(10)
                except psutil.TimeoutExpired:
                    process.kill()
        if SETTINGS.is_symlink() and Path(os.readlink(SETTINGS)).parent == self.scratch:
            SETTINGS.unlink()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _pid(self, name: str) -> psutil.Process:
        return psutil.Process(int((self.scratch / "run" / f"{name}.pid").read_text()))


def _daemon(*command: str) -> None:
    """Start a program that goes into the background by itself."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)


def _answer(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def running() -> Iterator[ToySlurm]:
    """Start a Slurm, and stop it whatever happens."""
    slurm = ToySlurm(Path(tempfile.mkdtemp(prefix=PREFIX)))
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
