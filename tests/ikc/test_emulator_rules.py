"""The device's own rules, one by one (ikc.md §4-6, §8; emulators.md §2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.ikc.emulator.machine import IkcMachine
from tests.ikc.emulator_host import CLOSE, PASSWORD, Host, counted, direct, item, tender, virtual

BIT31 = 1 << 31


@pytest.fixture
def machine(tmp_path: Path) -> IkcMachine:
    return virtual(tmp_path, cash=100_000)


@pytest.fixture
def host(machine: IkcMachine) -> Host:
    host = Host(direct(machine))
    host.login()
    return host


def ready(machine: IkcMachine) -> Host:
    host = Host(direct(machine))
    host.login()
    return host


def tape(machine: IkcMachine) -> str:
    return "\n".join(machine.printer.tape.lines)


# -- who is there -------------------------------------------------------------------------------------------------


def test_status(host: Host) -> None:
    reply = host.done(0)
    assert reply.reserve == 0x10
    assert reply.data[:2] == b"\0\0"
    assert reply.data[2:21].decode("cp866") == "IK00012345 01-01-20"
    assert reply.data[21:26] == bytes.fromhex("01 01 20 09 00")
    assert reply.data[26:36] == b"3000012345"
    rest, texts = reply.data[36:], []
    for _ in range(4):
        texts.append(rest[1 : 1 + rest[0]].decode("cp866"))
        rest = rest[1 + rest[0] :]
    assert texts[3] == "ПН 123456789012" and all(texts)
    assert rest.decode("cp866") == "ЕП-09"


def test_clock(tmp_path: Path, machine: IkcMachine, host: Host) -> None:
    assert host.done(3).data[:2] == bytes.fromhex("10 15")
    host.done(4, bytes.fromhex("11 20 30"))
    assert host.done(3).data[:2] == bytes.fromhex("11 20")
    for wrong in ("24 00 00", "1A 00 00", "00 60 00"):
        host.refused(30, 4, bytes.fromhex(wrong))
    host.refused(16, 2, bytes.fromhex("25 11 26"))
    host.sale()
    host.refused(41, 4, bytes.fromhex("12 00 00"))
    host.done(13, PASSWORD)
    host.refused(36, 4, bytes.fromhex("09 00 00"))
    jumper = ready(virtual(tmp_path / "jumper", jumper=1))
    jumper.done(2, bytes.fromhex("25 11 26"))
    assert jumper.done(1).data == bytes.fromhex("25 11 26")
    jumper.refused(30, 2, bytes.fromhex("31 02 26"))


def test_a_clock_before_the_last_z_blocks_all_but_the_clock(tmp_path: Path) -> None:
    machine = virtual(tmp_path, jumper=1, cash=1000)
    host = ready(machine)
    host.done(13, PASSWORD)
    machine.advance_clock(-86_400)
    host.blocked(0x08, 18, item())
    host.blocked(0x08, 13, PASSWORD)
    host.blocked(0x08, 33)
    assert host.ask(1).data == bytes.fromhex("23 11 26")
    assert len(host.ask(42, b"\0").data) == 16
    assert host.ask(2, bytes.fromhex("25 11 26")).result == 0
    host.done(18, item())


def test_an_unknown_command(host: Host) -> None:
    for code in (28, 99, 200):
        host.blocked(0x80, code)


# -- receipts -----------------------------------------------------------------------------------------------------


def test_a_sale_needs_a_cashier(machine: IkcMachine, host: Host) -> None:
    host.done(6, PASSWORD + b"\0\0")
    host.refused(16, 18, item())
    host.refused(16, 16, (100).to_bytes(4, "little"))
    host.login()
    host.done(18, item())
    host.refused(44, 6, PASSWORD + b"\1" + counted("Інна".replace("І", "I")))


def test_passwords(machine: IkcMachine, host: Host) -> None:
    host.refused(21, 6, b"\1\0\0" + counted("Олена"))
    host.refused(22, 6, PASSWORD + b"\x08" + counted("Олена"))
    host.refused(20, 6, PASSWORD + b"\0" + counted("Х" * 16))
    host.done(5, PASSWORD + b"\x09" + (7777).to_bytes(2, "little"))
    host.refused(21, 13, PASSWORD)
    host.refused(21, 9, PASSWORD)
    host.done(13, (7777).to_bytes(2, "little"))


def test_the_receipt_opens_and_closes(machine: IkcMachine, host: Host) -> None:
    assert host.done(18, item()).reserve == 0x70
    assert host.done(18, item("Сіль".replace("і", "i"), 500, 1, tax=0x81, code=2)).number(4) == 3000
    current = host.done(43)
    assert len(current.data) == 65 and (current.number(0), current.number(4)) == (2500, 500)
    assert current.data[64] == 2 and current.number(6 * 4 + 3 * 4) == 0
    assert host.done(20, tender(1000, 0)).data == (2000).to_bytes(4, "little")
    assert host.done(43).number(6 * 4) == 1000
    for code, params in ((18, item(code=3)), (35, b"\1" + (100 | BIT31).to_bytes(4, "little") + b"\0")):
        host.refused(46, code, params)
    host.done(11, counted("після оплати".replace("і", "i")))
    last = host.done(20, tender(5000))
    assert (last.number(0), last.number(4), last.reserve) == (3000 | BIT31, 1, 0x30)
    host.refused(39, 15)
    host.refused(39, 20, CLOSE)
    registers = machine.registers()
    assert registers["sales_by_tax"] == {"А": 2500, "Б": 500}
    assert registers["sales_by_form"] == {"card": 1000, "cash": 2000}
    assert registers["drawer"] == 102_000
    assert "Хлеб" in tape(machine) and "25.00 А" in tape(machine) and "ФІСКАЛЬНИЙ ЧЕК" in tape(machine)


def test_payment_rules(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.refused(24, 20, tender(2500, 10))
    host.refused(43, 20, tender(2501, 0))
    host.refused(22, 20, tender(0))
    host.refused(24, 20, tender(2499, closing=True))
    assert host.done(20, tender(3000, closing=True)).number(0) == 500 | BIT31
    assert machine.registers()["sales_turnover"] == 2500


def test_the_rest_by_bit_31(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(20, tender(2000))
    reply = host.done(20, tender(0, 0, closing=True, text="ПриватБанк\nRRN 123456789012".replace("і", "i")))
    assert reply.number(0) == 0 and reply.number(4) == 1
    assert machine.registers()["sales_by_form"] == {"card": 500, "cash": 2000}
    assert "RRN 123456789012" in tape(machine)


def test_zero_receipt(machine: IkcMachine, host: Host) -> None:
    host.refused(39, 15)
    assert host.done(11, counted("НУЛЬОВИЙ ЧЕК")).reserve == 0x70
    assert host.done(20, CLOSE).number(4) == 1
    assert [entry["amount"] for entry in machine.registers()["journal"]] == [0]


def test_a_service_close_is_not_booked(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(20, tender(closing=True, service=True))
    registers = machine.registers()
    assert (registers["sales_turnover"], registers["drawer"]) == (0, 100_000)
    assert registers["journal"][0]["kind"] == "NONFISCAL" and "СЛУЖБОВИЙ ЧЕК" in tape(machine)


def test_cancel(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(20, tender(1000))
    assert host.done(15).reserve == 0x10
    registers = machine.registers()
    assert (registers["sales_turnover"], registers["journal"], registers["drawer"]) == (0, [], 100_000)
    assert "НЕДІЙСНИЙ ЧЕК" in tape(machine)
    assert host.done(42, b"\2").data[:6] == b"\1\0" + (2500).to_bytes(4, "little")


def test_void(machine: IkcMachine, host: Host) -> None:
    host.refused(27, 18, item(price=1250 | BIT31))
    host.done(18, item())
    reply = host.done(18, item(price=1250 | BIT31, quantity=1))
    assert (reply.number(0), reply.number(4)) == (1250 | BIT31, 1250)
    host.refused(27, 18, item(price=1250 | BIT31, quantity=2))
    host.done(20, CLOSE)
    assert machine.registers()["sales_turnover"] == 1250


def test_quantity_and_sums(host: Host) -> None:
    host.refused(22, 18, item(quantity=0))
    host.refused(22, 18, item(decimals=4))
    host.refused(32, 18, item(price=BIT31 - 1, quantity=2))
    host.refused(23, 18, item(tax=0x84))
    host.refused(23, 18, item(tax=0x86))
    host.refused(23, 18, item(tax=0x00))
    host.refused(25, 18, item().replace("Хлеб".encode("cp866"), b"\x1fabc"))
    host.done(18, item(tax=0x85))
    assert host.done(18, item(price=333, quantity=1500, decimals=3, code=5)).number(0) == 500


def test_names_and_articles(tmp_path: Path, machine: IkcMachine, host: Host) -> None:
    host.done(18, item("Х" * 75, code=1))
    host.refused(28, 18, item("Хлеб", code=1))
    host.done(20, CLOSE)
    host.refused(28, 18, item("Хлеб", code=1))
    host.refused(28, 18, item("Х" * 75, price=1300, code=1))
    host.refused(28, 18, item("Х" * 75, tax=0x81, code=1))
    record = host.done(41, (1).to_bytes(6, "little")).data
    assert record[0] == 75 and record[76:80] == (2000).to_bytes(4, "little") and record[84] == 0x80
    assert record[85:] == (2500).to_bytes(4, "little") + bytes(4)
    stored = item("", code=1)
    host.done(18, stored[:9] + b"\xff" + stored[10:])
    host.refused(22, 18, item("", code=2)[:9] + b"\xff" + (2).to_bytes(6, "little"))
    host.done(15)
    host.done(13, PASSWORD)
    host.refused(22, 41, (1).to_bytes(6, "little"))
    host.done(18, item("Хлеб", code=1))
    small = ready(virtual(tmp_path / "small", capacity=1))
    small.done(18, item(code=1))
    small.refused(40, 18, item(code=2))


def test_programmed_articles_stay(host: Host) -> None:
    text = counted("Кава")
    record = b"\0" + (4500).to_bytes(4, "little") + b"\x81" + text
    host.refused(21, 34, b"\1\0" + record + (9).to_bytes(4, "little"))
    host.refused(20, 34, PASSWORD + record + (9).to_bytes(5, "little"))
    host.done(34, PASSWORD + record + (9).to_bytes(4, "little"))
    host.done(34, PASSWORD + record + (9).to_bytes(6, "little"))
    host.done(18, item("Кава", 4500, tax=0x81, code=9))
    host.done(20, CLOSE)
    host.refused(28, 34, PASSWORD + b"\0" + (4600).to_bytes(4, "little") + b"\x81" + text + (9).to_bytes(4, "little"))
    host.done(13, PASSWORD)
    assert host.done(41, (9).to_bytes(6, "little")).data[1:5].decode("cp866") == "Кава"


@pytest.mark.parametrize(
    ("kind", "value", "change", "left"),
    [
        (0, 10 | 2 << 24 | BIT31, 500, 7000),
        (0, 125 | 3 << 24 | BIT31, 625, 6875),
        (1, 100 | BIT31, 100, 7400),
        (1, 100, -100, 7600),
        (2, 10 | 2 << 24 | BIT31, 750, 6750),
        (3, 7500 | BIT31, 7500, 0),
    ],
)
def test_discounts(machine: IkcMachine, host: Host, kind: int, value: int, change: int, left: int) -> None:
    host.done(18, item())
    host.done(18, item("Чай", 5000, 1, tax=0x81, code=2))
    reply = host.done(35, bytes([kind]) + value.to_bytes(4, "little") + counted("Акцiя"))
    assert reply.number(0) == (change | BIT31 if change > 0 else -change) and reply.number(4) == left
    host.done(20, CLOSE)
    registers = machine.registers()
    assert registers["sales_turnover"] == left
    if kind == 2:
        assert registers["sales_by_tax"] == {"А": 2250, "Б": 4500}
    day = host.done(42)
    assert (day.number(66), day.number(70)) == ((-change, 0) if change < 0 else (0, change))


def test_discount_rules(host: Host) -> None:
    def change(kind: int, value: int, text: str = "") -> bytes:
        return bytes([kind]) + value.to_bytes(4, "little") + counted(text)

    host.refused(39, 35, change(0, 10 | 2 << 24))
    host.done(11, counted("без товару"))
    host.refused(45, 35, change(3, 10 | BIT31))
    host.done(18, item())
    host.refused(27, 35, change(1, 2501 | BIT31))
    host.refused(27, 35, change(2, 101 | 2 << 24 | BIT31))
    host.refused(22, 35, change(0, 10 | 1 << 24 | BIT31))
    host.refused(22, 35, change(4, 10))
    host.refused(20, 35, change(1, 10, "Д" * 26))
    assert host.done(35, change(0, 100 | 2 << 24 | BIT31)).number(4) == 0
    host.done(20, CLOSE)


def test_payout(machine: IkcMachine, host: Host) -> None:
    assert host.done(11, counted("ВИДАТКОВИЙ ЧЕК", 0x80)).reserve == 0x78
    host.refused(37, 11, counted("ще один", 0x80))
    host.refused(37, 18, item())
    host.done(8, item())
    host.refused(43, 20, tender(2501))
    host.done(20, CLOSE)
    registers = machine.registers()
    assert (registers["refunds_turnover"], registers["drawer"]) == (2500, 97_500)
    host.done(18, item())
    host.refused(38, 8, item())
    host.refused(38, 11, counted("видатковий", 0x80))
    host.done(15)
    assert host.done(8, item()).reserve & 0x08


def test_more_than_the_drawer_holds(machine: IkcMachine, host: Host) -> None:
    host.refused(35, 24, (100_001).to_bytes(4, "little"))
    host.done(8, item(price=100_001, quantity=1, code=7))
    host.refused(35, 20, CLOSE)
    host.done(20, tender(0, 0, closing=True))
    assert machine.registers()["drawer"] == 100_000
    host.done(24, (100_000).to_bytes(4, "little"))
    assert host.done(33).data == bytes(5)


def test_cash(machine: IkcMachine, host: Host) -> None:
    host.refused(22, 16, bytes(4))
    assert host.done(16, (700).to_bytes(4, "little")).number(0) == 1
    assert host.done(24, (300).to_bytes(4, "little")).number(0) == 2
    assert host.done(33).data == (100_400).to_bytes(5, "little")
    assert (machine.registers()["cash_in"], machine.registers()["cash_out"]) == (700, 300)
    host.done(18, item())
    host.refused(44, 16, (700).to_bytes(4, "little"))


# -- days ---------------------------------------------------------------------------------------------------------


def test_day_data(host: Host) -> None:
    host.sale()
    host.payout()
    host.done(16, (700).to_bytes(4, "little"))
    host.done(24, (300).to_bytes(4, "little"))
    day = host.done(42)
    assert len(day.data) == 156
    for start, cash in ((0, 700), (78, 300)):
        assert day.number(start, 2) == 1 and day.number(start + 2) == 2500
        assert day.number(start + 2 + 24 + 12) == 2500 and day.number(start + 74) == cash
    counts = host.done(42, b"\0").data
    assert counts[:6] == bytes.fromhex("0000 0100 0100")
    assert counts[6:11] == bytes.fromhex("25 11 26 10 15") and counts[11:14] == bytes(3)
    assert len(host.done(42, b"\1").data) == 48
    host.refused(22, 42, b"\3")


def test_z(machine: IkcMachine, host: Host) -> None:
    host.sale()
    host.payout()
    host.done(18, item())
    for code in (9, 13):
        host.refused(44, code, PASSWORD)
    host.done(15)
    assert host.done(9, PASSWORD).data == b"" and machine.registers()["sales_turnover"] == 2500
    assert host.done(13, PASSWORD).number(0) == 3
    registers = machine.registers()
    assert (registers["z_number"], registers["sales_turnover"], registers["refunds_turnover"]) == (1, 0, 0)
    assert [entry["kind"] for entry in registers["journal"]] == ["SALE", "REFUND", "Z"]
    assert host.done(42, b"\0").data[:6] == bytes.fromhex("0100 0000 0000")
    period = bytes.fromhex("24 11 26 24 11 26")
    for code, params in ((17, period), (26, period), (31, bytes.fromhex("0100 0100"))):
        before = len(tape(machine))
        host.done(code, PASSWORD + params)
        assert "25.00" in tape(machine)[before:]
    host.refused(30, 17, PASSWORD + bytes.fromhex("25 11 26 24 11 26"))
    host.refused(30, 17, PASSWORD + bytes.fromhex("32 11 26 24 11 26"))
    host.refused(22, 31, PASSWORD + bytes.fromhex("0200 0100"))


def test_twenty_four_hours(tmp_path: Path, machine: IkcMachine, host: Host) -> None:
    host.sale()
    machine.advance_clock(86_300)
    host.done(18, item())
    machine.advance_clock(200)
    host.done(20, CLOSE)
    for code, params in ((18, item()), (16, b"\1\0\0\0"), (9, PASSWORD), (33, b""), (15, b""), (1, b"")):
        host.blocked(0x20, code, params)
    for code in (0, 42, 43):
        assert host.ask(code).status == 0x20 and host.ask(code).data
    assert host.ask(53, PASSWORD + b"\1\0\4").data
    assert host.ask(13, PASSWORD).result == 0
    host.sale()
    kind = virtual(tmp_path / "kind", x_when_expired=1)
    other = ready(kind)
    other.sale()
    kind.advance_clock(86_500)
    assert other.ask(9, PASSWORD).result == 0 and len(other.ask(33).data) == 5
    other.blocked(0x20, 18, item())


def test_seventy_two_hours(machine: IkcMachine, host: Host) -> None:
    machine.set_link(False)
    host.sale()
    result, state = host.modem(4)
    assert (result, len(state)) == (0, 27)
    assert state[:5] == bytes.fromhex("24 11 26 10 15")
    assert [int.from_bytes(state[start : start + 4], "little") for start in (6, 10, 14)] == [1, 1, 0]
    host.done(13, PASSWORD)
    machine.advance_clock(72 * 3600 - 60)
    host.done(18, item())
    machine.advance_clock(120)
    host.done(20, CLOSE)
    for code, params in ((18, item()), (8, item()), (11, counted("нуль")), (16, b"\1\0\0\0"), (24, b"\1\0\0\0")):
        host.refused(47, code, params)
    host.done(9, PASSWORD)
    host.done(33)
    host.done(13, PASSWORD)
    assert host.modem(1) == (254, b"")
    machine.set_link(True)
    assert host.modem(2) == (0, b"")
    assert host.modem(4)[1][:6] == bytes(6)
    host.sale()


def test_unfiscalised_and_unpersonalised(tmp_path: Path) -> None:
    host = ready(virtual(tmp_path / "one", unfiscalised=1))
    assert host.done(0).reserve == 0
    host.refused(42, 18, item())
    host.refused(42, 13, PASSWORD)
    host = ready(virtual(tmp_path / "two", unpersonalised=1))
    assert host.done(0).reserve == 0x90
    host.refused(10, 18, item())
    host.done(9, PASSWORD)


# -- the rest -----------------------------------------------------------------------------------------------------


def test_modem(machine: IkcMachine, host: Host) -> None:
    host.refused(21, 53, b"\1\0\1\0\1")
    host.refused(20, 53, PASSWORD + b"\2\0\1")
    host.sale()
    host.payout()
    host.sale()
    assert host.modem(9, bytes.fromhex("0000 01 0200")) == (0, (3).to_bytes(4, "little"))
    assert host.modem(9, bytes.fromhex("0100 02 0100")) == (0, (2).to_bytes(4, "little"))
    assert host.modem(9, bytes.fromhex("0000 01 0300"))[0] != 0
    result, block = host.modem(3, (1).to_bytes(4, "little") + bytes(2))
    assert result == 0 and len(block) == 128
    assert host.modem(3, (9).to_bytes(4, "little") + bytes(2))[0] != 0
    assert host.modem(77)[0] != 0 and host.modem(8)[0] == 0
    assert host.modem(5)[1].decode("cp866")
    host.done(13, PASSWORD)
    assert host.modem(9, bytes.fromhex("0100 01 0200")) == (0, (3).to_bytes(4, "little"))
    assert host.modem(9, bytes.fromhex("0000 01 0100"))[0] != 0
    host.done(18, item())
    assert host.modem(1)[0] == 251


def test_service_report(machine: IkcMachine, host: Host) -> None:
    host.refused(39, 40, b"\xff")
    assert host.done(40, counted("Товарний чек")).reserve & 0x01
    host.refused(44, 18, item())
    host.refused(44, 13, PASSWORD)
    host.done(40, b"\xfe" + b"4820000000000")
    host.refused(20, 40, counted("Х" * 39))
    assert not host.done(40, b"\xff").reserve & 0x01
    assert "Товарний чек" in tape(machine) and "СЛУЖБОВИЙ ЧЕК" in tape(machine)
    assert machine.registers()["journal"] == []
    host.done(18, item())
    host.refused(44, 40, counted("рядок"))


def test_texts(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(11, counted("К" * 27))
    host.refused(20, 11, counted("К" * 28))
    host.refused(25, 11, b"\1\x07")
    host.done(23, b"\0" + counted("Дякуємо!", 0xC0))
    host.refused(22, 23, b"\x08" + counted("ні".replace("і", "i")))
    host.done(20, CLOSE)
    assert "К" * 27 in tape(machine) and "Дякуємо!" in tape(machine)


def test_display_drawer_paper_copy(tmp_path: Path, machine: IkcMachine, host: Host) -> None:
    host.done(27, b"\0" + counted("Разом"))
    host.done(27, b"\1" + counted("25.00"))
    host.refused(22, 27, b"\2" + counted("?"))
    host.refused(20, 27, b"\1" + counted("1" * 21))
    assert machine.registers()["display"] == ["Разом", "25.00"]
    host.done(29)
    host.done(29, b"\x32")
    assert machine.printer.drawer_opened == 2
    assert host.done(48).data == b"\0"
    host.refused(22, 30)
    host.sale()
    before = tape(machine)
    host.done(30)
    host.done(30, (1).to_bytes(4, "little"))
    host.refused(22, 30, (2).to_bytes(4, "little"))
    assert tape(machine)[len(before) :].count("КОПІЯ") == 2 and "#DOC" not in tape(machine)[len(before) :]
    for code in (14, 36, 46, 32, 10, 44):
        host.done(code, PASSWORD if code == 10 else b"")
    assert host.done(44).data[0] == 4 and host.done(44).number(4, 2) == 2000
    worn = ready(virtual(tmp_path / "worn", near_end=1))
    assert worn.done(48).data == b"\x08"


def test_no_paper_blocks_all_but_a_few(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    machine.set_paper(False)
    for code, params in ((18, item()), (20, CLOSE), (15, b""), (33, b""), (48, b""), (13, PASSWORD)):
        assert host.blocked(0x01, code, params).reserve == 0x74
    assert host.ask(43).number(0) == 2500
    machine.set_paper(True)
    machine.set_cover(True)
    assert host.blocked(0x01, 20, CLOSE).reserve == 0x70
    machine.set_cover(False)
    host.done(20, CLOSE)


def test_a_short_and_a_long_qr(machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(55, b"\x05\0hello")
    host.refused(20, 55, b"\x06\0hello")
    assert "[QR hello]" in tape(machine)
    ask = direct(machine)
    from tests.ikc.emulator_host import frame, split

    text = bytes(range(33, 127)) * 6
    assert ask(frame(0x70, 55, len(text).to_bytes(2, "little"))) == b"\x06\x05"
    blocks = [text[start : start + 64].ljust(64, b"\0") for start in range(0, len(text), 64)]
    for place, block in enumerate(blocks):
        good = block + bytes([-sum(block) & 0xFF])
        if place == 1:
            assert ask(good[:-1] + bytes([good[-1] ^ 1])) == b"\x15"
        assert ask(good[:10]) == b""
        answer = ask(good[10:])
        if place < len(blocks) - 1:
            assert answer == b"\x06\x05"
    assert answer[:1] == b"\x06" and split(answer[1:], 0x70, 55).result == 0
    assert f"[QR {text.decode()}]" in tape(machine)
    assert host.done(20, CLOSE).number(4) == 1


def test_the_same_num_and_code_is_not_executed_again(machine: IkcMachine, host: Host) -> None:
    first = host.sale()
    host.num -= 1
    assert host.ask(20, tender(3000)) == first
    host.num -= 1
    assert host.ask(18, item()).reserve & 0x40
    assert len(machine.registers()["journal"]) == 1


# -- what survives ------------------------------------------------------------------------------------------------


def test_power_loss(tmp_path: Path, machine: IkcMachine, host: Host) -> None:
    host.done(18, item())
    host.done(20, tender(1000))
    machine.power_off()
    machine.power_on()
    assert host.done(43).number(6 * 4 + 3 * 4) == 1000
    assert host.ask(43).reserve & 0x40
    host.num -= 1
    host.refused(46, 18, item())
    host.done(20, CLOSE)
    host.refused(16, 18, item())
    assert "ПАДІННЯ НАПРУГИ" in tape(machine)
    again = virtual(tmp_path, cash=5, serial="IGNORED")
    assert again.registers() == machine.registers()
    assert json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))["packet"] == 1


def test_a_foreign_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"books": {}, "packet": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match="not the memory"):
        virtual(tmp_path)


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"firmware": "ЕП-99"}, {"cash": "much"}])
def test_wrong_options(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        virtual(tmp_path, None, **wrong)
