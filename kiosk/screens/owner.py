"""What the owner reads first when they come to the till: the notices that were left since they were here last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.i18n import _, fill
from kiosk.ledger.records import Role
from kiosk.till.notices import TEXTS

if TYPE_CHECKING:
    from kiosk.app import KioskApp

MOST = 6
"""Notices that one message has room for; the newest ones."""


async def tell(app: KioskApp) -> None:
    """Show the owner's unread notices, once. Anybody else sees nothing."""
    till = app.till
    if till is None or till.workplace.user is None or till.workplace.user.role is not Role.OWNER:
        return
    found = await app.work(till.notices.unread)
    if not found:
        return
    lines = [f"{record.at.astimezone():%d.%m} {fill(TEXTS[record.detail['about']], record.detail)}" for record in found]
    await app.ask("message", title=_("For the owner"), text="\n".join(lines[-MOST:]))
    await app.work(till.notices.read, found[-1])
