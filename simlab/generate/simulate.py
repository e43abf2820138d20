"""simulate: from a Scenario to a panel and its truth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.bonds import Bonds
from simlab.generate.people import People, centres, simulate_people
from simlab.generate.scenario import Scenario
from simlab.generate.structures import structures
from simlab.generate.ties import Layer, simulate_ties
from simlab.generate.truth import Truth
from simlab.panel import DyadState, Panel

Key = tuple[str, str, str]

MOST_ACTORS = 5000


class Simulation(NamedTuple):
    """A panel in which everything is observed, and its truth."""

    panel: Panel
    truth: Truth


def simulate(scenario: Scenario, *, seed: int, replicate: int = 0) -> Simulation:
    """Simulate all sites, relations and periods of a scenario.

    Parameters
    ----------
    scenario : Scenario
        The settings of the world.
    seed : int
        From 0. The world depends on seed, scenario and replicate alone, so that every fieldwork and every fitter meets
        the same one.
    replicate : int
        Which of the worlds of this seed.

    Returns
    -------
    Simulation
        ``panel`` as if everybody had been asked and had told everything, and ``truth``.

    Raises
    ------
    InputError
        Where the scenario asks for a reciprocity, an overlap, a persistence or an information that its tie probabilities
        do not allow, or for more than 5,000 actors: ``simulate_sparse`` makes those.
    """
    if scenario.n_actors > MOST_ACTORS:
        raise InputError.of(
            "n_actors", scenario.n_actors, f"must be at most {MOST_ACTORS} here; simulate_sparse makes larger worlds"
        )
    structure = structures[scenario.structure].thing
    sites = tuple(f"site {s + 1}" for s in range(scenario.n_sites))
    periods = tuple(str(p + 1) for p in range(scenario.n_periods))
    crowds: list[People] = []
    bonds: list[Bonds] = []
    layers: list[dict[tuple[int, int], Layer]] = []
    names: list[list[str]] = []
    for s, site in enumerate(sites):
        names_of_stream = (seed, "world", scenario.key, replicate, site)
        people = simulate_people(scenario, stream(*names_of_stream, "people"))
        crowds.append(people)
        bonds.append(structure(scenario, people, stream(*names_of_stream, "structure")))
        layers.append(simulate_ties(scenario, people, bonds[-1], stream(*names_of_stream, "ties")))
        names.append(actor_names(scenario, s, people.label.shape[1]))
    keyed: dict[Key, Layer] = {
        (site, scenario.relations[r], periods[p]): layer
        for site, of_site in zip(sites, layers, strict=True)
        for (r, p), layer in of_site.items()
    }
    present = np.concatenate([c.present for c in crowds], axis=1)
    label = np.concatenate([c.label for c in crowds], axis=1)
    came, left, switched = _moves(label)
    attributes = {name: np.concatenate([c.attributes[name] for c in crowds], axis=1) for name in crowds[0].attributes}
    actors = tuple(name for of_site in names for name in of_site)
    site_of = tuple(site for site, of_site in zip(sites, names, strict=True) for _ in of_site)
    panel = Panel(
        actors=actors,
        site_of=site_of,
        sites=sites,
        relations=scenario.relations,
        periods=periods,
        directed=tuple(scenario.directed(r) for r in range(len(scenario.relations))),
        attributes=attributes,
        present=present,
        asked=present.copy(),
        answered=present.copy(),
        states={
            key: complete_states(layer.ties, crowds[sites.index(key[0])].present[periods.index(key[2])])
            for key, layer in keyed.items()
        },
    )
    positions = all(b.positions for b in bonds)
    position = np.concatenate([c.position for c in crowds], axis=1)
    partners = np.concatenate([c.partners for c in crowds], axis=1)
    truth = Truth(
        scenario=scenario,
        actors=actors,
        site_of=site_of,
        sites=sites,
        periods=periods,
        label=label,
        partner=partners[:, :, 0],
        partners=partners,
        position=position if positions else np.full_like(position, np.nan),
        bridger=np.concatenate([c.bridger for c in crowds]),
        core=np.concatenate([c.core for c in crowds]),
        activity=np.concatenate([c.activity for c in crowds]),
        popularity=np.concatenate([c.popularity for c in crowds]),
        came=came,
        left=left,
        switched=switched,
        centres=_centres(scenario, position, label, positions),
        probability={key: layer.probability for key, layer in keyed.items()},
        either={key: layer.either for key, layer in keyed.items()},
        ties={key: layer.ties for key, layer in keyed.items()},
        intercept={key: layer.intercept for key, layer in keyed.items()},
        odds_ratio={key: layer.odds_ratio for key, layer in keyed.items()},
        attributes=attributes,
        traits={name: _joined([b.traits[name] for b in bonds]) for name in bonds[0].traits},
    )
    return Simulation(panel, truth)


def actor_names(scenario: Scenario, site: int, count: int) -> list[str]:
    """Return the names of the actors of a site, numbered so that they sort by site and number."""
    if scenario.fitted is not None:
        return list(scenario.fitted.actors)
    width = len(str(count))
    return [f"s{site + 1:0{len(str(scenario.n_sites))}d}m{i + 1:0{width}d}" for i in range(count)]


def _centres(scenario: Scenario, position: np.ndarray, label: np.ndarray, positions: bool) -> NDArray[np.float64]:
    """Return the centres of the clusters; of a fit the means of its positions, and NaN where there are no positions."""
    if not positions:
        return np.full((scenario.n_clusters, scenario.n_dims), np.nan)
    if scenario.fitted is None:
        return centres(scenario)
    return np.stack([position[0, label[0] == g].mean(axis=0) for g in range(scenario.n_clusters)])


def _joined(traits: list[NDArray[Any]]) -> NDArray[Any]:
    """Return a trait of the people of all sites."""
    return np.concatenate(traits, axis=1)


def complete_states(ties: np.ndarray[tuple[int, int], np.dtype[np.bool_]], present: np.ndarray) -> np.ndarray:
    """Return the dyad states of a network in which everything is observed."""
    states = np.where(ties, DyadState.TIE, DyadState.NO_TIE).astype(np.int8)
    states[~present, :] = DyadState.ABSENT
    states[:, ~present] = DyadState.ABSENT
    np.fill_diagonal(states, DyadState.IMPOSSIBLE)
    return states


def _moves(label: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return who came, left and switched between the period before and each period."""
    here = label >= 0
    before = np.vstack([here[:1], here[:-1]])
    earlier = np.vstack([label[:1], label[:-1]])
    return here & ~before, before & ~here, here & before & (label != earlier)
