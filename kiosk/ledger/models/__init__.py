"""The tables, one file an area. Importing this package imports SQLAlchemy: do it after the first paint."""

from kiosk.ledger.models.base import Base
from kiosk.ledger.models.books import AuditRow, JournalRow
from kiosk.ledger.models.goods import CustomerRow, GoodRow
from kiosk.ledger.models.orders import OrderPartRow, OrderRow
from kiosk.ledger.models.people import UserRow
from kiosk.ledger.models.receipts import (
    BasketRow,
    DocumentMoneyRow,
    DocumentRow,
    LineRow,
    NonfiscalRow,
    ReceiptRow,
    SlipRow,
)
from kiosk.ledger.models.shifts import ShiftRow
from kiosk.ledger.models.shop import BindingRow, EnterpriseRow, LeaseRow, SettingRow
from kiosk.ledger.models.stamps import StampRow

__all__ = [
    "AuditRow",
    "Base",
    "BasketRow",
    "BindingRow",
    "CustomerRow",
    "DocumentMoneyRow",
    "DocumentRow",
    "EnterpriseRow",
    "GoodRow",
    "JournalRow",
    "LeaseRow",
    "LineRow",
    "NonfiscalRow",
    "OrderPartRow",
    "OrderRow",
    "ReceiptRow",
    "SettingRow",
    "ShiftRow",
    "SlipRow",
    "StampRow",
    "UserRow",
]
