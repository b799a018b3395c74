"""The face of the till: full screen, one till thread, scans, lock, and a calm end when something breaks.

    first paint (login) ─► till thread: import and open everything ─► `ready` ─► screens call `await app.work(…)`

Every room of the till is synchronous and runs on one thread, so calls queue up there and the event loop never waits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from kiosk import i18n, screens
from kiosk.i18n import _
from kiosk.widgets.palette import THEME
from kiosk.widgets.scan import Intake, Scanned

if TYPE_CHECKING:
    from drivers.registrar import Mode
    from kiosk.backup.keeper import Keeper
    from kiosk.config import Settings
    from kiosk.ledger.records import FiscalDocument, Receipt
    from kiosk.till.offline import Alert
    from kiosk.till.status import StatusView
    from kiosk.till.till import Till
    from kiosk.widgets.palette import Lamp

T = TypeVar("T")
log = logging.getLogger("kiosk")

CRASHED = 70
"""Exit status after a crash; the unit starts the till again."""
ONCE = frozenset({"enter", "ctrl+enter", "ctrl+j", "escape", "ctrl+z", "ctrl+p", "ctrl+delete", "ctrl+l"})
"""Keys besides F-keys whose auto-repeat is ignored: holding one is one press (cashier-flow.md IV-22)."""


class Release(Message):
    """Held keys have waited long enough; `last` is the newest of them when the wait began."""

    def __init__(self, last: events.Key) -> None:
        super().__init__()
        self.last = last


class KioskApp(App[int]):
    """The application. `opener` imports the rest, opens the ledger and returns the till; it runs on the till thread."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[list[str | PurePath]] = ["screens/kiosk.tcss", "screens/login.tcss"]
    """The login's style too: the first screen is built before a screen's own style would be read."""
    TITLE = "Kasa Kiosk"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", show=False, priority=True)]
    REPEAT_GAP = 0.8
    """Seconds: the same key again within this time is auto-repeat. Keyboards wait up to 660 ms before they repeat."""
    STREAM_GAP = 0.2
    """The same for Enter and Esc where a second press harms nothing: quick people press Enter twice on purpose."""
    IDLE_CHECK = 5.0
    COPIES = 60.0
    """Seconds between two looks whether a copy of the data is due."""
    POLL = 10.0
    """Seconds between two questions to an idle registrar."""
    LOOK = 1.0
    """Seconds after a question until its answer is looked for."""
    AFTER_DOCUMENT = 0.8
    """Seconds after a document until the registrar is asked for its cash and paper."""
    FOLLOW = 0.5
    """Seconds between two looks at offline documents on their way home."""
    ALERT = 30.0
    """Seconds that a warning of offline work stands over the figures."""
    SHOW_WORKING = 0.25
    """Seconds after which a call shows as work."""

    def __init__(self, settings: Settings, opener: Callable[[], Till]) -> None:
        i18n.use(settings.language)
        super().__init__()
        self.settings = settings
        self.till: Till | None = None
        self.settings_file: Path | None = None
        self.keeper: Keeper | None = None
        self.failed: BaseException | None = None
        self.ready = asyncio.Event()
        self.busy = 0
        self._opener = opener
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="till")
        self._closing = False
        self._intake = Intake()
        self._waiting = False
        self._last_key = ("", 0.0)
        self._issued = 0
        self._following = False
        self._alerts = 0
        self._untold: deque[Alert] = deque()
        self.view: StatusView | None = None
        self.recovered: Sequence[Receipt | FiscalDocument] = ()
        self._found: list[Receipt | FiscalDocument] = []
        self.last_input = time.monotonic()
        self.register_theme(THEME)
        self.theme = THEME.name

    # -- life -----------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """The login is the first thing painted; nothing else is built before it."""
        return screens.make("login")

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)
        self.set_interval(self.IDLE_CHECK, self._check_idle)
        self.set_interval(self.POLL, self._poll)
        self.set_interval(self.COPIES, self.back_up)

    def _begin(self) -> None:
        self.run_worker(self._open(), name="open", exit_on_error=True)

    async def _open(self) -> None:
        """Import and open everything on the till thread; a failure is shown by the login and can be repeated."""
        self.failed = None
        try:
            self.till = await self.work(self._opener)
            self.recovered = await self.work(self.till.fiscal.recover)
            await self.work(self.till.status.poll)
        except Exception as error:
            log.exception("the till cannot be opened")
            self.failed = error
        self.ready.set()

    def open_again(self) -> None:
        """Try to open the till once more after the cause was removed."""
        self.ready.clear()
        self._begin()

    async def action_leave(self) -> None:
        """Leave the program: in the demo only, a till has nothing behind it."""
        if self.settings.demo and not self.busy:
            self.exit(0)

    async def on_unmount(self) -> None:
        self._closing = True
        if self.till is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self.till.close)
        self._thread.shutdown(wait=True)

    # -- the till thread ------------------------------------------------------------------------------------------

    async def work(self, function: Callable[..., T], *arguments: Any, quiet: bool = False, **named: Any) -> T:
        """Run a synchronous call of the till on its one thread and return what it returns; raises what it raises.

        `quiet` calls (reading a state now and then) neither show as work nor hold back presses.
        """
        if self._closing:
            # A worker that begins while the till closes ends as the others do.
            raise asyncio.CancelledError
        call = partial(function, *arguments, **named)
        if quiet:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        self._count(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        finally:
            self._count(-1)

    def _count(self, by: int) -> None:
        self.busy += by
        if by > 0 and self.busy == 1:
            self.set_timer(self.SHOW_WORKING, self._show_working)
        elif self.busy == 0:
            self._show_working()
            self.look()
            if self.till is not None and self.till.fiscal.issued != self._issued:
                self._issued = self.till.fiscal.issued
                self.set_timer(self.AFTER_DOCUMENT, self._poll)

    def _show_working(self) -> None:
        """A call that takes long enough to be noticed shows as work; a quick one never flickers."""
        for screen in self.screen_stack if self.is_running else ():
            if isinstance(screen, screens.cashier()):
                screen.show_working(self.busy > 0)

    def look(self) -> None:
        """Read the status bar's facts again, beside everything else."""
        if self.till is not None and self.is_running:
            # The function and not its coroutine: a worker that a closing till cancels early must leave none behind.
            self.run_worker(self._look, group="look", exclusive=True)  # type: ignore[arg-type]

    async def _look(self) -> None:
        if self.till is None:
            return
        view = await self.work(self.till.status.view, quiet=True)
        if view != self.view:
            self.view = view
            for screen in self.screen_stack:
                if isinstance(screen, screens.cashier()):
                    screen.show_status(view)
        if view.offline is not None:
            await self._tell_offline(view.offline.mode)
        if not self.busy:
            # A look may give way to the next one at any moment: what was found out waits here and is told by that one.
            await self.work(lambda: self._found.extend(self._find_out(view)), quiet=True)
            if self._found and self.till.workplace.user is not None and isinstance(self.screen, screens.cashier()):
                self.recovered, self._found = (*self.recovered, *self._found), []
                self.run_worker(self._tell_found, group="found")  # type: ignore[arg-type]

    def _find_out(self, view: StatusView) -> Sequence[Receipt | FiscalDocument]:
        """Ask about open outcomes where the registrar is well again. Runs on the till thread."""
        return self.till.unknowns.when_well(view) if self.till is not None else ()

    async def back_up(self) -> None:
        """Start a copy of the data if one is due; it is made by a process of its own and waits for no sale."""
        if self.till is None:
            return
        keeper = await self.work(self.copies, quiet=True)
        await self.work(keeper.tick, busy=self.busy > 0, quiet=True)

    def copies(self) -> Keeper:
        """The watch over the copies. Runs on the till thread."""
        if self.keeper is None:
            from kiosk.backup.keeper import Keeper

            assert self.till is not None
            self.keeper = Keeper(self.settings, self.till.workplace.clock, self.settings_file)
        return self.keeper

    async def _tell_offline(self, mode: Mode) -> None:
        """Warnings of offline work, each with one sound; documents on their way home are followed closely."""
        if self.till is None:
            return
        from kiosk.screens import offline_words

        # A look may give way to the next one at any moment: what it was told waits here and is not lost.
        await self.work(lambda: self._untold.extend(self.till.offline.alerts() if self.till else ()), quiet=True)
        while self._untold:
            self.bell()
            self._alert(*offline_words.alert(self._untold.popleft()))
        if mode == "syncing" and not self._following:
            self._following = True
            self.set_timer(self.FOLLOW, self._follow)

    def _alert(self, lamp: Lamp, text: str) -> None:
        """Over the bar of every screen for a while; the newest stays."""
        self._alerts += 1
        mine = self._alerts
        for screen in self.screen_stack:
            if isinstance(screen, screens.cashier()):
                screen.show_alert(lamp, text)
        if text:
            self.set_timer(self.ALERT, lambda: self._alert(lamp, "") if mine == self._alerts else None)

    async def _follow(self) -> None:
        self._following = False
        await self._poll()

    def poll_now(self) -> None:
        """Ask the registrar for its state at once: something has changed it, such as an unlocked key."""
        if self.is_running:
            self.run_worker(self._poll, group="poll", exclusive=True)  # type: ignore[arg-type]

    async def _poll(self) -> None:
        """Ask the registrar for its state now and then, unless the till is at work with it."""
        if self.till is not None and not self.busy and not self._closing:
            await self.work(self.till.status.poll, quiet=True)
            # The registrar's own worker asks; its answer is in memory a moment later.
            self.set_timer(self.LOOK, self.look)

    # -- where to go ----------------------------------------------------------------------------------------------

    def go(self, name: str, **arguments: Any) -> None:
        """Leave everything and show one screen: unfinished dialogs and actions end. Call it last in an action.

        The login stays beneath everything, so that leaving is quick.
        """
        self.run_worker(self._go(name, **arguments), group="go")

    async def _go(self, name: str, **arguments: Any) -> None:
        fresh = None if name == "login" else screens.make(name, **arguments)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if fresh is not None:
            await self.push_screen(fresh)

    async def ask(self, name: str, **arguments: Any) -> Any:
        """Put a screen or dialog on top and wait for its answer; call from a worker."""
        return await self.push_screen_wait(screens.make(name, **arguments))

    def begin_work(self) -> None:
        """After a login: to the sale where a shift is open and fresh, else to the checklist."""
        self.run_worker(self._begin_work(), group="go")

    async def _begin_work(self) -> None:
        assert self.till is not None
        await self.work(self.till.rekeying.for_cashier)
        selling = await self.work(_may_sell, self.till)
        await self._go("sale" if selling and screens.exists("sale") else "checklist")
        if selling:
            from kiosk.screens import resume

            await resume.unlock(self)
            await self._tell_found()
            await resume.put_float(self)
        else:
            await self._tell_found()
        from kiosk.screens import owner

        await owner.tell(self)

    async def _tell_found(self) -> None:
        """What was cut off and has been found out since: the first to come reads it, once."""
        if self.recovered:
            text, self.recovered = "\n".join(found_out(item) for item in self.recovered), ()
            title = _("Found out by asking the registrar")
            await self.push_screen(
                screens.make("message", title=title, text=text, advice=_("Check it with the paper."))
            )

    def log_out(self) -> None:
        """Leave the till: the basket is parked, the login comes back."""
        self.run_worker(self._log_out(), group="go")

    async def _log_out(self) -> None:
        await self.work(_leave, self.till)
        await self._go("login")

    def lock(self) -> None:
        """F10, or nobody has touched anything for the time the owner set. The picture stays beneath."""
        if self.till is not None and not self.busy and not isinstance(self.screen, screens.outside()):
            self.push_screen(screens.make("lock"))

    def _check_idle(self) -> None:
        minutes = self.settings.policy.lock_minutes
        if minutes and time.monotonic() - self.last_input >= minutes * 60:
            self.lock()

    # -- keys -----------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Keys pass the scan intake first; auto-repeat of keys that act ends here."""
        if isinstance(event, events.InputEvent) and not event.is_forwarded:
            if isinstance(event, events.Key | events.MouseDown):
                self.last_input = time.monotonic()
            if isinstance(event, events.Key):
                if not self._repeats(event):
                    await self._take(event)
                return
        await super().on_event(event)

    def _repeats(self, event: events.Key) -> bool:
        """Whether this is the keyboard repeating a held key rather than a fresh press."""
        key, at = self._last_key
        self._last_key = (event.key, event.time)
        acting = event.key in ONCE or event.key.split("+")[-1] in FUNCTION_KEYS
        harmless = event.key in ("enter", "escape") and not getattr(self.screen, "WANTS_FRESH_PRESS", False)
        gap = min(self.STREAM_GAP, self.REPEAT_GAP) if harmless else self.REPEAT_GAP
        return acting and key == event.key and event.time - at < gap

    async def _take(self, event: events.Key) -> None:
        typed, scan = self._intake.feed(event)
        for key in typed:
            await super().on_event(key)
        if scan:
            self.scanned(scan)
        elif self._intake.held and not self._waiting:
            self._wait(self._intake.patience)

    def _wait(self, seconds: float) -> None:
        """One timer for all that is held: a timer for each key of a scan would cost more than the key."""
        self._waiting = True
        last = self._intake.held[-1]
        self.set_timer(seconds, lambda: self.post_message(Release(last)))

    async def on_release(self, message: Release) -> None:
        """The wait for the next key is over. It comes through the queue, so keys that arrived meanwhile go first."""
        self._waiting = False
        held = self._intake.held
        if held and held[-1] is not message.last:
            self._wait(max(0.001, self._intake.patience - (message.time - held[-1].time)))
        elif held:
            for key in self._intake.release():
                await super().on_event(key)

    def scanned(self, text: str) -> None:
        """One scan from any reader, for the screen on top."""
        self.last_input = time.monotonic()
        self.screen.post_message(Scanned(text))

    def on_scanned(self, message: Scanned) -> None:
        """A reader that the console driver owns."""
        message.stop()
        self.scanned(message.text)

    # -- the end --------------------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A defect: the traceback goes to the log, the cashier reads one calm sentence, the unit starts us again."""
        log.critical("the kiosk stopped", exc_info=error)
        self._return_code = CRASHED
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._exit_renderables[:] = [last_words()]
        self._close_messages_no_wait()


FUNCTION_KEYS = frozenset(f"f{number}" for number in range(1, 13))


def _may_sell(till: Till) -> bool:
    """Whether a shift is open here that is not over its limit. Runs on the till thread."""
    place = till.workplace
    open_ = [shift for binding in place.bindings() if (shift := till.shifts.current(binding)) is not None]
    return bool(open_) and all(till.shifts.warning(shift) != "over" for shift in open_)


def _leave(till: Till) -> None:
    """Park the basket and log out. Runs on the till thread."""
    till.sale.leave()
    till.people.logout()


def found_out(item: Receipt | FiscalDocument) -> str:
    """One line about what a restart found out."""
    done, due = getattr(item, "done", None), item.due if hasattr(item, "due") else item.document.due
    state = str(item.state)
    what = i18n.sum_of(due)
    if not due and hasattr(item, "document"):
        # An opening, a storno or a Z has no sum to know it by.
        from kiosk.screens.asking import KINDS

        what = _(KINDS[item.document.kind])
    if done or state == "done":
        return _("{sum}: registered").format(sum=what)
    if state in ("failed", "rejected"):
        return _("{sum}: not registered, nothing was taken").format(sum=what)
    return _("{sum}: UNKNOWN, a senior must decide").format(sum=what)


def last_words() -> str:
    """What stands on the console after a crash."""
    return (
        _("The till stopped because of an error. Restart the till.")
        + "\n"
        + _("No receipt is lost: on its start the till asks the registrar what was done.")
    )
