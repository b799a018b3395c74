"""Totals in the JSON of `LastShiftTotals` (fiscal-server.md §2.12)."""

from __future__ import annotations

from typing import Any

import msgspec

from drivers.prro.emulator.documents import hryvnias
from drivers.prro.emulator.totals import Side, Totals


def decimal(kopecks: int) -> msgspec.Raw:
    """A sum as a JSON number with two decimals; floats never touch it."""
    return msgspec.Raw(hryvnias(kopecks).encode())


def of_totals(totals: Totals) -> dict[str, Any]:
    """`Totals` of an open shift."""
    cash = {
        "Sum": decimal(totals.withdrawn),
        "Commission": decimal(totals.commission),
        "OrdersCount": totals.withdrawals,
    }
    return {
        "Real": _side(totals.sales),
        "Ret": _side(totals.returns),
        "Cash": cash if totals.withdrawals else None,
        "Currency": None,
        "ServiceInput": decimal(totals.cash_in),
        "ServiceOutput": decimal(totals.cash_out),
    }


def _side(side: Side) -> dict[str, Any] | None:
    if not side.count:
        return None
    nothing = decimal(0)
    return {
        "Sum": decimal(side.amount),
        "PwnSumIssued": nothing,
        "PwnSumReceived": nothing,
        "RndSum": decimal(side.rounding),
        "NoRndSum": decimal(side.amount + side.rounding),
        "OrdersCount": side.count,
        "PwnOrdersCountIssued": 0,
        "PwnOrdersCountReceived": 0,
        "TotalCurrencyCost": 0,
        "TotalCurrencySum": nothing,
        "TotalCurrencyCommission": nothing,
        "PayForm": [
            {"PayFormCode": code, "PayFormName": name, "Sum": decimal(amount)}
            for (code, name), amount in side.forms.items()
        ],
        "Tax": [
            {
                "Type": kind,
                "Name": sums.name,
                "Letter": letter,
                "Prc": msgspec.Raw(rate.encode()),
                "Sign": sign,
                "Turnover": decimal(sums.turnover),
                "TurnoverDiscount": decimal(sums.discounted),
                "SourceSum": decimal(sums.source),
                "Sum": decimal(sums.amount),
            }
            for (kind, letter, rate, sign), sums in side.taxes.items()
        ],
    }
