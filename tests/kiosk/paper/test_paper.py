"""Receipts to the buyer on the software registrar: cashier-flow.md IV.3 and VIII.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.emulation.faults import Fault
from drivers.printers import NotPrinted, Trouble
from kiosk.config import Settings
from kiosk.desks import with_paper
from kiosk.ledger.records import DocumentState, ReceiptState
from kiosk.till.errors import Refusal
from tests.kiosk.paper.conftest import Rig
from tests.kiosk.selling import GREEN


def test_a_sale_on_paper(rig: Rig) -> None:
    till = rig.open()
    rig.lines.clear()
    paid = rig.sell(till)
    assert paid.documents[0].state is DocumentState.REGISTERED
    paper = "\n".join(rig.lines)
    result = paid.documents[0].result
    assert result is not None
    assert f"[QR] {result.evidence['qr']}" in paper
    assert "ФІСКАЛЬНИЙ ЧЕК" in paper and GREEN.name in paper and "КОПІЯ" not in paper
    assert paper.index("ФІСКАЛЬНИЙ ЧЕК") < paper.index("[DRAWER 2]"), "no drawer before the number is known"
    assert not till.paper.waiting()


def test_iv_13_with_the_printer_off_the_sale_completes_and_its_paper_is_owed(rig: Rig) -> None:
    till = rig.open()
    rig.paper.unplug()
    before = len(rig.documents())
    paid = rig.sell(till)
    assert paid.state is ReceiptState.DONE
    (document,) = paid.documents
    assert document.state is DocumentState.NOT_PRINTED
    assert document.result is not None and str(document.result.evidence["qr"]).startswith("https://cabinet.tax.gov.ua/")
    assert [owed.id for owed in till.paper.waiting()] == [document.id]
    assert len(rig.documents()) == before + 1


def test_viii_2_paper_that_is_owed_comes_later_and_makes_no_second_document(rig: Rig) -> None:
    till = rig.open()
    rig.paper.set_paper(False)
    document = rig.sell(till).documents[0]
    registered = rig.documents()
    with pytest.raises(NotPrinted) as caught:
        till.paper.print(document.id)
    assert caught.value.trouble is Trouble.PAPER_OUT
    assert till.paper.waiting(), "it is owed until it came out"
    rig.lines.clear()
    rig.paper.set_paper(True)
    assert till.paper.print(document.id).state is DocumentState.REGISTERED
    assert not till.paper.waiting()
    assert rig.documents() == registered
    assert "КОПІЯ" not in [line.strip() for line in rig.lines], "nothing of it was printed before: it is the first one"
    till.paper.print(document.id)
    assert "КОПІЯ" in [line.strip() for line in rig.lines]
    assert rig.documents() == registered
    till.workplace.ledger.journal.verify(full=True)


def test_viii_2_paper_that_ends_in_the_middle_is_printed_again_as_a_copy(rig: Rig) -> None:
    till = rig.open()
    rig.printer.plan.add(Fault("F9", "line", nth=5))
    document = rig.sell(till).documents[0]
    assert document.state is DocumentState.NOT_PRINTED
    registered = rig.documents()
    rig.paper.set_paper(True)
    rig.lines.clear()
    till.paper.print(document.id)
    assert "КОПІЯ" in [line.strip() for line in rig.lines]
    assert rig.documents() == registered and not till.paper.waiting()


def test_viii_2_another_process_does_not_know_what_was_begun_and_says_copy(rig: Rig) -> None:
    till = rig.open()
    rig.paper.set_paper(False)
    document = rig.sell(till).documents[0]
    rig.paper.set_paper(True)
    till = rig.open()
    assert [owed.id for owed in till.paper.waiting()] == [document.id], "a killed till remembers what it owes"
    till.paper.print(document.id)
    assert "КОПІЯ" in [line.strip() for line in rig.lines]


def test_paper_that_nobody_wants_any_more(rig: Rig) -> None:
    till = rig.open()
    rig.paper.set_paper(False)
    document = rig.sell(till).documents[0]
    assert till.paper.forget(document.id).state is DocumentState.REGISTERED
    assert not till.paper.waiting()
    (record,) = till.workplace.ledger.audit.records(action="paper_forgotten")
    assert record.detail == {"document": str(document.id)}


def test_without_paper_is_remembered_by_the_workplace(rig: Rig) -> None:
    till = rig.open()
    till.paper.choose(False)
    rig.lines.clear()
    document = rig.sell(till).documents[0]
    assert document.state is DocumentState.REGISTERED, "nothing is owed"
    assert rig.lines == ["[DRAWER 2]"]
    till = rig.open()
    assert not till.paper.wanted
    rig.sell(till)
    assert rig.lines == ["[DRAWER 2]"] * 2, "the next start leaves it to the screen too"
    till.paper.print(rig.sell(till).documents[0].id)
    assert "ФІСКАЛЬНИЙ ЧЕК" in [line.strip() for line in rig.lines]
    assert "КОПІЯ" not in [line.strip() for line in rig.lines]
    till.paper.choose(True)
    rig.lines.clear()
    rig.sell(till)
    assert "ФІСКАЛЬНИЙ ЧЕК" in [line.strip() for line in rig.lines]


def test_without_a_printer_there_is_nothing_to_ask_for(rig: Rig) -> None:
    till = rig.open(printer="")
    document = rig.sell(till).documents[0]
    assert document.state is DocumentState.REGISTERED
    assert not till.paper.prints(document)
    with pytest.raises(Refusal, match="NO_PRINTER"):
        till.paper.print(document.id)


def test_a_printer_never_blocks_a_software_registrar(rig: Rig) -> None:
    till = rig.open()
    binding = till.workplace.main_binding()
    rig.paper.set_cover(True)
    assert rig.sell(till).documents[0].state is DocumentState.NOT_PRINTED
    status = till.workplace.desk(binding).access.call(lambda registrar: registrar.status())
    assert status.cover_open and not status.blocks
    checks = till.checklist.run(binding)
    assert checks.line("printer").colour.value != "green" and not checks.line("printer").blocks
    assert checks.action == "continue"


def test_iv_14_a_customers_card_and_name_are_in_no_byte_that_leaves_the_till(rig: Rig) -> None:
    """No delivery channel is built in, so no screen asks for an address; what is known of a buyer stays here too."""
    till = rig.open()
    ledger = till.workplace.ledger
    customer = ledger.goods.add_customer("0671234567", "Покупчиня Таємна buyer@example.test", 500)
    till.sale.customer(customer)
    paid = rig.sell(till)
    assert paid.receipt.customer_id == customer.id
    assert paid.receipt.total < GREEN.price, "the till did know the buyer: the card's discount counts"
    for text in ("0671234567", "Таємна", "buyer@example.test"):
        for codec in ("utf-8", "cp1251", "utf-16-le"):
            assert text.encode(codec) not in rig.sent
    for text in ("Молоко", "Ковальчук"):
        assert rig.sent.count(text.encode("cp1251")) >= 2, "the document and the paper are in what was searched"


def test_receipts_as_files(rig: Rig, tmp_path: Path) -> None:
    till = rig.open(receipts=str(tmp_path / "files"), receipt_pictures=True)
    result = rig.sell(till).documents[0].result
    assert result is not None
    text, picture = sorted((tmp_path / "files").iterdir(), key=lambda path: path.suffix, reverse=True)
    assert result.number in text.name and str(result.evidence["qr"]) in text.read_text(encoding="utf-8")
    zxingcpp = pytest.importorskip("zxingcpp")
    from PIL import Image

    with Image.open(picture) as image:
        (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert found.text == result.evidence["qr"]


def test_a_full_disk_loses_the_file_and_nothing_else(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no folder")
    till = rig.open(receipts=str(tmp_path / "files"))
    assert rig.sell(till).documents[0].state is DocumentState.REGISTERED


def test_the_workplaces_printer_goes_to_software_registrars_only() -> None:
    settings = Settings(printer="escpos+tcp://10.0.0.9:9100?profile=star", receipts="/srv/чеки")
    assert with_paper("datecs+serial:///dev/x?cap=5", settings) == "datecs+serial:///dev/x?cap=5"
    url = with_paper("prro+https://fs.tax.gov.ua:8643/fs?fn=4000123456", settings)
    assert "&printer=escpos%2Btcp%3A%2F%2F10.0.0.9%3A9100%3Fprofile%3Dstar&files=" in url
    own = "prro+https://fs.tax.gov.ua:8643/fs?fn=4000123456&tape=/x"
    assert "printer=" not in with_paper(own, settings)
