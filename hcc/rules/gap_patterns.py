"""Shapes of evidence that a count of events cannot say; each has a name here and its parameters in the rule file.

hcc/gaps/patterns/ holds the columnar plan of each, under the same name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Pattern(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recapture(_Pattern):
    """HCCs of the ``years`` before, judged against this year's (SPEC 5.3)."""

    name: Literal["recapture"]
    years: int = Field(default=2, ge=1, le=3)


class ClaimCount(_Pattern):
    """HCCs that at most ``at_most`` counted claims carry."""

    name: Literal["claim_count"]
    at_most: int = Field(default=1, ge=1)


class OnlyOn(_Pattern):
    """HCCs all of whose counted claims have one property; any of the following gives it.

    ``services``: a line of these procedure concepts; ``vendor_services``: such a line by an NPI of the user's
    ``hra_vendor_npis``; ``record_types``, ``places_of_service``, ``flags`` (of the table diagnoses).

    ``specialties``: all lines of the claim are by providers of these CMS specialty codes.

    ``tell_links``: say whether the chart reviews are linked to encounters. ``not_payable``: reasons of the table diagnoses;
    an HCC that stands on records of such a reason alone is a remark.
    """

    name: Literal["only_on"]
    services: tuple[str, ...] = ()
    vendor_services: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    places_of_service: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    tell_links: bool = False
    not_payable: tuple[str, ...] = ()

    @field_validator("specialties")
    @classmethod
    def _two_characters(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in codes if len(code) != 2 or not code.isalnum()]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: write CMS specialty codes of two characters")
        return codes


class SexConflict(_Pattern):
    """A code prefix that only one sex can have."""

    prefix: str
    sex: Literal["F", "M"]
    words: str


class Conflicts(_Pattern):
    """Pairs of diagnoses that exclude each other (value set conflicts), and codes against the member's sex."""

    name: Literal["conflicts"]
    sexes: tuple[SexConflict, ...] = ()


class Miskeyed(_Pattern):
    """A diagnosis on one claim, one keystroke from a code the member has on several (value set miskeyed)."""

    name: Literal["miskeyed"]
    least_score: int = Field(default=6, ge=0, le=8)
    common_claims: int = Field(default=2, ge=2)


class ProviderOutlier(_Pattern):
    """HCCs more frequent in one provider's members than in the others' by ``sigmas`` standard deviations."""

    name: Literal["provider_outlier"]
    sigmas: float = Field(default=4.0, gt=0)
    least_panel: int = Field(default=50, ge=2)
    least_members: int = Field(default=10, ge=2)
    least_providers: int = Field(default=10, ge=3)


class AfterEnd(_Pattern):
    """Services after death, or in a month without enrollment."""

    name: Literal["after_end"]
    end: Literal["death", "disenrollment"]


class Reappeared(_Pattern):
    """A diagnosis counted although a delete record of the same code and day of service stands."""

    name: Literal["reappeared"]


class LateEpisode(_Pattern):
    """An acute diagnosis more than ``days`` after the first of its episode, outside hospital.

    ``places_of_service``: on claims of these places only; ``after_stay``: the days count from the discharge of the last
    hospital stay with it, and without a stay there is nothing to count from.
    """

    name: Literal["late_episode"]
    concepts: tuple[str, ...] = Field(min_length=1)
    days: int = Field(ge=0)
    lookback_days: int = Field(default=365, ge=1)
    places_of_service: tuple[str, ...] = ()
    after_stay: bool = False


class ConsecutiveYears(_Pattern):
    """An acute diagnosis in the year and in each of the ``years`` before."""

    name: Literal["consecutive_years"]
    concepts: tuple[str, ...] = Field(min_length=1)
    years: int = Field(default=1, ge=1, le=3)


class Documented(_Pattern):
    """A mapped code in the problem list, or found by a reviewer, that no counted claim of the year carries."""

    name: Literal["documented"]
    table: Literal["problems", "chart_findings"]
    verdicts: tuple[str, ...] = ()


class NotFound(_Pattern):
    """A counted diagnosis that a reviewer did not find in the record."""

    name: Literal["not_found"]
    verdicts: tuple[str, ...] = ("not_supported",)


class ProblemListOnly(_Pattern):
    """A mapped code of the year that stands in the problem list and on no claim."""

    name: Literal["problem_list_only"]


Pattern = Annotated[
    Recapture | ClaimCount | OnlyOn | Conflicts | Miskeyed | ProviderOutlier | AfterEnd | Reappeared | LateEpisode
    | ConsecutiveYears | Documented | NotFound | ProblemListOnly,
    Field(discriminator="name"),
]  # fmt: skip
