"""The driver against the virtual printer over pty, TCP and USB: what comes out on paper, and what is known after it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.errors import Code, Existence, Invalid
from drivers.links.wire import WireLog
from drivers.printers import QR_ROW, NotPrinted, Trouble, escpos
from drivers.printers.address import at
from drivers.printers.emulator.machine import build
from drivers.printers.letters import UKRAINIAN, profiles
from tests.printers.conftest import Plug, Rig

LINK = "https://cabinet.tax.gov.ua/cashregs/check?date=20260305&time=101500&id=834000504&sm=77.50&fn=4000123456"
ROWS = ["ТОВ «Їжак і Ґава»".center(48).rstrip(), "Хліб житній" + " " * 27 + "15.05 А", QR_ROW, "  ФІСКАЛЬНИЙ ЧЕК"]
TRANSPORTS = ("serial", "tcp", "usb")


def sent(rig: Rig) -> bytes:
    return b"".join(exchange.data for exchange in rig.log if exchange.direction == ">")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_receipt_on_every_line(plug: Plug, transport: str) -> None:
    rig = plug(transport)
    rig.printer.print(ROWS, LINK)
    assert rig.lines[:2] == ROWS[:2]
    assert rig.lines[2].strip() == f"[QR] {LINK}"
    assert rig.lines[3] == ROWS[3]
    assert rig.lines[-1].strip("-") == " cut "
    assert rig.machine.registers() | {"documents": 1, "strange": [], "waiting": 0} == rig.machine.registers()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_byte_is_in_the_wire_log(plug: Plug, transport: str) -> None:
    rig = plug(transport)
    rig.printer.print(ROWS, LINK)
    log = sent(rig)
    assert LINK.encode() in log and "Їжак".encode("cp1251") in log
    assert len(log) == rig.log.sent
    assert any(exchange.direction == "<" and exchange.data == b"\x12" for exchange in rig.log)


def test_a_kernel_driver_gets_the_printer_back(plug: Plug) -> None:
    rig = plug("usb")
    rig.printer.print(ROWS, LINK)
    device = rig.server._line.device  # type: ignore[attr-defined]
    assert device.kernel == {0} and device.claimed == {}


@pytest.mark.parametrize(
    ("model", "profile"), [("epson", "epson"), ("chinese", "chinese"), ("kr306", "kr306"), ("ocd", "ocd"),
                           ("rp326", "rp326"), ("star", "star")],
)  # fmt: skip
def test_every_letter_on_every_printer(plug: Plug, model: str, profile: str) -> None:
    rig = plug("serial", {"model": model}, f"profile={profile}")
    rig.printer.print([UKRAINIAN[:33], UKRAINIAN[33:]])
    assert rig.lines[:2] == [UKRAINIAN[:33], UKRAINIAN[33:]]


def test_every_page_of_a_profile(plug: Plug) -> None:
    for page in profiles()["epson"]:
        rig = plug("tcp", {}, f"codepage={page.codec}")
        rig.printer.print(["Є ї Ж"])
        assert rig.lines[0] == "Є ї Ж"


def test_the_wrong_profile_is_seen_on_the_test_page(plug: Plug) -> None:
    """The alphabet comes out whole under one candidate only."""
    rig = plug("tcp", {"model": "star"})
    candidates = [pages[0] for pages in profiles().values()]
    rig.printer.print_pages(candidates)
    shown = rig.paper.replace("\n", "")
    assert shown.count(UKRAINIAN) == 1
    assert shown.index("cp1251:34") < shown.index(UKRAINIAN)


def test_a_row_without_letters_is_drawn(plug: Plug) -> None:
    rig = plug("tcp", {}, "letters=drawn&codepage=cp866")
    rig.printer.print(["Ґава", "Хороб"])
    assert rig.lines[0].startswith("[IMAGE 576x")
    assert rig.lines[1] == "Хороб"


def test_everything_is_drawn(plug: Plug, capfd: pytest.CaptureFixture[str]) -> None:
    rig = plug("tcp", {}, "letters=picture&paper=58&qr=raster")
    rig.printer.print(["Хліб", QR_ROW], LINK)
    assert all(line.startswith("[IMAGE 384x") for line in rig.lines[:2])
    assert capfd.readouterr() == ("", ""), "a library that prints would write into the till's face"


@pytest.mark.parametrize("qr", ["native", "raster"])
@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("mac", ["", "&mac=" + "49496c32e796af0b" * 4], ids=["online", "offline"])
def test_the_code_on_paper_is_read_back(plug: Plug, tmp_path: Path, qr: str, paper: int, mac: str) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    from PIL import Image

    dots, columns = (384, 32) if paper == 58 else (576, 48)
    rig = plug("tcp", {"picture": tmp_path, "dots": dots, "columns": columns}, f"qr={qr}&paper={paper}")
    rig.printer.print(["x", QR_ROW, "y"], LINK + mac)
    with Image.open(tmp_path / "0001.png") as paper_:
        (found,) = zxingcpp.read_barcodes(paper_.convert("L"))
    assert found.text == LINK + mac


def test_the_link_in_letters(plug: Plug) -> None:
    rig = plug("tcp", {"columns": 32}, "qr=text&paper=58")
    rig.printer.print([QR_ROW], LINK)
    assert "".join(rig.lines).startswith(LINK)


def test_a_logo(plug: Plug, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGBA", (900, 300), (0, 0, 0, 0)).save(tmp_path / "logo.png")
    rig = plug("tcp", {}, f"logo={tmp_path / 'logo.png'}")
    rig.printer.print(["Хліб"])
    assert rig.lines[0] == "[IMAGE 576x192]" and "Хліб" in rig.lines


def test_the_drawer(plug: Plug) -> None:
    rig = plug("serial", {}, "drawer=5")
    rig.printer.open_drawer()
    rig.printer.print(["x"])
    assert rig.lines[0] == "[DRAWER 5]" and rig.machine.pulses == 1


def test_the_drawer_opens_without_paper(plug: Plug) -> None:
    """The sale is registered and the change must be given, whatever the roll does."""
    rig = plug("tcp")
    rig.server.set_paper(False)
    rig.printer.open_drawer()
    assert rig.machine.pulses == 1
    rig.server.set_paper(True)
    assert rig.machine.pulses == 1
    rig.server.unplug()
    with pytest.raises(NotPrinted):
        rig.printer.open_drawer()


# -- faults ----------------------------------------------------------------------------------------------------------


def refused(rig: Rig, trouble: Trouble, code: Code, *, begun: bool) -> NotPrinted:
    with pytest.raises(NotPrinted) as caught:
        rig.printer.print(ROWS, LINK)
    assert (caught.value.trouble, caught.value.code, caught.value.begun) == (trouble, code, begun)
    assert caught.value.document is Existence.NO
    return caught.value


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_paper_out_before_the_first_byte(plug: Plug, transport: str) -> None:
    rig = plug(transport)
    rig.server.set_paper(False)
    refused(rig, Trouble.PAPER_OUT, Code.PAPER_OUT, begun=False)
    assert rig.lines == []
    rig.server.set_paper(True)
    rig.printer.print(ROWS, LINK)
    assert rig.machine.documents == 1


def test_the_cover(plug: Plug) -> None:
    rig = plug()
    rig.server.set_cover(True)
    refused(rig, Trouble.COVER_OPEN, Code.COVER_OPEN, begun=False)
    assert rig.printer.state().trouble is Trouble.COVER_OPEN
    rig.server.set_cover(False)
    assert rig.printer.state().trouble is None


@pytest.mark.parametrize(("fault", "trouble", "code"), [
    ("F19", Trouble.HEAD, Code.PRINTER), ("F23", Trouble.CUTTER, Code.CUTTER),
])  # fmt: skip
def test_a_mechanical_fault_in_the_middle(plug: Plug, fault: str, trouble: Trouble, code: Code) -> None:
    rig = plug()
    rig.fault(fault, "line", nth=2)
    refused(rig, trouble, code, begun=True)
    rig.server.heal()

    assert rig.printer.state().trouble is None


@pytest.mark.parametrize("lossy", [0, 1])
def test_paper_out_in_the_middle(plug: Plug, lossy: int) -> None:
    """Most printers go on with the new roll, clones lose the rest; either way nobody believes that it was printed."""
    rig = plug("tcp", {"lossy": lossy})
    rig.fault("F9", "line", nth=2)
    refused(rig, Trouble.PAPER_OUT, Code.PAPER_OUT, begun=True)
    rig.server.set_paper(True)
    assert rig.machine.documents == (0 if lossy else 1)
    rig.printer.print(["КОПІЯ"])
    assert "КОПІЯ" in rig.lines


def test_paper_that_ends_and_comes_back_while_the_driver_waits(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printer goes on with the new roll: everything came out, and the late answer says so."""
    monkeypatch.setattr(escpos, "PAUSE", 0.4)
    rig = plug("tcp")
    rig.fault("F9", "cut", when="after", restore_after=0.1)
    rig.printer.print(ROWS, LINK)
    assert rig.machine.documents == 1


def test_a_clone_that_loses_the_rest_is_not_believed(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has paper again when it is asked, and half the receipt is gone: only GS r knows, and it never answers."""
    monkeypatch.setattr(escpos, "PAUSE", 0.4)
    monkeypatch.setattr(escpos, "WORK", 0.8)
    rig = plug("tcp", {"lossy": 1})
    rig.printer.print(ROWS, LINK)
    rig.fault("F9", "line", nth=2, restore_after=0.1)
    refused(rig, Trouble.OFFLINE, Code.PRINTER, begun=True)


def test_a_printer_without_gs_r_is_waited_for_once(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escpos, "WORK", 0.2)
    monkeypatch.setattr(escpos, "PAUSE", 0.2)
    rig = plug("tcp")
    rig.fault("F1", "queued")
    rig.printer.print(ROWS, LINK)
    rig.printer.print(ROWS, LINK)
    assert rig.machine.documents == 2
    assert sent(rig).count(b"\x1dr") == 1


def test_a_roll_that_is_near_its_end(plug: Plug) -> None:
    rig = plug("serial", {"near": 1})
    rig.printer.print(ROWS, LINK)
    state = rig.printer.state()
    assert state.paper_low and state.trouble is None


def test_a_printer_that_is_off(tmp_path: Path) -> None:
    for url in ("escpos+tcp://127.0.0.1:9", f"escpos+serial://{tmp_path}/none", "escpos+usb://04b8:0e15"):
        printer = at(url, WireLog(SystemClock()))
        begin = time.monotonic()
        with pytest.raises(NotPrinted) as caught:
            printer.print(["x"])
        assert caught.value.trouble is Trouble.OFFLINE and not caught.value.begun
        assert time.monotonic() - begin < 2


def test_a_printer_that_never_answers_is_believed(plug: Plug) -> None:
    rig = plug("serial", {"mute": 1})
    rig.printer.print(ROWS, LINK)
    end = time.monotonic() + 10
    while not rig.machine.documents and time.monotonic() < end:
        time.sleep(0.01)
    assert rig.machine.documents == 1
    assert not rig.printer.state().told


def test_one_that_must_answer_is_not(plug: Plug) -> None:
    rig = plug("serial", {"mute": 1}, "status=yes")
    refused(rig, Trouble.OFFLINE, Code.PRINTER, begun=False)
    assert rig.lines == []


def test_one_that_answered_once_and_is_silent_now_is_off(plug: Plug) -> None:
    """A serial port takes bytes for a printer that is switched off."""
    rig = plug("serial")
    rig.printer.print(ROWS, LINK)
    rig.server.power_off()
    refused(rig, Trouble.OFFLINE, Code.PRINTER, begun=False)
    rig.server.power_on()
    rig.printer.print(ROWS, LINK)
    assert rig.machine.documents == 2


def test_a_cable_that_is_pulled_in_the_middle(plug: Plug) -> None:
    rig = plug("tcp")
    rig.fault("F11", "line", nth=2)
    refused(rig, Trouble.OFFLINE, Code.PRINTER, begun=True)


def test_one_that_stops_taking_bytes(plug: Plug) -> None:
    """Its buffer is full and it says nothing: the write ends in time, and the caller knows that something was begun."""
    rig = plug("serial", {}, "letters=picture")
    rig.fault("F6", "raster", nth=1)
    refused(rig, Trouble.OFFLINE, Code.PRINTER, begun=True)


def test_no_status_is_asked_where_the_setting_says_so(plug: Plug) -> None:
    rig = plug("tcp", {}, "status=no")
    rig.printer.print(ROWS, LINK)
    assert b"\x10\x04" not in sent(rig) and b"\x1dr" not in sent(rig)


def test_answers_of_yesterday_are_not_believed(plug: Plug) -> None:
    """A status that comes unasked for (ASB of another program) is flushed before a question."""
    rig = plug("serial")
    rig.server._line.write(b"\x72\x1e\x00\x0f")
    rig.printer.print(ROWS, LINK)
    assert rig.machine.documents == 1


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "escpos+tcp://10.0.0.9:9100?profil=epson",
        "escpos+tcp://10.0.0.9:9100?profile=espon",
        "escpos+tcp://10.0.0.9:9100?width=40",
        "escpos+tcp://10.0.0.9:9100?paper=58&width=48",
        "escpos+tcp://10.0.0.9:99999",
        "escpos+http://10.0.0.9",
        "escpos+usb://printer",
        "escpos+tcp://10.0.0.9?logo=/nowhere/logo.png",
        "datecs+tcp://10.0.0.9:9100",
        "tape://host/file",
        "tape:///tmp/x?with=3",
        "printer",
    ],
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        at(url, WireLog(SystemClock()))


def test_the_usual_port_and_widths() -> None:
    log = WireLog(SystemClock())
    assert at("escpos+tcp://10.0.0.9", log).name == "10.0.0.9:9100"  # type: ignore[attr-defined]
    assert at("escpos+tcp://10.0.0.9?paper=58", log).width == 32
    assert at("escpos+tcp://10.0.0.9?width=42", log).width == 42
    assert at("tape:///tmp/receipts.txt?width=32", log).width == 32


def test_the_emulator_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    for options in ({"model": "oki"}, {"colums": "48"}, {"columns": "4"}):
        with pytest.raises(ValueError, match=r"model|unknown|columns"):
            build(options, StateFile(None), Tape(None), FaultPlan())


def test_a_chinese_printer_that_is_not_told_to_leave_its_mode(tmp_path: Path) -> None:
    """The emulator keeps the rule that the driver obeys: without 1C 2E Cyrillic comes out as hieroglyphs."""
    machine = build({"model": "chinese"}, StateFile(None), Tape(None), FaultPlan())
    with EmulatorServer(machine, PtyLine(tmp_path / "tty")):
        pass
    list(machine.receive(b"\x1b@\x1bt\x49" + "Хліб\n".encode("cp1251")))
    assert machine.tape.lines != ["Хліб"]
    list(machine.receive(b"\x1b@\x1c.\x1bt\x49" + "Хліб\n".encode("cp1251")))
    assert machine.tape.lines[-1] == "Хліб"


def test_a_question_inside_a_picture_is_answered() -> None:
    machine = build({}, StateFile(None), Tape(None), FaultPlan())
    answers = list(machine.receive(b"\x1dv0\x00\x02\x00\x02\x00\x10"))
    answers += list(machine.receive(b"\x04\x04\x00"))
    assert [action.data for action in answers] == [b"\x12"]  # type: ignore[union-attr]
    assert machine.tape.lines == ["[IMAGE 16x2]"]
