"""Who works at the till: badge or PIN, lock, help of a senior (cashier-flow.md I)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kiosk.ledger.records import PinState, User
from kiosk.people.pins import check_pin
from kiosk.till.errors import N_, Refusal
from kiosk.till.keys import Keys
from kiosk.till.rights import Right, may_approve
from kiosk.till.workplace import Approval, Workplace

ATTEMPTS = 5
DELAY = timedelta(seconds=60)
"""5 wrong PINs, then a minute's delay and an audit record (cashier-flow.md I, login screen)."""


class People:
    """Logging in and out. `on_leave` is called before another person comes: the basket is parked there (I-2)."""

    def __init__(self, workplace: Workplace, keys: Keys) -> None:
        self._workplace = workplace
        self._keys = keys
        self._ledger = workplace.ledger

    def names(self) -> Sequence[User]:
        """People who may log in with a PIN, by name."""
        return [user for user in self._ledger.people.active() if user.has_pin]

    def login_badge(self, badge: str) -> User:
        """Log in by badge. Raises `Refusal`: unlinked badge (I-1), somebody else active (I-2)."""
        return self._enter(self._by_badge(badge))

    def login_pin(self, user_id: int, pin: str) -> User:
        """Log in by name and PIN. Raises `Refusal`: wrong PIN, delay, somebody else active."""
        return self._enter(self._by_pin(user_id, pin))

    def lock(self) -> None:
        """F10: the picture stays, nothing can be done until somebody logs in again."""
        if self._workplace.user is not None:
            self._workplace.audit("lock")
            self._workplace.locked = True

    def logout(self) -> None:
        """Leave the till; the caller parks the basket first (`Sale.leave`)."""
        if self._workplace.user is not None:
            self._keys.left(self._workplace.user)
            self._workplace.audit("logout")
        self._workplace.user = None
        self._workplace.locked = False

    def approve(self, right: Right, *, badge: str = "", user_id: int = 0, pin: str = "") -> Approval:
        """A badge, or a name and PIN, given for one action. Raises `Refusal` when that person cannot help either."""
        user = self._by_badge(badge) if badge else self._by_pin(user_id, pin)
        if not may_approve(user, right):
            self._workplace.audit("approve", {"right": right.value, "by": user.name}, allowed=False)
            raise Refusal("NO_HELP", N_("{name} may not confirm this either"), name=user.name)
        return Approval(user, right)

    def helpers(self, right: Right) -> Sequence[User]:
        """People whose PIN would do, by name."""
        return [user for user in self.names() if may_approve(user, right)]

    def _by_badge(self, badge: str) -> User:
        user = self._ledger.people.by_badge(badge.strip()) if 0 < len(badge.strip()) <= 64 else None
        if user is None or not user.active:
            self._workplace.audit("badge", {"length": len(badge)}, allowed=False)
            raise Refusal(
                "UNKNOWN_BADGE",
                N_("The badge is not linked to a user"),
                N_("Log in by name and PIN, or call the manager."),
            )
        return user

    def _by_pin(self, user_id: int, pin: str) -> User:
        now = self._workplace.clock.now()
        state = self._ledger.people.pin_state(user_id)
        if state.blocked_until is not None and now < state.blocked_until:
            seconds = int((state.blocked_until - now).total_seconds()) + 1
            raise Refusal("PIN_DELAY", N_("Too many wrong PINs: wait {seconds} s"), seconds=seconds)
        user = self._ledger.people.get(user_id)
        hashed = self._ledger.people.pin_hash(user_id)
        if not user.active or not hashed or not check_pin(pin, hashed):
            failures = state.failures + 1
            blocked = failures >= ATTEMPTS
            self._ledger.people.set_pin_state(
                user_id, PinState(0 if blocked else failures, now + DELAY if blocked else None)
            )
            self._workplace.audit("pin", {"name": user.name, "failures": failures}, allowed=False)
            raise Refusal("WRONG_PIN", N_("Wrong PIN"), N_("{left} attempts left."), left=max(0, ATTEMPTS - failures))
        if state != PinState():
            self._ledger.people.set_pin_state(user_id, PinState())
        return user

    def _enter(self, user: User) -> User:
        place = self._workplace
        if place.user is not None and place.user.id != user.id and not place.locked:
            raise Refusal(
                "OCCUPIED",
                N_("{name} is working here"),
                N_("Lock the till (F10) or log out before another person logs in."),
                name=place.user.name,
            )
        if place.user is not None and place.user.id != user.id:
            self._keys.left(place.user)
        place.user = user
        place.locked = False
        place.audit("login", {"role": user.role.value})
        return user
