"""The console driver: events as bytes, cells, key codes; then whole devices through named pipes and a real terminal."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from kiosk.console import (
    ABS_X,
    ABS_Y,
    BTN_TOUCH,
    EV_ABS,
    EV_KEY,
    EV_SYN,
    EVENT,
    PLAIN,
    SHIFTED,
    SYN_DROPPED,
    SYN_REPORT,
    Fingers,
    InputEvent,
    Panel,
    Reader,
    ScannerDecoder,
    TouchDecoder,
    Touched,
    Wedge,
    panel_of,
    parse,
    slim,
)


def raw(at: float, kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(int(at), round((at - int(at)) * 1_000_000), kind, code, value)


def contact(at: float, x: int, y: int, down: bool) -> bytes:
    return (
        raw(at, EV_ABS, ABS_X, x)
        + raw(at, EV_ABS, ABS_Y, y)
        + raw(at, EV_KEY, BTN_TOUCH, int(down))
        + raw(at, EV_SYN, SYN_REPORT, 0)
    )


def typed(text: str, *, at: float = 10.0, gap: float = 0.008, end: int = 28) -> bytes:
    """What a US wedge reader sends for a text."""
    codes = {letter: (code, False) for code, letter in PLAIN.items() if code < 71 or letter in "*"}
    codes |= {letter: (code, True) for code, letter in SHIFTED.items() if letter not in codes}
    data = b""
    for letter in text:
        code, shift = codes[letter]
        data += raw(at, EV_KEY, 42, 1) if shift else b""
        data += raw(at, EV_KEY, code, 1) + raw(at, EV_SYN, 0, 0) + raw(at, EV_KEY, code, 0)
        data += raw(at, EV_KEY, 42, 0) if shift else b""
        at += gap
    return data + (raw(at, EV_KEY, end, 1) + raw(at, EV_KEY, end, 0) if end else b"")


def scans(data: bytes) -> list[str]:
    return Wedge().feed(parse(data)[0])


def test_events_are_cut_at_any_byte() -> None:
    data = contact(5.25, 100, 200, True)
    whole, rest = parse(data)
    assert rest == b"" and whole[0] == InputEvent(5.25, EV_ABS, ABS_X, 100)
    for cut in range(len(data)):
        first, kept = parse(data[:cut])
        second, nothing = parse(kept + data[cut:])
        assert first + second == whole and nothing == b""


def test_the_kernel_s_key_codes() -> None:
    """linux/input-event-codes.h: KEY_1 2, KEY_0 11, KEY_Q 16, KEY_A 30, KEY_BACKSLASH 43, KEY_Z 44, KEY_SLASH 53."""
    assert {code: PLAIN[code] for code in (2, 11, 12, 16, 27, 30, 41, 43, 44, 53, 57, 82)} == {
        2: "1", 11: "0", 12: "-", 16: "q", 27: "]", 30: "a", 41: "`", 43: "\\", 44: "z", 53: "/", 57: " ", 82: "0",
    }  # fmt: skip
    assert (SHIFTED[16], SHIFTED[3], SHIFTED[27]) == ("Q", "@", "}")


def test_a_scan_is_read_as_a_us_keyboard() -> None:
    assert scans(typed("]C1abC-4820000000075")) == ["]C1abC-4820000000075"]
    assert scans(typed("12", end=15) + typed("34", at=20, end=96)) == ["12", "34"]


@given(st.text(st.sampled_from(sorted(set(PLAIN.values()) | set(SHIFTED.values()))), min_size=1, max_size=40))
def test_every_text_comes_back(text: str) -> None:
    assert scans(typed(text)) == [text]


def test_silence_ends_a_scan_and_a_repeat_is_no_key() -> None:
    wedge = Wedge()
    assert wedge.feed(parse(typed("123456", end=0))[0]) == []
    assert wedge.feed(parse(raw(10.06, EV_KEY, 2, 2))[0]) == [], "auto-repeat"
    assert wedge.feed(parse(typed("78", at=11.0, end=28))[0]) == ["123456", "78"]


def test_dropped_events_drop_the_scan() -> None:
    broken = typed("123", end=0) + raw(10.1, EV_SYN, SYN_DROPPED, 0) + typed("456", at=10.12)
    assert scans(broken) == ["456"]


def test_a_group_separator_of_gs1_is_kept() -> None:
    data = typed("01", end=0) + raw(10.02, EV_KEY, 29, 1) + raw(10.02, EV_KEY, 27, 1) + raw(10.03, EV_KEY, 29, 0)
    assert scans(data + typed("21", at=10.04)) == ["01\x1d21"]


@pytest.mark.parametrize(
    ("turn", "cell"), [(0, (0, 0)), (90, (79, 0)), (180, (79, 24)), (270, (0, 24))]
)  # fmt: skip
def test_the_corner_of_a_turned_panel(turn: int, cell: tuple[int, int]) -> None:
    assert Panel(0, 4095, 0, 4095, turn).cell(0, 0, 80, 25) == cell


def test_a_mirrored_panel_and_its_far_edge() -> None:
    panel = Panel(4095, 0, 0, 4095)
    assert panel.cell(4095, 0, 64, 18) == (0, 0)
    assert panel.cell(0, 4095, 64, 18) == (63, 17)


@given(st.integers(-500, 5000), st.integers(-500, 5000), st.sampled_from([0, 90, 180, 270]))
def test_every_cell_is_on_the_screen(x: int, y: int, turn: int) -> None:
    column, row = Panel(100, 4000, 100, 4000, turn).cell(x, y, 80, 25)
    assert 0 <= column < 80 and 0 <= row < 25


def test_a_finger_comes_moves_and_leaves() -> None:
    fingers = Fingers()
    data = (
        contact(1.0, 10, 20, True) + raw(1.1, EV_ABS, ABS_X, 30) + raw(1.1, EV_SYN, 0, 0) + contact(1.2, 30, 20, False)
    )
    assert fingers.feed(parse(data)[0]) == [Touched("down", 10, 20), Touched("move", 30, 20), Touched("up", 30, 20)]


def test_a_bounce_is_no_second_touch() -> None:
    fingers = Fingers()
    data = contact(1.0, 1, 1, True) + contact(1.1, 1, 1, False)
    bounce = contact(1.13, 1, 1, True) + contact(1.14, 1, 1, False)
    again = contact(1.3, 2, 2, True)
    kinds = [touched.kind for touched in fingers.feed(parse(data + bounce + again)[0])]
    assert kinds == ["down", "up", "down"]


def test_dropped_events_lift_the_finger() -> None:
    fingers = Fingers()
    data = contact(1.0, 1, 1, True) + raw(1.1, EV_SYN, SYN_DROPPED, 0) + raw(1.1, EV_SYN, SYN_REPORT, 0)
    assert [touched.kind for touched in fingers.feed(parse(data)[0])] == ["down", "up"]


def test_output_is_slim_and_harmless() -> None:
    assert slim("\x1b]22;pointer\x1b\\a\x1b]0;t\x07b") == "ab"
    assert slim("x\x1b[0m\x1b[1;34my") == "x\x1b[0;1;34my"


def test_the_environment_describes_the_panel() -> None:
    assert panel_of({"KASA_TOUCH_RANGE": "10,4000,4000,20", "KASA_TOUCH_TURN": "90"}) == Panel(10, 4000, 4000, 20, 90)
    with pytest.raises(ValueError, match="45"):
        panel_of({"KASA_TOUCH_TURN": "45"})


# -- devices ------------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "device"
    os.mkfifo(path)
    yield path


def test_a_scanner_through_a_pipe_comes_back_after_it_was_unplugged(pipe: Path) -> None:
    found: queue.Queue[str] = queue.Queue()
    reader = Reader(pipe, ScannerDecoder(found.put))
    reader.start()
    try:
        for number in range(2):
            device = os.open(pipe, os.O_WRONLY)
            data = typed(f"482000000007{number}")
            os.write(device, data[:33])
            os.write(device, data[33:])
            assert found.get(timeout=10) == f"482000000007{number}"
            os.close(device)
        device = os.open(pipe, os.O_WRONLY)
        os.write(device, typed("no suffix", end=0))
        assert found.get(timeout=10) == "no suffix"
        os.close(device)
    finally:
        reader.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("evdev")]


def test_touches_through_a_pipe_are_mouse_events_at_cells(pipe: Path) -> None:
    found: queue.Queue[events.MouseEvent] = queue.Queue()
    reader = Reader(pipe, TouchDecoder(found.put, lambda: (80, 25), Panel(0, 799, 0, 249)))
    reader.start()
    try:
        device = os.open(pipe, os.O_WRONLY)
        os.write(device, contact(1.0, 405, 125, True) + contact(1.2, 405, 125, False))
        got = [found.get(timeout=10) for _ in range(3)]
        os.close(device)
    finally:
        reader.stop()
    assert [(type(event).__name__, event.x, event.y) for event in got] == [
        ("MouseMove", 40, 12),
        ("MouseDown", 40, 12),
        ("MouseUp", 40, 12),
    ]


def test_a_stop_never_waits_for_a_device_that_is_not_there(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "absent", ScannerDecoder(lambda _text: None))
    reader.start()
    reader.stop()


PROGRAM = """
import sys
from textual.app import App
from textual.widgets import Static
from kiosk.console import ConsoleDriver

class Probe(App):
    def get_driver_class(self):
        return ConsoleDriver
    def compose(self):
        yield Static("ready-to-go", id="s")
    def on_scanned(self, message):
        self.query_one("#s").update("scan=" + message.text)
    def on_mouse_down(self, event):
        self.query_one("#s").update(f"touch={event.screen_x},{event.screen_y}")
    def on_key(self, event):
        self.exit()

Probe().run()
"""


def test_a_real_terminal_with_pipes_for_devices(tmp_path: Path) -> None:
    touch, scanner = tmp_path / "touch", tmp_path / "scanner"
    os.mkfifo(touch)
    os.mkfifo(scanner)
    environment = os.environ | {
        "TERM": "linux", "KASA_TOUCH": str(touch), "KASA_SCANNER": str(scanner), "KASA_TOUCH_RANGE": "0,799,0,249",
    }  # fmt: skip
    child = pexpect.spawn(
        sys.executable, ["-c", PROGRAM], env=environment, dimensions=(25, 80), encoding="utf-8", timeout=30
    )
    output = b""
    try:
        child.expect("ready-to-go")
        with scanner.open("wb", buffering=0) as device:
            device.write(typed("abc4820000000075"))
            child.expect("scan=abc4820000000075")
        with touch.open("wb", buffering=0) as device:
            device.write(contact(1.0, 405, 125, True) + contact(1.2, 405, 125, False))
            child.expect("touch=40,12")
        child.send("q")
        child.expect(pexpect.EOF)
        output = str(child.before).encode()
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    assert b"\x1b]" not in output and b"?1000h" not in output


def test_the_driver_is_found_by_its_name() -> None:
    code = "from textual.app import App; print(App().driver_class.__name__)"
    environment = os.environ | {"TEXTUAL_DRIVER": "kiosk.console:ConsoleDriver"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ConsoleDriver"
