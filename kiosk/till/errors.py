"""What the till refuses, with a stable code, a text for the cashier and the values in it.

    TillError
    ├── Refusal          the request is not allowed or makes no sense; nothing was sent, nothing is lost
    │   └── Denied       the person lacks the right; `right` tells which, `approvable` whether a senior may help
    └── Doubt            an outcome is unknown: money or a receipt is at risk until it is resolved

Texts are English message ids: screens translate them, logs keep them.
"""

from __future__ import annotations


def N_(text: str) -> str:
    """Mark a message id for the catalogues; the text is translated where it is shown."""
    return text


class TillError(Exception):
    """`message` is a message id with `{fields}`; `values` fill it; `advice` is the next step, a message id too."""

    def __init__(self, code: str, message: str, advice: str = "", /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.advice = advice
        self.values = values

    def __str__(self) -> str:
        return f"{self.code}: {self.message.format(**self.values)}"


class Refusal(TillError):
    """Not allowed or senseless; nothing was sent and nothing is lost."""


class Denied(Refusal):
    """The person lacks a right."""

    def __init__(self, right: str, *, approvable: bool, user: str) -> None:
        super().__init__(
            "DENIED",
            N_("{user} has no right to do this"),
            N_("Ask a senior cashier to confirm with a badge or PIN.")
            if approvable
            else N_("Call the shop's manager."),
            user=user,
        )
        self.right = right
        self.approvable = approvable


class Doubt(TillError):
    """An outcome is unknown: the registrar is blocked for sales until it is resolved."""
