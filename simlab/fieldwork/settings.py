"""Fieldwork: the settings of a data collection, and of what is done about what it misses."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from simlab.foundation.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
OddsRatio = Annotated[float, Field(gt=0.0)]
Instrument = Literal["roster", "name-generator"]
Dropped = Literal["at-random", "weakest", "farthest", "within-organisation", "between-organisations"]
ResponseBy = Literal["nothing", "seniority", "periphery", "bridging"]
Treatment = Literal[
    "masking", "listwise-deletion", "null-imputation", "reconstruction", "reconstruction-and-null-imputation"
]

# Of their friends in a hall of residence people forgot a fifth when they had no list (Brewer & Webster 1999).
FORGOTTEN_WITHOUT_ROSTER = 0.2


class Fieldwork(Settings):
    """The settings of a data collection. By default everybody is asked, everybody answers, and all ties are told.

    ``treatment`` is what the analyst does about missing answers. It has no part in what the field sees, so that treatments
    are compared on the same answers. Multiple imputation is a fitter, ``multiple-imputation``.
    """

    response_rate: float | tuple[float, ...] = Field(
        default=1.0, description="probability that an actor who is asked answers; one, or one a period"
    )
    max_nominations: int | None = Field(
        default=None, ge=1, description="names allowed (fixed-choice design); none: no limit"
    )
    n_invited: int | None = Field(
        default=None, ge=1, description="actors of a site who are invited, drawn at random; none: everybody"
    )
    absence: Share = Field(default=0.0, description="probability that an actor is away when the data are collected")
    response_by: ResponseBy = Field(
        default="nothing", description="what the response depends on: nothing, seniority, periphery, bridging"
    )
    response_odds_ratio: OddsRatio = Field(
        default=1.0,
        description="odds of an answer of the most senior, of the most peripheral, or of bridgers, over those of the least",
    )
    dropped: Dropped = Field(
        default="at-random",
        description="names dropped first beyond those allowed: at-random, weakest, farthest, within-organisation,"
        " between-organisations",
    )
    instrument: Instrument = Field(
        default="roster", description="roster: everybody is shown; name-generator: names are recalled"
    )
    forgetting: Share | None = Field(
        default=None, description="probability that a tie is forgotten; none: 0 with a roster, 0.2 without"
    )
    forgetting_odds_ratio: OddsRatio = Field(
        default=1.0, description="odds that the weakest tie is forgotten over those of the strongest"
    )
    false_ties: Share = Field(default=0.0, description="probability that somebody is named who is not tied")
    proxy: Share = Field(
        default=0.0, description="share of the dyads of non-respondents with respondents that the other side reports"
    )
    left_out: tuple[str, ...] = Field(default=(), description="organisations that the boundary leaves out")
    outsiders: Share = Field(default=0.0, description="people listed who do not belong, over those who do")
    outsider_ties: Share = Field(default=0.2, description="density of outsiders' ties over that of the network")
    treatment: Treatment = Field(
        default="masking",
        description="of missing answers: masking, listwise-deletion, null-imputation, reconstruction,"
        " reconstruction-and-null-imputation",
    )

    @field_validator("response_rate", mode="before")
    @classmethod
    def _rates(cls, value: Any) -> Any:
        each = value if isinstance(value, (tuple, list)) else (value,)
        for rate in each:
            number = isinstance(rate, (int, float)) and not isinstance(rate, bool) and math.isfinite(rate)
            if not number or not 0.0 <= rate <= 1.0:
                raise ValueError("must be a number from 0 to 1, or one for each period")
        if not each:
            raise ValueError("must be a number from 0 to 1, or one for each period")
        return tuple(float(rate) for rate in each) if isinstance(value, (tuple, list)) else float(value)

    @field_validator("left_out", mode="before")
    @classmethod
    def _one_organisation(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("left_out")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value) or not all(name.strip() for name in value):
            raise ValueError("must be different organisations, none of them empty")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.response_by == "nothing" and self.response_odds_ratio != 1.0:
            raise ValueError(
                f"response_odds_ratio = {self.response_odds_ratio:g}: needs response_by = seniority, periphery or bridging"
            )
        return self

    @property
    def observation_key(self) -> str:
        """The key of what the field does, whatever is then done about what it misses."""
        return self.but(treatment="masking").key

    @property
    def share_forgotten(self) -> float:
        """The probability that a tie is forgotten, with the instrument's own where none is given."""
        if self.forgetting is not None:
            return self.forgetting
        return FORGOTTEN_WITHOUT_ROSTER if self.instrument == "name-generator" else 0.0
