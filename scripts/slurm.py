"""Runs a study on a Slurm cluster: starts a scheduler here, Slurm jobs with workers, and `simlab run`; ends the jobs after it.

python scripts/slurm.py experiments/recovery.py --workers 200 --memory 2GB --walltime 08:00:00 --queue short -- --size full
python scripts/slurm.py experiments/recovery.py --minimum 4 --maximum 400 -- --time-limit 20min
python scripts/slurm.py experiments/recovery.py --dry-run

What follows `--` goes to `simlab run`. Run it where compute nodes can reach it over the network (a login node, or a job of its
own that lasts as long as the study), in the environment of simlab, which the nodes must see too. Needs dask-jobqueue (BSD):
pip install 'simlab[cluster]'.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def options() -> argparse.ArgumentParser:
    """Return what can be said on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", help="a Python file that names a study")
    parser.add_argument("--workers", type=int, default=16, help="worker processes, each with one processor (16)")
    parser.add_argument("--minimum", type=int, help="with --maximum: jobs come and go with what is left to compute")
    parser.add_argument("--maximum", type=int)
    parser.add_argument("--workers-per-job", type=int, default=1, help="worker processes in a Slurm job (1)")
    parser.add_argument("--memory", default="2GB", help="memory of a worker process (2GB)")
    parser.add_argument("--walltime", default="04:00:00", help="how long a Slurm job may take (04:00:00)")
    parser.add_argument("--queue", help="partition")
    parser.add_argument("--account", help="project that pays")
    parser.add_argument("--interface", help="network interface that the nodes reach, such as ib0")
    parser.add_argument(
        "--directive", action="append", default=[], help="another #SBATCH line, as '--constraint=skylake'"
    )
    parser.add_argument(
        "--prologue", action="append", default=[], help="a line before the workers, as 'module load python'"
    )
    parser.add_argument(
        "--log-folder", help="where the jobs write what they print; a file each in the folder where they are"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the job script and the command, start nothing")
    return parser


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before and after the first `--`."""
    at = list(arguments).index("--") if "--" in arguments else len(arguments)
    return list(arguments[:at]), list(arguments[at + 1 :])


def cluster_settings(given: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of dask_jobqueue.SLURMCluster.

    One thread a worker process, since fitters hold the interpreter's lock and a limit ends a whole process; a nanny for each,
    which starts a process again that was ended. A worker leaves before Slurm ends its job, so that it is not taken for one that
    died of its cell.
    """
    each, unit = memory(given.memory)
    seconds = walltime_seconds(given.walltime)
    return {
        "job_name": "simlab",
        "cores": given.workers_per_job,
        "processes": given.workers_per_job,
        "job_cpu": given.workers_per_job,
        "memory": f"{each * given.workers_per_job:g}{unit}",
        "walltime": given.walltime,
        "queue": given.queue,
        "account": given.account,
        "interface": given.interface,
        "nanny": True,
        "death_timeout": 300,
        "log_directory": given.log_folder,
        "job_extra_directives": given.directive,
        "job_script_prologue": [*(f"export {name}=1" for name in ONE_THREAD), *given.prologue],
        "worker_extra_args": ["--lifetime", f"{max(seconds - 300, seconds // 2)}s", "--lifetime-stagger", "60s"],
        "scheduler_options": {"dashboard": False},
    }


def memory(text: str) -> tuple[float, str]:
    """Return number and unit of a size such as 2GB."""
    number = text.rstrip("KMGTiBkmgtb")
    try:
        return float(number), text[len(number) :] or "B"
    except ValueError:
        raise SystemExit(f"error: memory = {text}: must be a size such as 2GB") from None


def walltime_seconds(text: str) -> int:
    """Return the seconds of a Slurm time: [days-]hours:minutes:seconds."""
    days, _, clock = text.rpartition("-")
    try:
        hours, minutes, seconds = map(int, clock.split(":"))
        return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    except ValueError:
        raise SystemExit(f"error: walltime = {text}: must be [days-]hours:minutes:seconds, such as 04:00:00") from None


def command(script: str, address: str, further: Sequence[str]) -> list[str]:
    """Return the command that runs the study."""
    simlab = str(Path(sys.executable).with_name("simlab"))
    return [simlab, "run", script, "--backend", "dask", "--scheduler", address, *further]


def main(arguments: Sequence[str]) -> int:
    """Run the study; return the exit code of `simlab run`."""
    mine, further = split(arguments)
    given = options().parse_args(mine)
    if (given.minimum is None) != (given.maximum is None):
        raise SystemExit("error: minimum and maximum go together")
    settings = cluster_settings(given)
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise SystemExit("error: needs dask-jobqueue: pip install 'simlab[cluster]'") from None
    with SLURMCluster(**settings) as cluster:
        if given.dry_run:
            print(cluster.job_script())
            print(" ".join(command(given.script, "ADDRESS", further)))
            return 0
        if given.maximum is not None:
            cluster.adapt(minimum=given.minimum, maximum=given.maximum)
        else:
            cluster.scale(given.workers)
        # Ctrl-C is for the run, which stores what was computed and ends; then the jobs end here.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with subprocess.Popen(
            command(given.script, cluster.scheduler_address, further), preexec_fn=_hear_ctrl_c
        ) as run:
            return run.wait()


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
