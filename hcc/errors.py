"""Every error the engine raises on purpose, with its wording and a way out."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class HccError(Exception):
    """Base of all errors a user can cause; the command line prints its text and exits with 1.

    ``hint`` says the way out and is printed on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")


def _did_you_mean(name: str, available: Sequence[str]) -> str:
    close = get_close_matches(name, available, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}? " if close else ""


class UnknownModel(HccError):
    """A model name nobody ships."""

    @classmethod
    def from_name(cls, name: str, available: Sequence[str]) -> UnknownModel:
        return cls(
            f"There is no model {name!r}.",
            hint=f"{_did_you_mean(name, available)}Models: {', '.join(available)}.",
        )


class UnknownYear(HccError):
    """A payment year for which a model or a programme has no folder in mappings/."""

    @classmethod
    def from_year(cls, what: str, year: int, available: Iterable[int]) -> UnknownYear:
        years = ", ".join(str(y) for y in sorted(available)) or "none"
        return cls(
            f"{what} has no rules for payment year {year}.",
            hint=f"Years with rules: {years}. A new release comes in with 'hcc rules import'.",
        )

    @classmethod
    def without_programs(cls, year: int, available: Iterable[int], latest: object, own: object) -> UnknownYear:
        """``latest``: the file to start from; ``own``: the user's folder, None where none was named."""
        years = ", ".join(str(y) for y in sorted(available)) or "none"
        where = "a folder of your own, named with --mappings" if own is None else own
        return cls(
            f"There are no programmes, factors and collection windows for payment year {year}.",
            hint=f"Years with them: {years}. For another, write programs/{year}.toml in {where}: copy {latest}, and "
            "change its years, dates, factors and sources to those that CMS announced.",
        )


class MissingPaymentYear(HccError):
    """No payment year was given; there is none by default."""

    def __init__(self) -> None:
        super().__init__(
            "No payment year was given.",
            hint="Say which year CMS pays for: --payment-year 2026, or payment_year=2026.",
        )


class RulesError(HccError):
    """A table of mappings/ breaks one of its own laws; all faults are listed."""

    @classmethod
    def from_faults(cls, where: str, faults: Sequence[str], *, hint: str | None = None) -> RulesError:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        return cls(f"{where} has {len(faults)} fault(s):\n{listed}", hint=hint or "Mend what is listed, and try again.")


class MissingCoefficient(RulesError):
    """A segment that pays an HCC or a demographic cell has no coefficient for it."""


class InputError(HccError):
    """An input table that cannot be read or lacks what it needs; all faults are listed."""

    @classmethod
    def from_faults(cls, table: str, faults: Sequence[str], *, hint: str | None = None) -> InputError:
        if len(faults) == 1:
            return cls(f"{table}: {faults[0]}", hint=hint)
        listed = "\n".join(f"  - {fault}" for fault in faults)
        return cls(f"{table} cannot be used, {len(faults)} faults:\n{listed}", hint=hint)


class MissingColumns(InputError):
    """Required columns are absent."""

    @classmethod
    def from_missing(cls, table: str, missing: Sequence[str], available: Sequence[str]) -> MissingColumns:
        faults = []
        for column in missing:
            close = get_close_matches(column, available, n=1, cutoff=0.6)
            faults.append(f"column {column!r} is missing" + (f" (is it your {close[0]!r}?)" if close else ""))
        found = ", ".join(list(available)[:40]) + (" …" if len(available) > 40 else "")
        error = cls.from_faults(
            table,
            faults,
            hint=f"Columns found: {found}. Other names can be given with --columns map.toml.",
        )
        assert isinstance(error, cls)
        return error


class MissingSex(HccError):
    """A member without a usable sex; CMS's models have no cell for it (SPEC R-2.7)."""

    def __init__(self, value: object = None) -> None:
        shown = "missing" if value in (None, "") else "not one of F, M, 1, 2"
        super().__init__(f"The member's sex is {shown}.", hint="Give sex='F' or sex='M' (2 or 1).")


class BadBirthDate(HccError):
    """A birth date that is missing or cannot be read."""

    def __init__(self, detail: str = "missing or not a date") -> None:
        super().__init__(f"The member's birth date is {detail}.", hint="Give birth_date='YYYY-MM-DD'.")


class BadMember(HccError):
    """A member whose status contradicts itself."""


class ResultsExist(HccError):
    """The output is already there."""

    def __init__(self, path: object, *, option: str = "--out") -> None:
        kept = " (reviews are kept)" if option == "--out" else ""
        super().__init__(
            f"{path} is already there.",
            hint=f"Choose another {option}, or add --overwrite to replace it{kept}.",
        )

    @classmethod
    def left(
        cls, path: object, why: str, replaced: str, *, option: str = "--out", first: str = ""
    ) -> ResultsExist:
        """``why``: what it is, so that it is not replaced though asked for; ``replaced``: what alone would be;
        ``first``: what to do before it can be replaced."""
        error = cls(path, option=option)
        error.message = f"{path} is already there and {why}: it is left as it is."
        error.hint = f"Choose another {option}, or move it away yourself; only {replaced} are replaced."
        if first:
            error.hint = f"{first}. Or choose another {option}."
        error.args = (f"{error.message}\nhint: {error.hint}",)
        return error


class ResultsError(HccError):
    """A results file that cannot be opened, is no results file, or is of another schema."""


class CannotWrite(ResultsError):
    """An output that could not be written; the hint follows from whether space or permission is lacking."""

    def __init__(self, what: str, path: object, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        super().__init__(
            f"{what} cannot be written to {path} ({error.strerror or error.__class__.__name__}).",
            hint="Free some space or choose another --out."
            if full
            else "Choose another --out, in a folder that you may write to.",
        )


class NoSuchMember(HccError):
    """A member that is not in the results; the identifier itself is not repeated (PHI)."""

    def __init__(self) -> None:
        super().__init__(
            "The results hold no member with this member_id.",
            hint="Check the id; members set aside are in the table rejected_rows.",
        )


class NotPaidModel(UserWarning):
    """A model was asked for that the programme gives no weight in this payment year."""
