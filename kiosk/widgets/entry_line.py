"""The sale's one input: always focused, takes digits and letters, leaves every other key to the screen."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.till.scan import LONGEST
from kiosk.widgets import palette
from kiosk.widgets.drawing import strip


class EntryLine(Widget, can_focus=True):
    """Shows what is typed; Enter posts `Submitted`. A whole scan comes to the screen and not here."""

    DEFAULT_CSS = """
    EntryLine { height: 1; width: 1fr; }
    """

    class Submitted(Message):
        """Enter was pressed; `text` may be empty."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Changed(Message):
        """Another character, or one less."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, EntryLine.Changed)

    def __init__(self, prompt: str = "", *, keep: tuple[str, ...] = (), id: str | None = None) -> None:
        """`keep`: printable keys that are the screen's while nothing is typed."""
        super().__init__(id=id)
        self._prompt = prompt
        self._keep = keep
        self._tag: tuple[tuple[str, Style], ...] = ()
        self.value = ""

    def tag(self, *parts: tuple[str, Style]) -> None:
        """What stands at the right end of the row, drawn text with its styles."""
        if parts != self._tag:
            self._tag = parts
            self.refresh()

    def put(self, text: str) -> None:
        """Other text, without a message."""
        if text != self.value:
            self.value = text
            self.refresh()

    def type(self, text: str) -> None:
        """What a key pad or keyboard adds."""
        if len(self.value) < LONGEST:
            self.put(self.value + text)
            self.post_message(self.Changed(self.value))

    def rub_out(self) -> None:
        """The last character goes."""
        if self.value:
            self.put(self.value[:-1])
            self.post_message(self.Changed(self.value))

    def on_key(self, event: events.Key) -> None:
        if not self.value and event.key in self._keep:
            return
        if event.key == "backspace":
            self.rub_out()
        elif event.key == "enter":
            self.post_message(self.Submitted(self.value))
        elif event.is_printable and event.character:
            self.type(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.type(event.text.splitlines()[0][:LONGEST] if event.text.strip() else "")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        prompt = f" {self._prompt} > " if self._prompt else " > "
        room = max(1, width - len(prompt) - 1)
        shown = self.value if len(self.value) < room else self.value[-(room - 1) :]
        caret = palette.CURSOR if self.has_focus else palette.TEXT
        rest = room - len(shown)
        used = sum(len(text) for text, _style in self._tag)
        tag = self._tag if used < rest else ()
        blank = " " * (rest - (used if tag else 0))
        return strip([(prompt, palette.QUIET), (shown, palette.STRONG), (" ", caret), (blank, palette.TEXT), *tag])

    def watch_has_focus(self, _has_focus: bool) -> None:
        self.refresh()
