"""Corrections of a whole receipt, spread over its lines for registrars without a correction of the subtotal.

Krypton documents only line corrections and Maria only a discount inside the line (registrars/README.md §8), so the
receipt's discount and its cash rounding travel with the lines. The sum to pay is the same; buyers see the discount at
each good, in proportion to it, which is also how it is split over tax groups: `by_tax` tells what such a registrar
counts.
"""

from __future__ import annotations

from drivers.document import Document


def per_line(document: Document) -> list[int]:
    """Signed kopecks to add to each line's price × quantity; the lines then add up to `document.due`.

    Largest remainders decide the odd kopecks. No line goes below zero.
    """
    discounts = _shares(document.discount, [line.sum for line in document.lines])
    left = [line.sum - share for line, share in zip(document.lines, discounts, strict=True)]
    rounding = [0] * len(left)
    if document.rounding > 0 and left:
        rounding[-1] = document.rounding
    elif document.rounding < 0:
        rounding = [-share for share in _shares(-document.rounding, left)]
    return [
        -line.discount - share + cents
        for line, share, cents in zip(document.lines, discounts, rounding, strict=True)
    ]  # fmt: skip


def by_tax(document: Document, letters: int | None = None) -> dict[str, int]:
    """`Result.by_tax` of a registrar that got `per_line`, kopecks; empty where the lines themselves are the truth.

    `letters`: how many tax letters of a line name the group that it is counted in; all of them when None.
    """
    counted = [line.tax[:letters] for line in document.lines]
    if not document.discount and not document.rounding and counted == [line.tax for line in document.lines]:
        return {}
    sums: dict[str, int] = {}
    for line, letter, correction in zip(document.lines, counted, per_line(document), strict=True):
        sums[letter] = sums.get(letter, 0) + line.sum + line.discount + correction
    return sums


def _shares(amount: int, weights: list[int]) -> list[int]:
    """`amount` in parts proportional to `weights`, none above its weight."""
    whole = sum(weights)
    if not amount or not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: amount * weights[index] % whole, reverse=True)
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares
