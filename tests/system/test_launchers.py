"""The launchers for clusters: the commands that they contain are run, on this machine."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from reference.dask_processes import dask_processes, kill

from simlab.study.cell import OK
from simlab.study.store import opened

SCRIPTS = Path(__file__).parents[2] / "scripts"
STUDY = """
from simlab import Fieldwork, Louvain, Scenario, Study
study = Study("few", question="?", scenarios=Scenario(n_actors=20, mean_degree=4, reciprocity=None), fieldworks=Fieldwork(),
              fitters={"Louvain": Louvain()}, replicates=12, metrics=["ari"])
"""
# Slurm for poor people: a job is a process group, and its number that of the group. The script is copied, since who submits it
# may remove it at once.
SBATCH = """#!/bin/sh
cp "$1" "job-$$.sh"
setsid sh "job-$$.sh" >"job-$$.txt" 2>&1 </dev/null &
echo "Submitted batch job $!"
"""
SCANCEL = '#!/bin/sh\nfor job in "$@"; do kill -9 -- "-$job"; echo "$job" >>cancelled; done\n'


@pytest.fixture(scope="module")
def slurm() -> ModuleType:
    spec = importlib.util.spec_from_file_location("slurm_launcher", SCRIPTS / "slurm.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("text", "seconds"), [("04:00:00", 14400), ("1-00:30:05", 88205), ("00:10:00", 600)])
def test_slurm_times_are_read(slurm: ModuleType, text: str, seconds: int) -> None:
    assert slurm.walltime_seconds(text) == seconds


@pytest.mark.parametrize("options", [["--walltime", "3"], ["--memory", "much"], ["--minimum", "2"]])
def test_what_slurm_would_not_take_is_one_line(slurm: ModuleType, options: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"^error: (walltime = 3|memory = much|minimum and maximum)"):
        slurm.main(["study.py", *options, "--dry-run"])


def test_workers_of_slurm_have_a_thread_and_a_nanny_each_and_leave_before_the_job_ends(slurm: ModuleType) -> None:
    given = slurm.options().parse_args(["study.py", "--workers-per-job", "4", "--memory", "1.5GB"])
    settings = slurm.cluster_settings(given)
    assert (settings["cores"], settings["processes"], settings["memory"], settings["nanny"]) == (4, 4, "6GB", True)
    assert settings["worker_extra_args"][:2] == ["--lifetime", "14100s"]


def test_the_job_script_of_slurm(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs the package dask-jobqueue")
    command = [sys.executable, SCRIPTS / "slurm.py", "study.py", "--workers-per-job", "2", "--queue", "short"]
    command += ["--account", "me", "--walltime", "02:00:00", "--directive=--constraint=skylake", "--dry-run"]
    done = subprocess.run([*command, "--", "--size", "full"], capture_output=True, text=True, check=True, cwd=tmp_path)
    lines = done.stdout.splitlines()
    for wanted in (
        "-J simlab",
        "-p short",
        "-A me",
        "--cpus-per-task=2",
        "--mem=4G",
        "-t 02:00:00",
        "--constraint=skylake",
    ):
        assert f"#SBATCH {wanted}" in lines
    worker = next(line for line in lines if "dask_worker" in line)
    for wanted in ("--nthreads 1", "--nworkers 2", "--nanny", "--memory-limit 1.86GiB", "--lifetime 6900s"):
        assert wanted in worker
    assert lines[-1].endswith("simlab run study.py --backend dask --scheduler ADDRESS --size full")


def test_a_study_runs_where_sbatch_and_scancel_only_start_and_end_processes(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs the package dask-jobqueue")
    (tmp_path / "study.py").write_text(STUDY)
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    command = [sys.executable, SCRIPTS / "slurm.py", "study.py", "--workers", "2", "--interface", "lo"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.Popen(
        [*command, "--", "--out", "x.zarr"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    )
    try:
        _, said = run.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        kill(run)
        _, said = run.communicate()
    printed = "\n".join(path.read_text(errors="replace") for path in tmp_path.glob("job-*.txt"))
    assert run.returncode == 0, (said, printed)
    with opened(tmp_path / "x.zarr") as dataset:
        assert (dataset["status"] == OK).all()
    assert len((tmp_path / "cancelled").read_text().split()) == 2


@pytest.fixture(scope="module")
def parts() -> dict[tuple[str, str], Any]:
    """What kubernetes.yaml describes, by kind and name."""
    yaml = pytest.importorskip("yaml", reason="needs the package PyYAML")
    found = yaml.safe_load_all((SCRIPTS / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {(part["kind"], part["metadata"]["name"]): part for part in found}


def container(part: Any) -> Any:
    (found,) = part["spec"]["template"]["spec"]["containers"]
    return found


def test_the_parts_of_kubernetes_fit_together(parts: dict[tuple[str, str], Any]) -> None:
    service = parts["Service", "simlab-scheduler"]["spec"]
    scheduler, worker = parts["Deployment", "simlab-scheduler"], parts["Deployment", "simlab-worker"]
    job = parts["Job", "simlab-run"]
    for deployment in (scheduler, worker):
        wanted = deployment["spec"]["selector"]["matchLabels"]
        assert deployment["spec"]["template"]["metadata"]["labels"] == wanted
    assert scheduler["spec"]["template"]["metadata"]["labels"] == service["selector"]
    address = f"tcp://simlab-scheduler:{service['ports'][0]['port']}"
    assert address in container(worker)["command"]
    assert address in container(job)["command"]
    volumes = {volume["name"]: volume for volume in job["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container(job)["volumeMounts"]} == set(volumes)
    assert ("PersistentVolumeClaim", volumes["results"]["persistentVolumeClaim"]["claimName"]) in parts
    assert {container(part)["image"] for part in (scheduler, worker, job)} == {"simlab:0.1.0"}
    assert all(container(part)["resources"]["limits"]["memory"] for part in (scheduler, worker, job))


def test_the_commands_of_kubernetes_run_a_study(parts: dict[tuple[str, str], Any], tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the package distributed")
    (tmp_path / "study.py").write_text(STUDY)
    with dask_processes(tmp_path / "dask", start_scheduler=False) as processes:
        dask, *scheduler = container(parts["Deployment", "simlab-scheduler"])["command"]
        assert (dask, scheduler[scheduler.index("--port") + 1]) == ("dask", "8786")
        scheduler[scheduler.index("8786")] = "0"  # any that is free
        processes.start_scheduler(*scheduler[1:], "--host", "127.0.0.1", plain=True)
        places = {
            "tcp://simlab-scheduler:8786": processes.address,
            "/tmp": str(tmp_path),
            "/script/study.py": str(tmp_path / "study.py"),
            "/results/study.zarr": str(tmp_path / "x.zarr"),
        }
        _, *worker = (places.get(word, word) for word in container(parts["Deployment", "simlab-worker"])["command"])
        processes.workers.append(processes.start(worker))
        simlab, *run = (places.get(word, word) for word in container(parts["Job", "simlab-run"])["command"])
        command = [Path(sys.executable).with_name(simlab), *run]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, (done.stderr, processes.printed())
    with opened(tmp_path / "x.zarr") as dataset:
        assert (dataset["status"] == OK).all()
