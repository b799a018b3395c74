"""The registrar's paper: what comes out, what is said of it, and the same document on a file and in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from drivers.cli import DONE, REJECTED, main
from drivers.document import DocumentKind
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.errors import Invalid, Refused
from drivers.printers import NotPrinted, Trouble
from drivers.printers.emulator.machine import build
from drivers.prro.emulator.web import FiscalEmulator
from drivers.registrar import State
from drivers.registry import connect
from tests.prro.registrar.world import Shop, act, cash_in, refund, sale, z_report

OpenShop = Callable[..., Shop]


def test_a_z_report_tells_when_the_shift_began_and_its_last_receipt(day: Shop) -> None:
    """fiscal-server.md §7.5."""
    day.must(sale())
    last = day.must(sale())
    day.must(cash_in(500))
    day.must(z_report())
    paper = day.tape[day.tape.rindex("Z-ЗВІТ\n") :]
    assert "Зміну відкрито" in paper and "Час останнього чека" in paper
    assert paper.split("Останній чек №")[1].split()[0] == last.number


def test_a_slip_fits_the_paper(open_shop: OpenShop, emulator: FiscalEmulator) -> None:
    shop = open_shop(emulator, width=32)
    shop.registrar.slip(["ТОВАРНИЙ ЧЕК", "Букет польовий з назвою, що не вміщається", ""])
    rows = shop.tape.splitlines()
    assert max(map(len, rows)) <= 32 and "Букет" in shop.tape and "вміщається" in shop.tape


def test_the_printer_of_the_url(open_shop: OpenShop, emulator: FiscalEmulator, tmp_path: Path) -> None:
    machine = build({}, StateFile(None), Tape(None), FaultPlan())
    with EmulatorServer(machine, PtyLine(tmp_path / "printer")) as server:
        shop = open_shop(emulator, tape="", printer=f"escpos%2Bserial%3A%2F%2F{server.address}")
        shop.open()
        assert shop.registrar.capabilities.drawer and shop.registrar.capabilities.line_length == 48
        shop.must(sale())
        assert "[QR] https://cabinet.tax.gov.ua/cashregs/check?" in "\n".join(machine.tape.lines)
        shop.registrar.open_drawer()
        assert machine.pulses == 1
        server.set_paper(False)
        document = sale()
        result = shop.do(document)
        assert result.state is State.REGISTERED_NOT_PRINTED and result.number
        status = shop.registrar.status()
        assert status.paper_out and not status.blocks
        registered = len(shop.ledger)
        server.set_paper(True)
        shop.registrar.reprint(document)
        assert len(shop.ledger) == registered
        assert "КОПІЯ" not in "\n".join(machine.tape.lines)
        shop.registrar.copy_last()
        assert "КОПІЯ" in "\n".join(machine.tape.lines)


class Silent:
    """A printer at an address where nobody answers; each look for it costs the buyer a second."""

    width = 48
    drawer = True

    def __init__(self) -> None:
        self.looked_for = 0

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        self.looked_for += 1
        raise NotPrinted(Trouble.OFFLINE, "nobody answers", begun=False)

    def open_drawer(self) -> None:
        self.print([])


def test_a_sale_looks_for_a_silent_printer_once(day: Shop) -> None:
    printer = Silent()
    day.registrar._papers._printer = printer
    assert day.do(sale()).state is State.REGISTERED_NOT_PRINTED
    with pytest.raises(NotPrinted):
        day.registrar.open_drawer()
    assert printer.looked_for == 1


def test_what_is_not_registered_is_not_printed(day: Shop) -> None:
    with pytest.raises(Refused):
        day.registrar.reprint(sale())


def test_a_refund_without_paper_and_later_with_it(day: Shop) -> None:
    sold = day.must(sale())
    day.registrar.set_paper(False)
    before = day.tape
    back = refund(sold.number)
    day.must(back)
    assert day.tape == before
    day.must(cash_in(100))
    assert "СЛУЖБОВЕ ВНЕСЕННЯ" in day.tape[len(before) :], "the shop's own papers are printed all the same"
    day.registrar.reprint(back)
    assert "ВИДАТКОВИЙ ЧЕК" in day.tape and "КОПІЯ" not in day.tape


@pytest.mark.parametrize("options", [{"printer": "escpos%2Btcp%3A%2F%2F10.0.0.9"}, {"tape": "", "printer": "laser"}])
def test_a_wrong_printer_is_refused_before_anything(
    open_shop: OpenShop, emulator: FiscalEmulator, options: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        open_shop(emulator, **options)


def test_a_receipt_in_the_terminal_and_on_files(day: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = day.must(sale())
    day.must(act(DocumentKind.CASH_IN, 100))
    url = day.url
    day.close()
    assert main(["receipt", url, result.number]) == DONE
    told = capsys.readouterr().out
    assert "ФІСКАЛЬНИЙ ЧЕК" in told and "КОПІЯ" in told and str(result.evidence["qr"]) in told
    assert main(["receipt", url, result.number, "--text", str(tmp_path / "r.txt")]) == DONE
    assert (tmp_path / "r.txt").read_text(encoding="utf-8").strip() == told.strip()
    assert main(["receipt", url, result.number, "--png", str(tmp_path / "r.png")]) == DONE
    zxingcpp = pytest.importorskip("zxingcpp")
    from PIL import Image

    with Image.open(tmp_path / "r.png") as picture:
        (found,) = zxingcpp.read_barcodes(picture.convert("L"))
    assert found.text == result.evidence["qr"]
    assert main(["receipt", url, "1"]) == REJECTED
    connect(url).close()
