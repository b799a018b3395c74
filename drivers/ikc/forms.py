"""Tax groups and payment forms of the device by the till's names (ikc.md §2, §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.document import PaymentForm
from drivers.ikc.commands import LETTERS

FORMS: Mapping[PaymentForm, int] = {
    PaymentForm.CASH: 3,
    PaymentForm.CARD: 0,
    PaymentForm.CREDIT: 1,
    PaymentForm.CHEQUE: 2,
    PaymentForm.CERTIFICATE: 4,
    PaymentForm.IBAN: 9,
}
"""Payment forms of §5; transfers have none of their own and take "other"."""
OTHERS = ("card", "credit", "cheque", "cash", "certificate", "voucher", "e_money", "insurance", "prepaid", "other")
"""The device's own forms (§5), for those that no form of the till means."""


def by_letter(sums: Sequence[int]) -> dict[str, int]:
    """Sums of the tax groups that are not zero, kopecks."""
    return {letter: kopecks for letter, kopecks in zip(LETTERS, sums, strict=True) if kopecks}


def by_form(forms: Mapping[PaymentForm, int], sums: Sequence[int]) -> dict[str, int]:
    """Sums of the payment forms that are not zero, kopecks; of the till's forms that share one the first names it."""
    names: dict[int, str] = {}
    for form, number in forms.items():
        names.setdefault(number, str(form))
    return {names.get(number, OTHERS[number]): kopecks for number, kopecks in enumerate(sums) if kopecks}
