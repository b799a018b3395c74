"""*ПРРО не працює* (cashier-flow.md VIII.4): from what the till knows to the one thing to do.

link? ─no─► work offline (or: why not)        key? ─no─► replace the key (VIII.3)
server refuses? ─yes─► its words              program? ─► restart; a restart that helps is no failure
else ─► selling is forbidden, form 2-ПРРО the same day: its data, and the time to midnight
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from drivers.clock import KYIV, kyiv
from drivers.errors import Code
from drivers.registrar import Mode
from kiosk.till.errors import N_, Refusal

if TYPE_CHECKING:
    from kiosk.ledger.records import Binding
    from kiosk.till.status import StatusView
    from kiosk.till.workplace import Workplace

SERVER = frozenset({
    Code.REGISTRAR_UNKNOWN, Code.ACCESS_DENIED, Code.TAXPAYER, Code.LOCAL_NUMBER, Code.Z_EXISTS,
    Code.DOCUMENT_REFUSED, Code.REGISTRY_DATA, Code.PACKAGE_REFUSED, Code.QUERY_REFUSED, Code.SERVER_CRYPTOGRAPHY,
    Code.SERVER_ADDRESS, Code.SYNC_REJECTED, Code.DIFFERENT_DEVICE,
})  # fmt: skip
"""What the server itself says no with."""
KEYS = ("KEY_", "CERTIFICATE_", "SIGNATURE_")


class Branch(StrEnum):
    """Questions of the tree, in their order."""

    LINK = "link"
    KEY = "key"
    SERVER = "server"
    PROGRAM = "program"
    NOTICE = "notice"


class Verdict(StrEnum):
    """FINE: not here. HERE: this is it. MAYBE: nobody can tell but by trying."""

    FINE = "fine"
    HERE = "here"
    MAYBE = "maybe"


@dataclass(frozen=True)
class Step:
    """One question with what was found and what to do, message ids; `code` of the fault behind it, `words` the server's
    own text, `values` fill the texts."""

    branch: Branch
    verdict: Verdict
    question: str
    advice: str
    code: str = ""
    words: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def failing(view: StatusView) -> bool:
    """Whether a software registrar is in trouble that F1 should explain: no plain offline work, which is no failure."""
    if view.hardware or not view.registrar:
        return False
    blocked = view.offline is not None and view.offline.mode in (Mode.BLOCKED, Mode.REJECTED)
    return blocked or view.link is False or bool(view.blocks)


def tree(view: StatusView, failed_at: datetime | None, now: datetime) -> tuple[Step, ...]:
    """The five questions answered from the status. Exactly one is `HERE` unless nothing is known to be wrong. Pure."""
    found = (_link(view), _key(view), _server(view))
    if view.offline is not None and view.offline.mode is Mode.OFFLINE:
        # Plain offline work is no failure: what keeps it from going on is.
        found = (_fine(found[0]) if Verdict.HERE in (found[1].verdict, found[2].verdict) else found[0], *found[1:])
    steps: list[Step] = []
    for step in found:
        earlier = any(one.verdict is Verdict.HERE for one in steps)
        steps.append(_fine(step) if earlier and step.verdict is Verdict.HERE else step)
    known = any(step.verdict is Verdict.HERE for step in steps)
    steps.append(
        Step(
            Branch.PROGRAM,
            Verdict.FINE if known else Verdict.MAYBE,
            N_("Does the program work?"),
            N_("Restart the till. A restart that helps is no failure and needs no notice."),
        )
    )
    if failed_at is None:
        advice = N_("Nothing helped: selling is forbidden. Write the failure down (F7) and send 2-ПРРО today.")
        steps.append(Step(Branch.NOTICE, Verdict.MAYBE, N_("Is it a failure?"), advice))
    else:
        left = until_midnight(failed_at, now)
        late = N_(
            "2-ПРРО should have been sent by midnight: send it at once. Selling is forbidden until it is repaired."
        )
        today = N_("Failure written down at {at}. Send 2-ПРРО by midnight, {left} left. Selling is forbidden.")
        steps.append(
            Step(
                Branch.NOTICE,
                Verdict.HERE,
                N_("Is it a failure?"),
                today if left else late,
                values={"at": failed_at, "left": span(left)},
            )
        )
    return tuple(steps)


def _link(view: StatusView) -> Step:
    question = N_("Is there a link to the fiscal server?")
    offline = view.offline
    if offline is None or view.link is False:
        silent = view.link is False and not any(code in SERVER or code.startswith(KEYS) for code in view.blocks)
        if silent:
            advice = N_("No answer at all: check the internet cable and the router, then F5.")
            return Step(Branch.LINK, Verdict.HERE, question, advice, code=str(Code.OFFLINE))
        return Step(Branch.LINK, Verdict.FINE, question, N_("Yes."))
    if offline.mode is Mode.OFFLINE:
        advice = N_("No. Work OFFLINE: it is lawful, the receipts go to the server by themselves.")
        return Step(Branch.LINK, Verdict.HERE, question, advice)
    if offline.mode is Mode.BLOCKED:
        advice = N_(
            "No, and offline work is not possible: selling is forbidden. Check the internet, or use the reserve."
        )
        return Step(Branch.LINK, Verdict.HERE, question, advice, code=offline.why)
    return Step(Branch.LINK, Verdict.FINE, question, N_("Yes."))


def _key(view: StatusView) -> Step:
    question = N_("Does the key sign?")
    code = next((code for code in view.blocks if code.startswith(KEYS)), "")
    if code:
        advice = N_("No: give the key's password again, or replace the key (form 5-ПРРО for a new one).")
        return Step(Branch.KEY, Verdict.HERE, question, advice, code=code)
    return Step(Branch.KEY, Verdict.FINE, question, N_("Yes."))


def _server(view: StatusView) -> Step:
    question = N_("Does the server refuse?")
    code = next((code for code in view.blocks if code in SERVER), "")
    refused = view.offline.refused if view.offline is not None else None
    if refused is not None:
        advice = N_("Yes, document No. {number}: send again or export for support (F6). Nothing is deleted.")
        return Step(
            Branch.SERVER, Verdict.HERE, question, advice, str(Code.SYNC_REJECTED), refused.text,
            {"number": refused.number or "-"},
        )  # fmt: skip
    if code:
        advice = N_("Yes: do as the words below say. A refusal is never a reason to go offline.")
        return Step(Branch.SERVER, Verdict.HERE, question, advice, code=code)
    return Step(Branch.SERVER, Verdict.FINE, question, N_("No."))


def _fine(step: Step) -> Step:
    """The first trouble in the tree's order is dealt with first; later ones are told with what they found."""
    return Step(step.branch, Verdict.MAYBE, step.question, step.advice, step.code, step.words, step.values)


def until_midnight(failed_at: datetime, now: datetime) -> timedelta:
    """What is left of the day of the failure in Kyiv; zero when it is over."""
    day = kyiv(failed_at).date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=KYIV) + timedelta(days=1)
    return max(midnight.astimezone(now.tzinfo) - now, timedelta())


def span(left: timedelta) -> str:
    """Hours and minutes as 05:12."""
    minutes = int(left.total_seconds()) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class Trouble:
    """The failure of a software registrar as the ledger remembers it."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def failed_at(self, binding: Binding) -> datetime | None:
        """When the failure was written down; None while none is."""
        text = self._workplace.ledger.shop.setting(_name(binding))
        return datetime.fromisoformat(text) if text else None

    def tree(self, binding: Binding, view: StatusView) -> tuple[Step, ...]:
        """The tree as it stands now."""
        return tree(view, self.failed_at(binding), self._workplace.clock.now())

    def write_down(self, binding: Binding) -> datetime:
        """A failure that no restart helped: its time is kept, the owner is told. The first time stays."""
        user = self._workplace.cashier()
        at = self.failed_at(binding)
        if at is None:
            at = self._workplace.clock.now()
            self._workplace.ledger.shop.set_setting(_name(binding), at.isoformat())
            number = binding.fiscal_number or binding.serial
            self._workplace.audit("owner_notice", {"about": "prro_failure", "registrar": number, "by": user.name})
        return at

    def repaired(self, binding: Binding) -> None:
        """It works again: an application with «Відновлення роботи» follows where 2-ПРРО was sent."""
        self._workplace.cashier()
        self._workplace.ledger.shop.set_setting(_name(binding), "")
        number = binding.fiscal_number or binding.serial
        self._workplace.audit("owner_notice", {"about": "prro_repaired", "registrar": number})

    def notice(self, binding: Binding) -> Sequence[str]:
        """Data for form 2-ПРРО, Ukrainian as the form is, a row each."""
        place = self._workplace
        at = self.failed_at(binding) or place.clock.now()
        owner = {one.id: one for one in place.ledger.shop.enterprises()}.get(binding.enterprise_id)
        return (
            "Дані для форми № 2-ПРРО",
            f"Платник: {owner.name if owner else '—'}",
            f"Код: {owner.tax_number if owner else '—'}",
            f"ФН ПРРО: {binding.fiscal_number or binding.serial or '—'}",
            f"Місце: {place.settings.workplace}",
            f"Несправність виявлено: {kyiv(at):%d.%m.%Y %H:%M}",
            f"Касир: {place.user.name if place.user else '—'}",
            "Подати до кінця дня через електронний кабінет.",
            "Після ремонту: «Відновлення роботи».",
        )

    def print(self, binding: Binding, lines: Sequence[str]) -> None:
        """A non-fiscal slip with the page. Raises `Refusal` where nothing prints slips, or the printer's `Fault`."""
        access = self._workplace.desk(binding).access
        if not access.capabilities.slips:
            raise Refusal("NO_SLIPS", N_("No printer is set up for slips"), N_("Copy the data from the screen."))
        access.call(lambda registrar: registrar.slip(tuple(lines)))


def _name(binding: Binding) -> str:
    return f"prro_failed_{binding.id}"
