"""The fits of a file: what is to be fitted, what cannot be, and what is left out with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simlab.fit.fit import Fit, FitError, Fitter, Status
from simlab.fit.latent import LatentFitter
from simlab.foundation.errors import InputError, SimlabError, printable
from simlab.foundation.streams import stream
from simlab.panel import DyadState, Network, Panel
from simlab.study.cell import FAULTS, failure_message

Items = list[tuple[Network, Fit]]


@dataclass(frozen=True)
class Task:
    """One fit to make: of a network, or of all relations of a site and period together."""

    networks: tuple[Network, ...]
    joint: bool

    @property
    def whole(self) -> Network:
        """The network, or one with the ties of all relations."""
        return union(self.networks) if self.joint else self.networks[0]

    def why_not(self) -> str:
        """Return why there is nothing to fit, or an empty text: of several relations one that can be fitted is enough."""
        reasons = {network.relation: why_not(network) for network in self.networks}
        if not all(reasons.values()):
            return ""
        told = list(dict.fromkeys(reasons.values()))
        return told[0] if len(told) == 1 else "; ".join(f"{name}: {reason}" for name, reason in reasons.items())

    def fit(self, method: Fitter, seed: int) -> Fit:
        """Return the fit, from a stream of its own; FitError where it failed."""
        one = self.networks[0]
        rng = stream(seed, "fit", one.site, "" if self.joint else one.relation, one.period)
        if self.joint:
            assert isinstance(method, LatentFitter)
            fit = method.fit_joint(self.networks, rng=rng)
        else:
            fit = method.fit(one, rng=rng)
        if fit.status == Status.FAILED:
            raise FitError(fit.message or "the fit failed")
        return fit


def tasks_of(panel: Panel, *, joint: bool) -> list[Task]:
    """Return the fits to make of a panel, in the order of its networks."""
    if not joint:
        return [Task((network,), joint=False) for network in panel.networks()]
    return [
        Task(tuple(panel.network(site, relation, period) for relation in panel.relations), joint=True)
        for site in panel.sites
        for period in panel.periods
    ]


def fit_all(path: Path, tasks: Sequence[Task], method: Fitter, seed: int) -> Items:
    """Return the fits that can be made; the others are left out, each with a line that says why.

    Raises
    ------
    InputError
        Where nothing can be fitted because of the input, and for joint fits by a fitter that makes none.
    SimlabError
        Where no fit succeeded.
    """
    if any(task.joint for task in tasks) and not isinstance(method, LatentFitter):
        raise InputError.of("joint", method.name, "joint fits are for the latent position models")
    items: Items = []
    faults: list[BaseException] = []
    for task in tasks:
        try:
            reason = task.why_not()
            if reason:
                raise InputError(reason if len(tasks) > 1 else f"{path}: {reason}")
            items.append((task.whole, task.fit(method, seed)))
        except FAULTS as error:
            if len(tasks) == 1:
                raise
            faults.append(error)
            print(printable(f"not fitted: {task.whole}: {failure_message(error)}"))
    if not items:
        wrong_input = all(isinstance(error, InputError) for error in faults)
        kind: type[SimlabError] = InputError if wrong_input else FitError
        raise kind(f"{path}: none of the {len(tasks)} networks can be fitted") from faults[0]
    return items


def why_not(network: Network) -> str:
    """Return why there is nothing to find in a network, or an empty text."""
    if network.n_actors < 2:
        return f"{network.n_actors} actor{'s' * (network.n_actors != 1)}; at least 2 are needed"
    if network.unknown().all():
        return "no dyad was observed"
    if network.n_ties == 0:
        return "no ties, and so nothing to find clusters from"
    if bool(network.ties[network.observed].all()):
        return "every possible tie is there, and so nothing to find clusters from"
    return ""


def union(networks: Sequence[Network]) -> Network:
    """Return one network with the ties of several relations of the same actors, for drawing and description."""
    state = networks[0].state.copy()
    for network in networks[1:]:
        known = (state <= DyadState.TIE) & (network.state <= DyadState.TIE)
        state = np.where(known, np.maximum(state, network.state), np.minimum(state, network.state)).astype(np.int8)
    return replace(
        networks[0],
        state=state,
        counts=None,
        limited=None,
        max_nominations=None,
        directed=any(network.directed for network in networks),
        relation=" + ".join(network.relation for network in networks),
    )
