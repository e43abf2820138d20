"""Pictures of fits: what is in them, looked at through the figure's own objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import network_of

from simlab.fit.fit import Fit, Status
from simlab.panel import Network
from simlab.report.drawing import in_plane, in_rows, named, principal_axes
from simlab.report.names import write_names
from simlab.report.networks import MOST_NAMES, arrows_fit, heading, laid_out, picture
from simlab.report.style import figure, styled


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with styled():
        yield


def fit_of(n: int, n_dims: int, n_clusters: int = 3, **changes: Any) -> Fit:
    """Return a fit of ``n`` actors in clusters, with scores that rise from actor to actor."""
    rng = np.random.default_rng(n)
    labels = np.arange(n) % n_clusters
    fit = Fit(
        fitter="lpcm-map",
        actors=tuple(f"a{i:03d}" for i in range(n)),
        status=Status.OK,
        message="",
        labels=labels,
        membership=np.eye(n_clusters)[labels],
        positions=rng.normal(size=(n, n_dims)) + 3.0 * labels[:, None] if n_dims else None,
        bridging={"participation": np.arange(n) / n},
        bridging_score="participation",
        unknown=np.zeros(n, dtype=bool),
    )
    return replace(fit, **changes)


def sparse(n: int, *, degree: float = 4.0, directed: bool = True) -> Network:
    ties = np.random.default_rng(1).random((n, n)) < degree / n
    return network_of(ties if directed else ties | ties.T, directed=directed)


def legend_of(made: Any) -> list[str]:
    """Return the texts of all legends of a figure."""
    legends = [*made.legends, *(axes.get_legend() for axes in made.axes if axes.get_legend())]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def arrows_of(made: Any) -> list[Any]:
    from matplotlib.patches import FancyArrowPatch

    return [patch for axes in made.axes for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def test_directed_ties_have_arrowheads_where_there_are_few() -> None:
    few, many, plain = sparse(20), sparse(120, degree=12), sparse(20, directed=False)
    assert [arrows_fit(network, 50.0) for network in (few, many, plain)] == [True, False, False]
    made = picture([(few, fit_of(20, 2))])
    tied = np.triu(few.ties | few.ties.T, 1)
    assert len(arrows_of(made)) == tied.sum()
    both = sum(patch.get_arrowstyle().__class__.__name__ == "CurveFilledAB" for patch in arrows_of(made))
    assert both == np.triu(few.ties & few.ties.T, 1).sum()
    assert "tie (two heads: returned)" in legend_of(made)
    for network in (many, plain):
        assert not arrows_of(picture([(network, fit_of(network.n_actors, 2))]))


def test_an_arrow_points_at_the_one_who_is_named() -> None:
    ties = np.zeros((4, 4), dtype=bool)
    ties[2, 0] = True
    (arrow,) = arrows_of(picture([(network_of(ties), fit_of(4, 2, 2))]))
    assert arrow.get_arrowstyle().__class__.__name__ == "CurveFilledA", "from the first to the third, head at the first"


def test_a_title_names_network_fitter_and_clusters() -> None:
    network = replace(sparse(12), relation="advice", period="2")
    assert heading(network, fit_of(12, 2)) == "advice, period 2: lpcm-map, 3 clusters"
    labels = np.arange(12) % 2
    unsure = fit_of(12, 2, labels=labels, status=Status.NOT_CONVERGED, message="no")
    assert heading(network, unsure) == "advice, period 2: lpcm-map, 3 clusters (1 empty), not converged"
    assert heading(sparse(12), fit_of(12, 2, 1)) == "network of 12 actors: lpcm-map, 1 cluster"
    assert picture([(network, fit_of(12, 2))]).axes[0].get_title(loc="left").startswith("advice, period 2: lpcm-map")


def test_a_legend_says_what_a_ring_is_and_which_clusters_are_empty() -> None:
    said = legend_of(picture([(sparse(12), fit_of(12, 2, labels=np.arange(12) % 2))]))
    assert "likely bridger (participation)" in said
    assert [text for text in said if text.startswith("cluster")] == [
        "cluster 0 (6)",
        "cluster 1 (6)",
        "cluster 2 (empty)",
    ]
    alone = legend_of(picture([(sparse(12), fit_of(12, 2, 1))]))
    assert not [text for text in alone if "bridger" in text], "nobody is ringed where there is one cluster"
    assert len(legend_of(picture([(sparse(40), fit_of(40, 2, 30))]))) <= 14


def test_three_dimensions_show_the_two_of_largest_spread() -> None:
    """Whatever the order and the turn of the axes: the third is thin, and is the one left out."""
    rng = np.random.default_rng(3)
    places = rng.normal(size=(30, 3)) * np.array([0.1, 3.0, 1.0])
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    fit = fit_of(30, 3, positions=places @ turn)
    (panel,) = laid_out([(sparse(30), fit)])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    shown = np.linalg.norm(panel.flat[:, None] - panel.flat[None], axis=2)
    assert np.abs(shown - apart).max() < 0.5
    assert panel.shares[0] > panel.shares[1] > 20 * panel.shares[2]
    axes = picture([(sparse(30), fit)]).axes[0]
    assert "not shown: the third (<1 %)" in axes.get_xlabel()
    assert "axis of largest spread" in axes.get_xlabel()
    vectors, shares = principal_axes(places)
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)


def test_panels_of_three_dimensions_are_turned_onto_the_first() -> None:
    rng = np.random.default_rng(4)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    first = fit_of(20, 3)
    assert first.positions is not None
    other = replace(first, positions=first.positions @ turn + 5.0)
    one, two = laid_out([(sparse(20), first), (sparse(20), other)])
    np.testing.assert_allclose(one.flat, two.flat, atol=1e-9)


def test_one_dimension_has_a_row_a_cluster_and_no_numbers_upwards() -> None:
    fit = fit_of(24, 1)
    made = picture([(sparse(24), fit)])
    axes = made.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cluster 0", "cluster 1", "cluster 2"]
    assert axes.get_xlabel() == "latent position"
    assert axes.get_ylabel() == ""
    assert made.get_figheight() < 0.85 * made.get_figwidth()
    box = axes.get_position()
    assert box.width > 0.75
    assert fit.positions is not None
    flat = in_rows(fit.positions, fit.labels, 3)
    assert (np.round(-flat[:, 1]) == fit.labels).all()
    np.testing.assert_array_equal(flat[:, 0], fit.positions[:, 0])
    apart = np.abs(in_plane(fit.positions)[:, 1])
    assert len(np.unique(apart.round(6))) > 1
    single = picture([(sparse(24), fit_of(24, 1, 1))]).axes[0]
    assert [text.get_text() for text in single.get_yticklabels()] == [""]


def test_beyond_forty_only_bridgers_and_the_central_are_named() -> None:
    few, many = sparse(MOST_NAMES), sparse(MOST_NAMES + 20)
    nobody = np.zeros(few.n_actors, dtype=bool)
    assert list(named(few, MOST_NAMES, nobody)) == list(few.actors)
    flags = np.zeros(many.n_actors, dtype=bool)
    flags[7] = True
    names = named(many, MOST_NAMES, flags)
    ties = many.ties.sum(axis=0) + many.ties.sum(axis=1)
    assert names[7] == "a007"
    central = set(np.argsort(-ties, kind="stable")[:5].tolist())
    assert {i for i, name in enumerate(names) if name} == central | {7}
    made = picture([(many, fit_of(many.n_actors, 2))])
    (legend,) = made.legends
    assert legend.get_title().get_text() == "Named are the likely bridgers and the actors with most ties."
    boxes = [legend.get_window_extent(), made.axes[0].get_legend().get_window_extent()]
    assert boxes[0].y1 <= boxes[1].y0 + 1.0, "the notes lie over neither legend"
    assert made.get_supxlabel() == ""


def test_names_hide_neither_one_another_nor_actors() -> None:
    made: Any = figure(6.0, 6.0)
    axes = made.subplots()
    rng = np.random.default_rng(2)
    flat = np.vstack([rng.normal(size=(20, 2)), [[3.0, 3.0], [3.02, 3.0], [-3.0, -3.0]]])
    axes.scatter(*flat.T, s=60)
    made.draw_without_rendering()
    radius = np.full(len(flat), 4.0)
    left_out = write_names(
        axes, flat, [f"person {i}" for i in range(len(flat))], radius, np.zeros(len(flat), dtype=bool)
    )
    boxes = [text.get_window_extent(made.canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == len(flat) - left_out
    assert left_out <= 1
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            wide = min(one.x1, other.x1) - max(one.x0, other.x0)
            high = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert wide <= 0 or high <= 0 or wide * high < 0.15 * one.width * one.height
    marks = axes.transData.transform(flat)
    hidden = sum(one.contains(x, y) for one in boxes for x, y in marks)
    assert hidden <= 1


def test_names_for_which_there_is_no_room_are_counted() -> None:
    """All at one place: only a few can be read; a bridger's name is kept."""
    n = 60
    made = figure(2.0, 2.0)
    axes = made.subplots()
    flat = np.random.default_rng(1).normal(size=(n, 2)) * 0.01
    axes.scatter(*flat.T, s=60)
    made.draw_without_rendering()
    kept = np.arange(n) == 31
    left_out = write_names(axes, flat, [f"person {i}" for i in range(n)], np.full(n, 4.0), kept)
    written = [text.get_text() for text in axes.texts]
    assert len(written) == n - left_out < 40
    assert "person 31" in written
