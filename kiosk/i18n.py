"""Words on the screen: gettext catalogues, Ukrainian by default, English by a switch.

Message ids are English and stand in the code; `kiosk/locale/*/LC_MESSAGES/kiosk.po` translates them and
`python -m kiosk.locale` refreshes and compiles the catalogues. `explain` turns every error of the till, the ledger and
the drivers into two texts for the cashier: what happened (with the money or receipt at risk), and the next step.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.clock import kyiv
from drivers.errors import Existence, Fault
from kiosk.faults import FAULTS, LEDGER, RISK, STRANGE
from kiosk.ledger.errors import LedgerError
from kiosk.till.errors import N_, TillError
from kiosk.till.money import hryvnias

if TYPE_CHECKING:
    from drivers.registrar import FaultInfo

LANGUAGES = ("uk", "en")
DEFAULT = "uk"
FOLDER = Path(__file__).parent / "locale"
MONEY = frozenset(
    (
        "sum", "total", "due", "rest", "most", "available", "cash", "drawer", "limit", "change", "left", "counted",
        "difference", "registrar", "till", "price", "amount", "paid", "float", "received", "expected", "discount",
    )
)  # fmt: skip
"""Names of values in till errors that are kopecks when they are integers; so is every name that ends in `_money`."""
COUNTS = frozenset({("WRONG_PIN", "left")})
"""(code, name) of values that share a money name and are plain numbers."""

_catalogue: gettext.NullTranslations = gettext.NullTranslations()
_language = DEFAULT


def use(language: str) -> None:
    """Show `language` from now on. Raises ValueError for one that has no catalogue."""
    global _catalogue, _language
    if language not in LANGUAGES:
        raise ValueError(f"no catalogue for {language!r}; known: {', '.join(LANGUAGES)}")
    _catalogue = gettext.translation("kiosk", FOLDER, [language])
    _language = language


def language() -> str:
    """The language in use."""
    return _language


def _(message: str) -> str:
    """The translation of a message id; "" stays "" (the catalogue's header is no text)."""
    return _catalogue.gettext(message) if message else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The plural form that fits `count`; Ukrainian has three."""
    return _catalogue.ngettext(one, many, count)


def money(kopecks: int) -> str:
    """12345678 -> '123 456,78'."""
    return hryvnias(kopecks)


def sum_of(kopecks: int) -> str:
    """A sum with its unit; "грн", because no console font is sure to have the hryvnia sign."""
    return hryvnias(kopecks) + " " + _("UAH")


def moment(at: datetime) -> str:
    """Kyiv wall clock of a moment: day and time."""
    return f"{kyiv(at):%d.%m.%Y %H:%M}"


def clock(at: datetime) -> str:
    """Kyiv wall clock of a moment: time."""
    return f"{kyiv(at):%H:%M}"


def fill(message: str, values: Mapping[str, object]) -> str:
    """A translated message with its values; kopecks read as money, a missing value shows as its name."""
    shown = {name: _value(name, value) for name, value in values.items()}
    try:
        return _(message).format(**shown)
    except (KeyError, IndexError, ValueError):
        return _(message)


def explain(error: BaseException | FaultInfo, *, document: Existence | None = None) -> tuple[str, str]:
    """(what happened and what is at risk, the next step), translated.

    `document` overrides whether a fiscal document may exist, for a `FaultInfo` whose result says more.
    """
    if isinstance(error, TillError):
        values = {name: str(value) if (error.code, name) in COUNTS else value for name, value in error.values.items()}
        return fill(error.message, values), fill(error.advice, values)
    if isinstance(error, LedgerError):
        what, advice = LEDGER.get(type(error).__name__, LEDGER[""])
        return _(what), _(advice)
    if isinstance(error, Fault):
        return _fault(str(error.code), document or error.document, error.field)
    code = getattr(error, "code", "")
    if code and not isinstance(error, BaseException):
        return _fault(str(code), document, str(getattr(error, "field", "")))
    return _(STRANGE[0]), _(STRANGE[1])


def _fault(code: str, document: Existence | None, field: str) -> tuple[str, str]:
    what, advice = FAULTS.get(code, STRANGE)
    text = _(what)
    if field:
        text += f" ({field})"
    if document is not None:
        text += f"\n{_(RISK[document])}"
    return text, _(advice)


def technical(error: BaseException | FaultInfo) -> str:
    """What the technician needs, one fact a line: code, command, the maker's code, hex. Not translated."""
    names = (("code", "code"), ("what", "what"), ("command", "command"), ("raw", "raw"), ("field", "field"))
    rows = [type(error).__name__]
    rows += [f"{label}: {value}" for label, name in names if (value := getattr(error, name, ""))]
    wire = str(getattr(error, "wire", ""))
    rows += [f"hex: {wire}"] if wire else []
    return "\n".join(rows if len(rows) > 1 else [f"{rows[0]}: {error}"])


def _value(name: str, value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and (name in MONEY or name.endswith("_money")):
        return sum_of(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple | list):
        return ", ".join(str(_value("", item)) for item in value)
    return _(value) if isinstance(value, str) else value


ROLES: Mapping[str, str] = {
    "cashier": N_("Cashier"),
    "senior": N_("Senior cashier"),
    "administrator": N_("Shop administrator"),
    "owner": N_("Owner"),
    "technician": N_("Technician"),
    "auditor": N_("Accountant"),
}
"""Posts of cashier-flow.md I by `kiosk.ledger.records.Role` value."""
