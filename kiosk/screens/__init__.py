"""Screens by name, imported when they are opened. One screen, one file, one `.tcss` beside it.

A new screen: write `kiosk/screens/NAME.py` with a `KioskScreen` (or `Dialog`) in it, add its line to `SCREENS`, go to
it with `await app.go("NAME")` or ask it with `await app.ask("NAME", …)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.screen import Screen

SCREENS: Mapping[str, str] = {
    "login": "kiosk.screens.login:LoginScreen",
    "lock": "kiosk.screens.lock:LockScreen",
    "checklist": "kiosk.screens.checklist:ChecklistScreen",
    "opening": "kiosk.screens.opening:OpeningScreen",
    "sale": "kiosk.screens.sale:SaleScreen",
    "search": "kiosk.screens.search:SearchDialog",
    "payment": "kiosk.screens.payment:PaymentScreen",
    "card_slip": "kiosk.screens.card_slip:CardSlipDialog",
    "stamps": "kiosk.screens.stamps:StampsDialog",
    "orders": "kiosk.screens.orders:OrdersScreen",
    "outcome": "kiosk.screens.outcome:OutcomeScreen",
    "keyboard": "kiosk.screens.keyboard:KeyboardDialog",
    "refund": "kiosk.screens.refund:RefundScreen",
    "cash": "kiosk.screens.cash:CashScreen",
    "x_report": "kiosk.screens.x_report:XReportScreen",
    "closing": "kiosk.screens.closing:ClosingScreen",
    "unknown": "kiosk.screens.unknown:UnknownScreen",
    "unprinted": "kiosk.screens.unprinted:UnprintedScreen",
    "correction": "kiosk.screens.correction:CorrectionScreen",
    "storno": "kiosk.screens.storno:StornoScreen",
    "rekey": "kiosk.screens.rekey:RekeyScreen",
    "evidence": "kiosk.screens.evidence:EvidenceScreen",
    "evidence_item": "kiosk.screens.evidence_item:EvidenceItemScreen",
    "registrar_menu": "kiosk.screens.registrar_menu:RegistrarMenu",
    "finder": "kiosk.screens.finder:FinderScreen",
    "backup": "kiosk.screens.backup:BackupScreen",
    "offline_blocked": "kiosk.screens.offline_blocked:OfflineBlockedDialog",
    "sync_rejected": "kiosk.screens.sync_rejected:SyncRejectedScreen",
    "prro_trouble": "kiosk.screens.prro_trouble:PrroTroubleScreen",
    "help": "kiosk.screens.dialogs.help:HelpDialog",
    "message": "kiosk.screens.dialogs.message:MessageDialog",
    "confirm": "kiosk.screens.dialogs.confirm:ConfirmDialog",
    "number": "kiosk.screens.dialogs.ask_number:AskNumber",
    "text": "kiosk.screens.dialogs.ask_text:AskText",
    "choose": "kiosk.screens.dialogs.choose:ChooseDialog",
    "unlock": "kiosk.screens.dialogs.unlock:UnlockDialog",
    "approve": "kiosk.screens.dialogs.approve:ApproveDialog",
}


def exists(name: str) -> bool:
    """Whether this till has the screen."""
    where = SCREENS.get(name)
    return where is not None and find_spec(where.partition(":")[0]) is not None


def make(name: str, **arguments: Any) -> Screen[Any]:
    """A new screen by its name. Raises LookupError for a name that the table lacks."""
    where = SCREENS.get(name)
    if where is None:
        raise LookupError(f"no screen {name!r}")
    module, _, attribute = where.partition(":")
    kind: type[Screen[Any]] = getattr(import_module(module), attribute)
    return kind(**arguments)


def cashier() -> type[Any]:
    """The class of all screens and dialogs of the till."""
    from kiosk.screens.screen import KioskScreen

    return KioskScreen


def outside() -> tuple[type[Any], ...]:
    """Screens in front of which there is nobody to lock out."""
    from kiosk.screens.lock import LockScreen
    from kiosk.screens.login import LoginScreen

    return (LoginScreen, LockScreen)
