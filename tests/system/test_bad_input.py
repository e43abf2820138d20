"""Wrong input: exit code 2 and a line that says what is wrong, never a traceback."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import xarray as xr

from simlab.cli import call

TINY = """
from simlab import Fieldwork, Louvain, Scenario, Study
study = Study("tiny", question="Is it there?", scenarios=Scenario(n_actors=10, reciprocity=None), fieldworks=Fieldwork(),
              fitters=[Louvain()], replicates=1)
"""
FILES: dict[str, str | bytes] = {
    "ok.csv": "source,target\na,b\nb,c\n",
    "ok.py": TINY,
    "empty.csv": "source,target\n",
    "zero.csv": "",
    "zero.graphml": "",
    "zero.gml": "",
    "loops.csv": "source,target\na,a\nb,b\n",
    "one.csv": "source,target\na,a\n",
    "columns.csv": "x,y\n1,2\n",
    "fields.csv": "source,target\na,b\nc\n",
    "weights.csv": "source,target,weight\na,b,-1\nb,c,nan\n",
    "nothing.csv": "source,target,weight\na,b,0\n",
    "everything.csv": "source,target\na,b\nb,a\n",
    "relations.csv": "source,target,relation\na,b,x\nb,c,x\na,b,y\n",
    "nobody.csv": "source,target,relation,weight\na,b,x,0\na,b,y,1\nb,a,y,1\n",
    "heavy.csv": "source,target,weight\na,b,16777217\nb,c,1\n",
    "beyond.csv": "source,target,weight\na,b,1e39\nb,c,1\n",
    "about.csv": "actor,Rank\na,1\nb,2\nc,4\n",
    "noise.csv": np.random.default_rng(1).bytes(4096),
    "noise.graphml": np.random.default_rng(2).bytes(4096),
    "noise.toml": np.random.default_rng(3).bytes(400),
    "noise.py": np.random.default_rng(4).bytes(400),
    "torn.graphml": "<graphml>",
    "latin.csv": "source,target\nZo\xeb,b\n".encode("latin-1"),
    "table.xlsx": b"PK\x03\x04",
    "twice.csv": "actor\na\na\nb\nc\n",
    "unknown.csv": "actor\nz\n",
    "absent.csv": "actor,present\na,true\nb,false\nc,true\n",
    "silent.csv": "actor,answered\na,false\nb,false\nc,false\n",
    "words.toml": 'n_actors = "many"\n',
    "key.toml": "no_such_key = 3\n",
    "broken.toml": "n_actors = [1",
    "fieldwork.toml": "fieldwork = 3\n",
    "field.toml": "[fieldwork]\nresponse = 0.5\n",
    "seed.toml": 'seed = "one"\n',
    "table.toml": "[scenario]\nn_actors = 20\n",
    "empty.py": "",
    "leaves.py": "raise SystemExit\n",
    "syntax.py": "def f(:\n",
    "breaks.py": "1 / 0\n",
    "later.py": "def study():\n    return {}['x']\n",
    "number.py": "study = 3\n",
    "scenario.py": "from simlab import Scenario\nstudy = Scenario(n_actors=0)\n",
    "file": "hello\n",
}
LONG = "a" * 300

BAD = f"""
fit
fit nothere.csv
fit {LONG}.csv
fit empty.csv
fit zero.csv
fit zero.graphml
fit zero.gml
fit loops.csv
fit one.csv
fit columns.csv
fit fields.csv
fit weights.csv
fit nothing.csv
fit everything.csv
fit noise.csv
fit noise.graphml
fit torn.graphml
fit latin.csv
fit table.xlsx
fit folder
fit ok.csv ok.csv
fit ok.csv --clusters -2
fit ok.csv --clusters 5:2
fit ok.csv --clusters abc
fit ok.csv --clusters 0
fit ok.csv --clusters 0:2
fit ok.csv --clusters 2:
fit ok.csv --clusters :2
fit ok.csv --clusters 1:2:3
fit ok.csv --clusters 2.5
fit ok.csv --clusters 99
fit ok.csv --clusters 4
fit ok.csv --clusters ''
fit ok.csv --clusters
fit ok.csv --fitter nosuch
fit ok.csv --fitter louvain --clusters 2
fit ok.csv --fitter louvain --joint
fit ok.csv --fitter louvain --set resolution=high
fit ok.csv --fitter louvain --set resolution=-1
fit ok.csv --fitter louvain --set resolution=nan
fit ok.csv --fitter louvain --set n_starts=3
fit ok.csv --fitter louvain --set resolution
fit ok.csv --set n_draws=0
fit ok.csv --fitter louvain --set =3
fit ok.csv --fitter lpm-mcmc --clusters 2
fit ok.csv --clusters 2 --set n_clusters=3
fit ok.csv --set 'n_clusters="3"'
fit ok.csv --set n_clusters=none
fit ok.csv --set reciprocity=True
fit ok.csv --set sociality=nobody
fit ok.csv --set covariates=dyad(far)
fit ok.csv --set covariates=match(rank) --actors about.csv
fit ok.csv --set intercept_variance=1e300
fit ok.csv --fitter lpcm-map --set 'criteria=["bic","posterior"]'
fit ok.csv --plot x.png --check x.png
fit ok.csv --plot x.png --check folder/../x.png
fit nobody.csv
fit nobody.csv --joint
fit heavy.csv --set family=poisson
fit beyond.csv --set family=poisson
fit ok.csv --seed -1
fit ok.csv --seed one
fit ok.csv --seed 1.5
fit ok.csv --actors twice.csv
fit ok.csv --actors unknown.csv
fit ok.csv --actors absent.csv
fit ok.csv --actors silent.csv
fit ok.csv --actors nothere.csv
fit ok.csv --actors folder
fit ok.csv --actors zero.csv
fit ok.csv --actors noise.csv
fit ok.csv -o nofolder/x.nc
fit ok.csv -o /proc/nothere/x.nc
fit ok.csv -o x.txt
fit ok.csv -o folder
fit ok.csv --plot x.txt
fit ok.csv --plot nofolder/x.png
fit ok.csv --nosuchoption
fit ok.csv --undirected-relations x
fit relations.csv --undirected-relations z
simulate key.toml -o d
simulate words.toml -o d
simulate broken.toml -o d
simulate noise.toml -o d
simulate fieldwork.toml -o d
simulate field.toml -o d
simulate seed.toml -o d
simulate table.toml -o d
simulate nothere.toml -o d
simulate managrs -o d
simulate folder -o d
simulate ok.csv -o d
simulate --set dropped=loudest -o d
simulate --set left_out=charity -o d
simulate --set response_rate=[0.5,0.6,0.7] -o d
simulate --set response_odds_ratio=2 -o d
simulate --set treatment=deletion -o d
fit ok.csv --fitter multiple-imputation --set base=nosuch
simulate --set n_actors=0 -o d
simulate --set n_actors=many -o d
simulate --set n_actors=20.5 -o d
simulate --set n_actors=true -o d
simulate --set n_actors=1e9 -o d
simulate --set n_actors= -o d
simulate --set n_actors -o d
simulate --set =3 -o d
simulate --set n_clusters=0 -o d
simulate --set n_clusters=61 -o d
simulate --set separation=nan -o d
simulate --set separation=inf -o d
simulate --set separation=-1 -o d
simulate --set spread=0 -o d
simulate --set mean_degree=60 -o d
simulate --set mean_degree=59 -o d
simulate --set mean_degree=0 -o d
simulate --set density=1 -o d
simulate --set density=0.1 --set mean_degree=5 -o d
simulate --set density=[0.1,0.2] -o d
simulate --set density=low -o d
simulate --set reciprocity=1 -o d
simulate --set reciprocity=0.999 -o d
simulate --set reciprocity=0.99 -o d
simulate --set cluster_shares=[1,2] -o d
simulate --set cluster_shares=[1,2,-3] -o d
simulate --set bridger_share=0.8 -o d
simulate --set response_rate=1.5 -o d
simulate --set max_nominations=0 -o d
simulate --set fieldwork.nosuch=1 -o d
simulate --set n_periods=0 -o d
simulate --set relations=[] -o d
simulate --set 'relations=["a","a"]' -o d
simulate --set separatoin=3 -o d
simulate --seed -1 -o d
simulate -o file
simulate -o file/d
run
run nothere.py
run folder
run ok.csv
run empty.py
run leaves.py
run syntax.py
run breaks.py
run later.py
run number.py
run noise.py
run scenario.py
run ok.py --jobs 0
run ok.py --jobs -1
run ok.py --jobs many
run ok.py --backend nosuch
run ok.py --size tiny
run ok.py --replicates 0
run ok.py --seed -1
run ok.py --scheduler tcp://127.0.0.1:1
run ok.py --out folder
run ok.py --out file
run ok.py --out file/x.zarr
run ok.py --out foreign.zarr
status
status nothere.zarr
status folder
status file
status foreign.zarr
report nothere.zarr
report folder
report file
report foreign.zarr
export nothere.zarr -o x.nc
export folder -o x.nc
export foreign.zarr -o x.nc
export folder
replay nothere.zarr --cell replicate=0
replay folder --cell replicate=0
replay folder
nosuchcommand
--nosuchoption
fitt ok.csv
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are wrong in one way each."""
    path = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (path / "folder").mkdir()
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(path / "foreign.zarr", consolidated=False)
    return path


def check_refused(code: int, text: str) -> None:
    """Assert that the exit code and what was said are those of wrong input."""
    assert code == 2, text
    assert "Traceback" not in text
    assert "fault of simlab" not in text
    lines = [line for line in text.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 3, text
    assert len(lines[-1]) > 15


@pytest.mark.parametrize("line", BAD.strip().splitlines(), ids=lambda line: line[:70])
def test_wrong_input_is_refused(
    line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    before = set(folder.iterdir())
    code = call(shlex.split(line))
    said = capsys.readouterr()
    check_refused(code, said.out + said.err)
    assert said.err.startswith("error: ") or "warning" in said.out + said.err
    assert {path for path in folder.iterdir() if path.name != "d"} <= before | {folder / "__pycache__"}


def test_what_the_lines_say_names_the_value_and_what_is_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for line, words in {
        "fit weights.csv": ["weights.csv, line 2", "weight = -1"],
        "fit ok.csv --clusters 5:2": ["clusters = 5:2"],
        "fit ok.csv --clusters 99": ["n_clusters = 99", "50"],
        "fit ok.csv --fitter spectrl": ["Did you mean 'spectral'?", "louvain"],
        "fit ok.csv --set =3": ["--set = =3", "must be key=value"],
        "fit ok.csv --fitter lpm-mcmc --clusters 2": ["clusters = 2", "lpm-mcmc has no clusters: leave it out"],
        "fit ok.csv --fitter louvain --clusters 2": ["louvain finds the number of clusters by itself"],
        "fit ok.csv --clusters 2 --set n_clusters=3": ["clusters = 2", "--set says n_clusters too"],
        "fit ok.csv --set 'n_clusters=\"3\"'": [
            "n_clusters = 3: must be a whole number or a list of 2 whole numbers\n"
        ],
        "fit ok.csv --set reciprocity=True": ["reciprocity = True: must be true or false"],
        "fit ok.csv --set 'covariates=dyad(far)'": ["covariates = dyad(far)", "in Python only"],
        "fit ok.csv --set 'covariates=match(rank)' --actors about.csv": ["'rank'. Did you mean 'Rank'?"],
        "fit ok.csv --set intercept_variance=1e300": ["intercept_variance = 1e+300: must be from 1e-06 to 1000000"],
        "fit ok.csv --plot x.png --check ./x.png": ["check = x.png: must be another file than that of --plot"],
        "fit nobody.csv": ["nobody.csv: none of the 2 networks can be fitted"],
        "fit heavy.csv --set family=poisson": ["weight = 16777217: must be at most 16777216"],
        "fit beyond.csv --set family=poisson": ["weight = 1e+39: must be at most 16777216"],
        "simulate managrs": ["Did you mean 'managers'?"],
        "simulate --set mean_degree=60": ["mean_degree = 60", "below 59"],
        "simulate --set reciprocity=0.99": ["reciprocity = 0.99", "must be at most"],
        "run ok.py --jobs 0": ["jobs = 0", "from 1"],
        "run ok.py --backend nosuch": ["backend = nosuch", "loky, threads, dask"],
        "nosuchcommand": ["No such command 'nosuchcommand'"],
        "fit ok.csv --nosuchoption": ["No such option", "--nosuchoption"],
    }.items():
        assert call(shlex.split(line)) == 2
        said = capsys.readouterr().err
        assert all(word in said for word in words), said


def test_control_the_good_files_are_not_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert call(["fit", "ok.csv", "--fitter", "louvain"]) == 0
    assert call(["simulate", "--set", "n_actors=20", "--set", "reciprocity=none", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("line", ["fit nothere.csv", "nosuchcommand", "status folder"])
def test_a_shell_sees_the_same(line: str, folder: Path) -> None:
    simlab = Path(sys.executable).with_name("simlab")
    done = subprocess.run([simlab, *line.split()], cwd=folder, capture_output=True, text=True, timeout=60)
    check_refused(done.returncode, done.stdout + done.stderr)
    assert done.stdout == ""


def test_graphs_without_ties_and_with_all_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, graph in (("none", nx.empty_graph(4)), ("all", nx.complete_graph(4)), ("nobody", nx.Graph())):
        nx.write_graphml(graph, tmp_path / f"{name}.graphml")
        assert call(["fit", str(tmp_path / f"{name}.graphml")]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
