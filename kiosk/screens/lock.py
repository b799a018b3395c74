"""The lock: the work stays beneath until the same person, or another one, logs in (cashier-flow.md I, I-2)."""

from __future__ import annotations

from kiosk.i18n import _
from kiosk.ledger.records import User
from kiosk.screens.login import LoginScreen
from kiosk.screens.screen import acting
from kiosk.till.errors import N_


class LockScreen(LoginScreen):
    """Put on top; goes away when its person is back. Another person's work begins anew, the basket parked."""

    TITLE = N_("Locked")

    def __init__(self) -> None:
        super().__init__()
        self._owner: int | None = None

    @property
    def heading(self) -> str:
        user = self.till.workplace.user if self.till is not None else None
        return f"{_('Locked')} · {user.name if user else self.kiosk.settings.workplace}"

    def on_mount(self) -> None:
        user = self.till.workplace.user
        self._owner = user.id if user is not None else None

    @acting
    async def _fill(self) -> None:
        await self.work(self.till.people.lock)
        self._people = await self.work(self.till.people.names)
        names = [user.id for user in self._people]
        cursor = names.index(self._owner) if self._owner in names else 0
        self.list_people(cursor)

    async def entered(self, user: User) -> None:
        if user.id == self._owner:
            self.dismiss(None)
        else:
            self.kiosk.begin_work()
