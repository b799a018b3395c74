"""The till: its rooms put together. Nothing is decided here."""

from __future__ import annotations

from kiosk.till.advance import Advances
from kiosk.till.cash import Cash
from kiosk.till.checklist import Checklist
from kiosk.till.closing import Closing
from kiosk.till.correction import Corrections
from kiosk.till.fiscal import Fiscal
from kiosk.till.giveback import GiveBack
from kiosk.till.keys import Keys
from kiosk.till.notices import Notices
from kiosk.till.offline import OfflineDesk
from kiosk.till.paper import Paper
from kiosk.till.people import People
from kiosk.till.refund import Refunds
from kiosk.till.rekey import Rekeying
from kiosk.till.reports import Reports
from kiosk.till.sale import Sale
from kiosk.till.shift import Shifts
from kiosk.till.status import Status
from kiosk.till.storno import Stornos
from kiosk.till.trouble import Trouble
from kiosk.till.unknown import Unknowns
from kiosk.till.workplace import Workplace


class Till:
    """One till. Every call belongs to one thread."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.keys = Keys(workplace)
        self.rekeying = Rekeying(workplace, self.keys)
        self.fiscal = Fiscal(workplace, self.keys, self.rekeying)
        self.people = People(workplace, self.keys)
        self.shifts = Shifts(workplace, self.fiscal, self.keys)
        self.sale = Sale(workplace, self.fiscal, self.shifts)
        self.cash = Cash(workplace, self.fiscal, self.shifts)
        self.advances = Advances(workplace, self.fiscal, self.sale)
        self.give_back = GiveBack(workplace, self.fiscal, self.shifts, self.cash, self.advances)
        self.refunds = Refunds(workplace, self.fiscal, self.shifts, self.cash)
        self.corrections = Corrections(workplace, self.fiscal, self.refunds)
        self.stornos = Stornos(workplace, self.fiscal, self.shifts)
        self.reports = Reports(workplace, self.shifts)
        self.checklist = Checklist(workplace, self.shifts, self.reports, self.keys)
        self.notices = Notices(workplace)
        self.closing = Closing(workplace, self.fiscal, self.shifts, self.cash, self.reports, self.sale)
        self.unknowns = Unknowns(workplace, self.fiscal)
        self.offline = OfflineDesk(workplace)
        self.trouble = Trouble(workplace)
        self.paper = Paper(workplace)
        self.status = Status(workplace, self.shifts)

    def close(self) -> None:
        """Lock the keys, release registrars and ledger."""
        self.keys.lock_all()
        self.workplace.close()
