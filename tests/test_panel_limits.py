"""Fixed-choice limits and proxy reports in tables: what they mean, and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Panel
from simlab.panel_read import read_panel

TIES = "source,target\na,b\na,c\nb,a\nc,b\nc,d\n"


def read(tmp_path: Path, actors: str, ties: str = TIES, **options: bool) -> Panel:
    (tmp_path / "ties.csv").write_text(ties)
    (tmp_path / "actors.csv").write_text(actors)
    return read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv", **options)


@pytest.mark.parametrize("yes", ["true", "1", "yes", "2"])
@pytest.mark.parametrize("no", ["false", "0", "no", ""])
def test_who_gave_as_many_names_as_allowed(tmp_path: Path, yes: str, no: str) -> None:
    network = read(tmp_path, f"actor,limited,rank\na,{yes},1\nb,{no},2\nc,{yes},3\nd,{no},4\n").network()
    assert network.limited is not None
    assert network.limited.tolist() == [True, False, True, False]
    assert network.max_nominations == 2
    assert list(network.attributes) == ["rank"]
    assert network.state[0, 3] == DyadState.NO_TIE


def test_without_the_column_there_is_no_limit(tmp_path: Path) -> None:
    for actors in ("actor\na\nb\nc\nd\n", "actor,limited\na,no\nb,no\nc,no\nd,no\n"):
        network = read(tmp_path, actors).network()
        assert network.limited is None
        assert network.max_nominations is None


def test_each_relation_and_period_has_its_own(tmp_path: Path) -> None:
    ties = "relation,period,source,target\nAdvice,1,a,b\nAdvice,1,a,c\nTrust,1,a,b\nAdvice,2,b,a\nTrust,2,b,a\n"
    actors = "actor,period,limited,limited_advice\n" + "".join(
        f"{actor},{period},{limited},{advice}\n"
        for actor, period, limited, advice in [
            ("a", 1, "no", "2"),
            ("b", 1, "no", "no"),
            ("c", 1, "no", "no"),
            ("a", 2, "no", "no"),
            ("b", 2, "yes", "no"),
            ("c", 2, "no", "no"),
        ]
    )
    panel = read(tmp_path, actors, ties)
    assert set(panel.limited) == {("", "Advice", "1"), ("", "Trust", "2")}
    assert panel.limited["", "Advice", "1"].tolist() == [True, False, False]
    assert panel.max_nominations == {("", "Advice", "1"): 2, ("", "Trust", "2"): 1}
    assert panel.attributes == {}


@pytest.mark.parametrize(
    ("actors", "words"),
    [
        (
            "actor,limited\na,perhaps\nb,no\nc,no\nd,no\n",
            r"line 2: limited = perhaps: must be true, false or the number",
        ),
        ("actor,limited\na,2.5\nb,no\nc,no\nd,no\n", r"line 2: limited = 2\.5: must be true, false or the number"),
        ("actor,limited\na,-3\nb,no\nc,no\nd,no\n", r"line 2: limited = -3: must be"),
        ("actor,limited\na,2\nb,no\nc,3\nd,no\n", r"names allowed in one network are 2 and 3"),
        (
            "actor,limited,answered\na,2,yes\nb,no,yes\nc,no,yes\nd,2,no\n",
            r"line 5: the actor 'd' did not answer, and so named nobody",
        ),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, actors: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path, actors)
    assert "\n" not in str(caught.value)


def test_more_names_than_allowed_are_refused(tmp_path: Path) -> None:
    ties = TIES + "a,d\nb,c\nb,d\n"
    with pytest.raises(InputError, match=r"line 2: the actor 'a' named 3, more than the 2 allowed"):
        read(tmp_path, "actor,limited\na,2\nb,no\nc,no\nd,no\n", ties)


# ---- proxy reports

ACTORS = "actor,answered\na,yes\nb,yes\nc,no\nd,no\n"


def test_what_others_report_is_known_of_somebody_who_did_not_answer(tmp_path: Path) -> None:
    ties = "source,target,weight,reporter\na,b,1,\nc,a,1,a\nc,b,0,b\nd,a,1,b\n"
    state = read(tmp_path, ACTORS, ties).network().state
    assert state[2].tolist() == [DyadState.TIE, DyadState.NO_TIE, DyadState.IMPOSSIBLE, DyadState.NO_ANSWER]
    assert state[3].tolist() == [DyadState.TIE, DyadState.NO_ANSWER, DyadState.NO_ANSWER, DyadState.IMPOSSIBLE]
    assert state[0].tolist() == [DyadState.IMPOSSIBLE, DyadState.TIE, DyadState.NO_TIE, DyadState.NO_TIE]


def test_a_report_of_no_tie_does_not_take_a_tie_away(tmp_path: Path) -> None:
    ties = "source,target,weight,reporter\na,b,1,\na,b,0,b\n"
    with pytest.warns(UserWarning, match="1 duplicate tie dropped"):
        network = read(tmp_path, ACTORS, ties).network()
    assert network.state[0, 1] == DyadState.TIE
    assert network.counts is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("c,a,1,d", r"line 2: the reporter 'd' did not answer"),
        ("c,a,1,", r"line 2: the actor 'c' did not answer, and so cannot name anybody"),
        ("c,a,1,z", r"line 2: the actor 'z' is not listed among the actors"),
    ],
)
def test_reports_of_nobody_are_refused(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, ACTORS, f"source,target,weight,reporter\n{row}\n")


def test_reports_without_answers_are_seen_by_their_row(tmp_path: Path) -> None:
    """A report is told from an answer by that: an observed dyad in the row of an actor who did not answer."""
    panel = read(tmp_path, ACTORS, "source,target,weight,reporter\na,b,1,\nc,a,1,a\n")
    network = panel.network()
    assert np.array_equal(np.argwhere(network.observed & ~panel.answered[0][:, None]), [[2, 0]])
