"""Plan: what is chosen, what is wanted, what is unknown and what it costs, as a script names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.fit import Fitter
from simlab.foundation.errors import InputError
from simlab.foundation.streams import check_seed
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import metrics
from simlab.plan.answer import Answer, Lift
from simlab.plan.costs import Design, Pricing
from simlab.plan.distributions import Distribution, corners
from simlab.plan.kinds import check_kinds, distributions, labelled
from simlab.plan.limits import lifts
from simlab.plan.precision import Precision
from simlab.plan.price import INTERVIEW_STUDY, PRICED, Price
from simlab.plan.search import Silent, Telling
from simlab.plan.solve import Solver, check_fits
from simlab.plan.space import Space, check_budget, level_name, name_of, space_of
from simlab.plan.study_evaluator import StudyEvaluator
from simlab.plan.targets import Target, parse_target
from simlab.plan.unknown_worlds import DrawnWorlds, Worlds

# Metrics that every replicate gets, so that a later plan with other targets finds them.
STORED = ("ari", "bridger_auc", "n_clusters_error", "seen_switching", "true_switching", "converged", "seconds")

_NO_PRICE = Price("0")
# Worlds over which a price is averaged where it depends on what is not known.
_PRICED_WORLDS = 30


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan for a fieldwork.

    Parameters
    ----------
    name : str
        Names the folder of what is computed, and the page.
    question : str
        What is asked, in a sentence.
    design : mapping
        What is chosen: a setting of Fieldwork or Scenario, or ``fitter``, to ``between(low, high, step)`` or a list of levels.
    targets : sequence of str
        What is wanted, such as ``P(ari >= 0.8) >= 0.9``; all of them at once. The command line may give others.
    scenario : Scenario
        The world, where it is known; ``n_actors`` is the population of a site.
    unknown : mapping
        Settings of the world that are not known: a range ``(low, high)``, a list of values, or a distribution.
    fieldwork : Fieldwork
        What is not chosen about the fieldwork.
    fitters : mapping of label to Fitter, or one Fitter
    price : Price
        That of an interview study unless said.
    pilot_fitter : Fitter, optional
        A fitter with posterior draws for a pilot; lpcm-mcmc with the scenario's number of clusters unless said.
    fits : int
        How many fits may be used.
    precision : Precision
    stored : sequence of str
        Metrics that every replicate gets besides those of the targets.
    seed : int
    budget : float, optional
        The most that a design may cost.
    """

    name: str
    question: str
    design: Mapping[str, Any]
    targets: tuple[Target, ...]
    scenario: Scenario
    fieldwork: Fieldwork
    fitters: Mapping[str, Fitter]
    unknown: Mapping[str, Distribution] = field(default_factory=dict)
    price: Price = INTERVIEW_STUDY
    pilot_fitter: Fitter | None = None
    pilot: Worlds | None = None
    fits: int = 3000
    precision: Precision = field(default_factory=Precision)
    stored: tuple[str, ...] = STORED
    seed: int = 1
    script: str = ""
    budget: float | None = None

    def __init__(
        self,
        name: str,
        *,
        question: str,
        design: Mapping[str, Any],
        targets: Sequence[str],
        fitters: Mapping[str, Fitter] | Fitter,
        scenario: Scenario | None = None,
        unknown: Mapping[str, Any] | None = None,
        fieldwork: Fieldwork | None = None,
        price: Price | str = INTERVIEW_STUDY,
        pilot_fitter: Fitter | None = None,
        fits: int = 3000,
        precision: Precision | None = None,
        stored: Sequence[str] = STORED,
        seed: int = 1,
        script: str = "",
        pilot: Worlds | None = None,
        budget: float | None = None,
    ) -> None:
        # Nothing but what was given is named here yet.
        check_kinds({**locals()})
        if not name or not all(c.isalnum() or c in "-_" for c in name):
            raise InputError.of("name", name, "must be letters, digits, - and _: it names files")
        check_seed(seed)
        by_label = labelled(fitters)
        if len(by_label) > 1 and "fitter" not in design:
            raise InputError.of("design", sorted(design), f"must say fitter: there are {', '.join(by_label)}")
        base = scenario if scenario is not None else Scenario()
        values: dict[str, Any] = {
            "name": name,
            "question": " ".join(question.split()),
            "design": dict(design),
            "targets": parsed(targets),
            "scenario": base,
            "fieldwork": fieldwork if fieldwork is not None else Fieldwork(),
            "fitters": by_label,
            "unknown": distributions(unknown or {}, base),
            "price": price if isinstance(price, Price) else Price(price),
            "pilot_fitter": pilot_fitter,
            "pilot": pilot,
            "fits": fits,
            "precision": precision if precision is not None else Precision(),
            "stored": tuple(metrics[each].name for each in stored),
            "seed": seed,
            "script": script,
            "budget": budget,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)
        self._check()

    def _check(self) -> None:
        check_fits(self.fits)
        if self.budget is not None:
            check_budget(self.budget)
        both = sorted(set(self.design) & set(self.unknown))
        if both:
            raise InputError.of("design", both[0], "is unknown too: a setting is either chosen or not known")
        space = self.space
        for corner in corners(self.unknown):
            # Every design must be possible in every world.
            what = ", ".join(f"{name} = {level_name(value)}" for name, value in corner.items())
            try:
                base = self.scenario.but(**corner)
                # What it costs there is of no account, and a world that cannot be is left out where it is simulated.
                there = space_of(self.design, base, self.fieldwork, list(self.fitters), _NO_PRICE)
            except InputError as error:
                raise InputError(f"unknown: {what}: {error}") from None
            if len(there) < len(space):
                lacking = next(d for k in range(len(space)) if there.index(d := space.design(k)) is None)
                raise InputError(f"unknown: {what}: is not possible with the design {name_of(lacking)}")

    @cached_property
    def space(self) -> Space:
        """The designs to choose from."""
        worlds = self.pricing.worlds
        return space_of(self.design, self.scenario, self.fieldwork, list(self.fitters), self.price, worlds)

    @property
    def affordable(self) -> Space:
        """The designs within the budget; InputError where there is none."""
        return self.space if self.budget is None else self.space.within(self.budget)

    @cached_property
    def pricing(self) -> Pricing:
        """What the price is worked out from: averaged over worlds where something that is not known has a price."""
        worlds: tuple[Scenario, ...] = (self.scenario,)
        held = self.scenario.information is not None or "information" in self.design
        if (held and self.unknown) or set(self.unknown) & {*PRICED, *self.price.formula.names}:
            drawn = DrawnWorlds(self.scenario, self.unknown, self.seed)
            # A series each, so that worlds that are alike are not the same one.
            worlds = tuple(self.scenario.but(**drawn.values(k), series=k) for k in range(_PRICED_WORLDS))
        return Pricing(worlds, self.fieldwork, self.price)

    @property
    def worlds(self) -> Worlds:
        """What is reckoned with: a pilot's posterior where there is a pilot, else what is unknown."""
        return self.pilot if self.pilot is not None else DrawnWorlds(self.scenario, self.unknown, self.seed)

    def changed(self, **changes: Any) -> Plan:
        """Return the plan with other ``targets``, ``fits``, ``seed``, ``budget``, ``scenario`` or anything else."""
        values: dict[str, Any] = {
            "question": self.question,
            "design": self.design,
            "targets": [target.text for target in self.targets],
            "fitters": self.fitters,
            "scenario": self.scenario,
            "unknown": self.unknown,
            "fieldwork": self.fieldwork,
            "price": self.price,
            "pilot_fitter": self.pilot_fitter,
            "fits": self.fits,
            "precision": self.precision,
            "stored": self.stored,
            "seed": self.seed,
            "script": self.script,
            "pilot": self.pilot,
            "budget": self.budget,
        }
        return Plan(self.name, **{**values, **changes})

    def cost(self, design: Design) -> float:
        """Return what a design costs, in the space or not; NaN where it cannot be, or the price has no number for it."""
        return self.pricing.of(design)

    def limits(self, design: Design) -> list[Lift]:
        """Return what may stand in the way of a design."""
        return lifts(design, self.scenario, self.fieldwork, self.unknown)

    def evaluator(self, folder: str | Path, **options: Any) -> StudyEvaluator:
        """Return where replicates come from, studies stored in a folder; ``options``: ``jobs``, ``backend``, ``scheduler``."""
        return StudyEvaluator(
            self.name,
            Path(folder),
            self.worlds,
            self.fieldwork,
            self.fitters,
            stored=self.stored,
            seed=self.seed,
            script=self.script,
            **options,
        )

    def solve(
        self,
        folder: str | Path,
        *,
        telling: Telling | None = None,
        **options: Any,
    ) -> Answer:
        """Return the answer: the cheapest design that reaches the targets, or why none does.

        Parameters
        ----------
        folder : path
            Where replicates are stored, and found again.
        telling : Telling, optional
            Told of what is being done.
        options : jobs, backend, scheduler, as for ``simlab.run``
        """
        solver = Solver(
            self.affordable,
            list(self.targets),
            self.evaluator(folder, **options),
            self.cost,
            self.fits,
            seed=self.seed,
            precision=self.precision,
            limits=self.limits,
            budget=self.budget,
            beyond=None if self.budget is None else self.space,
            telling=telling if telling is not None else Silent(),
            price_text=self.price.text,
            unit=self.price.unit,
        )
        return solver.solve()


def parsed(targets: Sequence[str]) -> tuple[Target, ...]:
    """Return targets read from text; InputError where there is none, or one twice."""
    if isinstance(targets, str) or not targets:
        raise InputError.of("targets", targets, "must be a list of one or more, such as P(ari >= 0.8) >= 0.9")
    made = tuple(parse_target(text) for text in targets)
    if len({"".join(text.split()) for text in targets}) != len(targets):
        raise InputError.of("targets", list(targets), "must be different")
    return made
