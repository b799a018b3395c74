"""What every cashier screen has: status bar, key bar, help made from the bindings, lock, scans, errors as dialogs.

A screen writes `body()` and its `BINDINGS` (description: the short label of the key; tooltip: the sentence for F1;
both message ids). An action that calls the till is a coroutine marked `@acting`:

    @acting
    async def action_pay(self) -> None:
        done = await self.work(self.till.sale.pay, …)

While it runs, further presses on this screen are ignored and scans wait; what it raises is shown as a dialog.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen, Screen

from drivers.errors import Fault
from drivers.registrar import Mode
from kiosk.i18n import _
from kiosk.ledger.errors import LedgerError
from kiosk.screens import exists, outside
from kiosk.screens.offline_words import bar as offline_bar
from kiosk.screens.status import fields
from kiosk.till.errors import N_, TillError
from kiosk.till.trouble import failing
from kiosk.widgets.key_bar import KeyBar
from kiosk.widgets.palette import Lamp
from kiosk.widgets.scan import Scanned
from kiosk.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from kiosk.app import KioskApp
    from kiosk.till.status import StatusView
    from kiosk.till.till import Till

Answer = TypeVar("Answer")
P = ParamSpec("P")
S = TypeVar("S", bound="KioskScreen[Any]")
T = TypeVar("T")

EXPECTED = (TillError, LedgerError, Fault)
"""Errors that a cashier is told about; anything else is a defect and stops the till."""
MOST_WAITING = 20
"""Scans that may wait while the till is busy; more is a jammed scanner."""


def acting(method: Callable[Concatenate[S, P], Coroutine[Any, Any, None]]) -> Callable[Concatenate[S, P], None]:
    """Run a coroutine method beside the message loop: one at a time a screen, its errors shown as a dialog."""

    def start(self: S, /, *arguments: P.args, **named: P.kwargs) -> None:
        self.begin(lambda: method(self, *arguments, **named))

    start.__name__, start.__qualname__, start.__doc__ = method.__name__, method.__qualname__, method.__doc__
    return start


class KioskScreen(Screen[Answer], Generic[Answer]):
    """A screen of the till. `STATUS` and `KEYS` say whether it has the bars."""

    STATUS: ClassVar[bool] = True
    KEYS: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", N_("Help"), tooltip=N_("Help for this screen: its keys")),
        Binding("f10", "lock", N_("Lock"), tooltip=N_("Lock the till at once")),
    ]

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._acting = False
        self._waiting: deque[str] = deque()

    # -- what a screen fills in -----------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """The widgets between the bars."""
        yield from ()

    async def take_scan(self, text: str) -> None:
        """A scan for this screen, one at a time; runs like an `@acting` method. By default it is refused."""
        self.refuse_scan()

    # -- what a screen uses ---------------------------------------------------------------------------------------

    @property
    def kiosk(self) -> KioskApp:
        """The application, with its own type."""
        return cast("KioskApp", self.app)

    @property
    def till(self) -> Till:
        """The rooms of the till; only after the application is ready."""
        return cast("Till", self.kiosk.till)

    async def work(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """A call of the till on its own thread."""
        return await self.kiosk.work(function, *arguments, **named)

    async def ask(self, name: str, **arguments: Any) -> Any:
        """A dialog by its name; returns its answer. Only inside `@acting` methods and `take_scan`."""
        return await self.kiosk.ask(name, **arguments)

    def begin(self, action: Callable[[], Awaitable[None]]) -> bool:
        """Start an action; returns False (and does nothing) while another one runs."""
        if self._acting or not self.is_running:
            return False
        self._acting = True
        self.run_worker(self._run(action), exit_on_error=True)
        return True

    @property
    def in_action(self) -> bool:
        """Whether an action runs now."""
        return self._acting

    async def show_error(self, error: BaseException) -> None:
        """Tell the cashier what happened, what is at risk and the next step; wait until it was read."""
        await self.ask("message", error=error)

    def refuse_scan(self) -> None:
        """A scan that nobody wants here: a beep, nothing is lost."""
        self.app.bell()

    def show_working(self, working: bool) -> None:
        """The till began or finished a call; the status bar says so."""
        for bar in self.query(StatusBar):
            bar.work(_("working …") if working else "")

    def show_status(self, view: StatusView) -> None:
        """Other facts for the status bar."""
        for bar in self.query(StatusBar):
            bar.show(fields(view))
            bar.tell(*offline_bar(view))

    def show_alert(self, lamp: Lamp, text: str) -> None:
        """A warning of offline work over the bar's third row; "" takes it away."""
        for bar in self.query(StatusBar):
            bar.shout(lamp, text)

    def show_keys(self) -> None:
        """Draw the key bar again after `check_action` changed its mind."""
        for bar in self.query(KeyBar):
            bar.show(self.keymap())

    def keymap(self) -> Sequence[Binding]:
        """The keys of this screen, its own first: the table that the key bar and F1 are made from."""
        found: list[Binding] = []
        for kind in type(self).__mro__:
            if issubclass(kind, KioskScreen):
                declared = [item for item in kind.__dict__.get("BINDINGS", ()) if isinstance(item, Binding)]
                found += [item for item in declared if item.description and not any(f.key == item.key for f in found)]
        return sorted(found, key=_place)

    # -- how it works ---------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        if self.STATUS:
            yield StatusBar()
        with Container(id="body"):
            yield from self.body()
        if self.KEYS:
            yield KeyBar()

    def on_mount(self) -> None:
        self.show_keys()
        if self.kiosk.view is not None:
            self.show_status(self.kiosk.view)

    async def _run(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._told(action)
            while self._waiting and self.is_running:
                text = self._waiting.popleft()
                await self._told(lambda text=text: self.take_scan(text))  # type: ignore[misc]
        finally:
            self._acting = False
            if self.is_running:
                self.show_keys()

    async def _told(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except EXPECTED as error:
            if isinstance(error, TillError) and error.code == "KEY_LOCKED":
                # Nothing was begun: with the key unlocked the same act starts anew.
                if await self.ask("unlock", binding=error.values["binding"]):
                    await self._told(action)
            else:
                await self.show_error(error)

    def on_scanned(self, message: Scanned) -> None:
        """Scans are dealt with in order; while an action runs they wait."""
        message.stop()
        text = message.text
        if not self.begin(lambda: self.take_scan(text)):
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(text)
            else:
                self.refuse_scan()

    def on_status_bar_pressed(self, message: StatusBar.Pressed) -> None:
        """A field of the status bar opens the checklist at its line."""
        message.stop()
        self.open_checklist(message.name)

    @acting
    async def open_checklist(self, line: str = "") -> None:
        """The checklist at a line; an unknown outcome leads to where it is resolved."""
        view = self.kiosk.view
        unknown = view is not None and view.unknown
        if line == "offline" and view is not None and view.offline is not None:
            await self.ask("sync_rejected" if view.offline.mode is Mode.REJECTED else "prro_trouble")
        elif line == "flags" and unknown and exists("unknown"):
            await self.ask("unknown")
        else:
            await self.ask("checklist", line=line, look=True)

    def action_help(self) -> None:
        """F1: the keys; where the software registrar does not work, what to do about it (cashier-flow.md VIII-6)."""
        inside = not isinstance(self, outside())
        if inside and self.kiosk.view is not None and failing(self.kiosk.view):
            self._help_trouble()
        else:
            self.help_keys()

    @acting
    async def _help_trouble(self) -> None:
        if await self.ask("prro_trouble") == "keys":
            self.help_keys()

    def help_keys(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(_made("help", keys=list(self.keymap()), title=self.name_on_screen))

    def action_lock(self) -> None:
        self.kiosk.lock()

    @property
    def name_on_screen(self) -> str:
        """The screen's own title, translated."""
        return _(self.TITLE) if self.TITLE else ""


class Dialog(ModalScreen[Answer], KioskScreen[Answer], Generic[Answer]):
    """A question on top of a screen. Esc answers "no" and never sends anything."""

    STATUS = False
    KEYS = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing"))]

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)


def _place(binding: Binding) -> tuple[int, int]:
    """F-keys by number, then the rest in the order of declaration, Esc last."""
    key = binding.key.split(",")[0]
    if key == "escape":
        return 3, 0
    if key.startswith("f") and key[1:].isdigit():
        return 0, int(key[1:])
    return (2, 0) if binding.show is False else (1, 0)


def _made(name: str, **arguments: Any) -> Screen[Any]:
    from kiosk.screens import make

    return make(name, **arguments)
