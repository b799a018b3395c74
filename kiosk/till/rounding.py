"""Rounding of a cash sum (cashier-flow.md IV.4): cash only, after discounts, half cases by the table.

step 50:   1…24 -> 0    25…49 -> 50    51…74 -> 50    75…99 -> 100
step 10:   endings 1…4 down, 5…9 up
"""

from __future__ import annotations


def round_cash(kopecks: int, step: int) -> int:
    """`kopecks` rounded for payment in cash. Never to nothing: a sum below half a step stays as it is.

    The rule speaks of the total of a receipt; a receipt of 0 would be goods given away, so 0.01…0.24 stay (the sources
    are silent; an open library has the same floor, cashier-flow.md IV.4).
    """
    if step <= 1 or kopecks <= 0:
        return kopecks
    rounded = (kopecks + step // 2) // step * step
    return rounded or kopecks
