"""What the virtual Krypton allows, counts and refuses (datecs-krypton.md §4-6, §8; emulators.md §2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.krypton.emulator.machine import KryptonMachine
from tests.krypton.client import Host, direct
from tests.krypton.conftest import Make


@pytest.fixture
def stocked(host: Host) -> Host:
    host.article(100, "Хліб", 0)
    host.article(200, "Сіль", 1)
    return host


def test_a_sale_with_everything(machine: KryptonMachine, stocked: Host, tmp_path: Path) -> None:
    assert stocked.done(0x25, "100;") == ["000001"]
    opened = stocked.ask(0x63, "01;01;0;")
    assert opened.state == 2
    assert stocked.done(0x64, "100;2.000;12.50;") == ["25.00", "25.00"]
    assert stocked.done(0x69, "-1.50;") == ["23.50", "23.50"]
    assert stocked.done(0x64, "200;0.333;10.00;") == ["3.33", "26.83"]
    assert stocked.done(0x68, "+10.00;") == ["3.66", "27.16"]
    assert stocked.done(0x61, "Марка ABC123456;") == []
    assert stocked.done(0xE1, "3;1;") == ["27.16"]
    total = stocked.ask(0x6D, "0;")
    assert (total.fields, total.state) == (["27.16"], 3)
    assert stocked.done(0x67, "1;20.00;") == ["7.16"]
    assert stocked.done(0x67, "0;10.00;") == ["2.84"]
    closed = stocked.ask(0x65, "1;")
    assert (closed.fields, closed.state, closed.status[1]) == (["1"], 0, 0xC0)
    registers = machine.registers()
    assert registers["sales_by_tax"] == {"А": 2350, "Б": 366}
    assert registers["sales_by_form"] == {"card": 2000, "cash": 716}
    assert (registers["drawer"], registers["sales_turnover"]) == (100_716, 2716)
    assert stocked.done(0xE0, "0;0;0;") == ["23.50", "0.00"]
    assert stocked.done(0xE0, "1;0;0;") == ["3.92", "0.00"]
    assert stocked.done(0xE0, "2;1;0;") == ["20.00", "0.00"]
    assert stocked.done(0xE0, "3;0;0;") == ["1007.16", "0.00"]
    tape = (tmp_path / "tape.txt").read_text(encoding="utf-8")
    assert "ФІСКАЛЬНИЙ ЧЕК" in tape
    assert "Марка ABC123456" in tape
    assert "#DOC 0001 SALE 27.16 CARD 20.00 CASH 7.16 2026-11-24T10:15" in tape


def test_a_return_takes_from_the_drawer(machine: KryptonMachine, stocked: Host) -> None:
    assert stocked.ask(0x63, "01;01;1;").state == 0x12
    stocked.done(0x64, "100;1.000;25.00;")
    stocked.done(0x6D, "0;")
    stocked.refused(0x67, "0;26.00;", "0A0B")
    assert stocked.done(0x67, "0;25.00;") == ["0.00"]
    assert stocked.done(0x65, "1;") == ["1"]
    registers = machine.registers()
    assert (registers["refunds_turnover"], registers["drawer"]) == (2500, 97_500)
    assert stocked.done(0xE0, "0;0;0;") == ["0.00", "-25.00"]
    assert [stocked.done(0xE2, f"{number};") for number in (0, 1, 2, 3, 5)] == [["0"], ["0"], ["1"], ["1"], ["1"]]


def test_zero_receipt_and_texts(machine: KryptonMachine, stocked: Host) -> None:
    stocked.done(0x63, "01;01;0;")
    stocked.done(0x6D, "0;")
    stocked.refused(0x65, "1;", "000B")
    assert stocked.done(0x67, "0;0.00;") == ["0.00"]
    assert stocked.done(0x65, "1;") == ["1"]
    assert stocked.ask(0x60).state == 1
    stocked.done(0x61, "рядок;")
    assert stocked.done(0x65, "0;") == ["2"]
    assert machine.registers()["sales_turnover"] == 0
    assert "СЛУЖБОВИЙ ЧЕК" in "\n".join(machine.printer.tape.lines)


def test_wrong_order_changes_nothing(stocked: Host) -> None:
    for cmd, fields in (
        (0x64, "100;1.000;1.00;"),
        (0x61, "x;"),
        (0x6D, "0;"),
        (0x67, "0;1.00;"),
        (0x65, "1;"),
        (0x6B, "0;"),
        (0x68, "1.00;"),
        (0x84, "0;"),
        (0xA2, "010126;010126;0;"),
    ):
        stocked.refused(cmd, fields, "000B")
    stocked.done(0x63, "01;01;0;")
    for cmd, fields in (
        (0x63, "01;01;0;"),
        (0x60, ""),
        (0xA1, "0;"),
        (0xA1, "1;"),
        (0x6E, "1;1.00;"),
        (0x67, "0;1.00;"),
        (0x20, "241126;1020;"),
        (0x69, "-1.00;"),
    ):
        stocked.refused(cmd, fields, "000B")
    stocked.done(0x64, "100;1.000;10.00;")
    stocked.done(0x6D, "0;")
    stocked.refused(0x64, "100;1.000;1.00;", "000B")
    stocked.refused(0x65, "1;", "000B")
    assert stocked.done(0x67, "0;4.00;") == ["6.00"]
    stocked.refused(0x65, "1;", "000B")
    stocked.done(0x6B, "0;")
    assert stocked.ask(0x80).state == 0
    assert stocked.done(0xE2, "3;") == ["0"]


def test_line_and_payment_errors(stocked: Host) -> None:
    stocked.done(0x63, "01;01;0;")
    stocked.refused(0x64, "999;1.000;1.00;", "020A")
    stocked.refused(0x64, "100;0.000;1.00;", "0F0B")
    stocked.refused(0x64, "100;1.000;0.00;", "100B")
    stocked.refused(0x64, "100;999999.999;99999999.99;", "0C0B")
    stocked.refused(0x64, "100;1,5;1.00;", "0203")
    stocked.refused(0x64, "100;1.000;", "0303")
    stocked.refused(0x64, "100;1.000;1.00;5;", "0403")
    stocked.refused(0x64, "100;1.000;1.00", "0303")
    stocked.done(0x64, "100;1.000;10.00;")
    stocked.refused(0x69, "-10.01;", "0B0B")
    stocked.refused(0x68, "-100.00;", "0B0B")
    stocked.done(0x6D, "0;")
    stocked.refused(0x67, "1;10.01;", "0A0B")
    stocked.refused(0x67, "9;1.00;", "090B")
    stocked.refused(0x67, "10;1.00;", "0104")
    stocked.refused(0x67, "0;0.00;", "0204")
    stocked.refused(0x67, "0;-1.00;", "0204")
    stocked.done(0x67, "1;10.00;")
    stocked.refused(0x67, "1;1.00;", "000B")
    assert stocked.done(0x65, "1;") == ["1"]


def test_commands_and_passwords(host: Host, machine: KryptonMachine) -> None:
    host.refused(0x4A, "X;", "0002")
    stranger = Host(direct(machine), password="123456")
    for _ in range(5):
        stranger.seq += 7
        stranger.refused(0xE2, "3;", "0006")
    assert host.ask(0xE2, "3;").code == "0000"
    machine.afflict("F17")
    host.refused(0x80, "", "0006")
    machine.later("password")
    assert host.ask(0x80).code == "0000"


def test_articles_are_locked_by_turnover_until_z(machine: KryptonMachine, stocked: Host) -> None:
    stocked.article(100, "Хліб білий", 0)
    stocked.sale()
    stocked.refused(0x24, "100;Хліб;0;1;00;шт;", "040A")
    stocked.refused(0x24, "100;Хліб білий;1;1;00;шт;", "040A")
    stocked.article(100, "Хліб білий", 0)
    stocked.refused(0x24, "300;Сок;4;1;00;шт;", "050A")
    stocked.refused(0x24, "300;Сок;5;1;00;шт;", "0304")
    stocked.refused(0x24, f"300;{'x' * 76};0;1;00;шт;", "0203")
    stocked.refused(0x24, "0;Сок;0;1;00;шт;", "0104")
    stocked.article(10000000000250, "Сок", 0)
    stocked.done(0xA1, "0;")
    stocked.article(100, "Хліб", 1)
    assert stocked.done(0xE2, "0;") == ["1"]
    assert machine.registers()["articles"] == 3


def test_an_article_of_an_open_receipt_is_locked(stocked: Host) -> None:
    stocked.done(0x63, "01;01;0;")
    stocked.done(0x64, "100;1.000;10.00;")
    stocked.refused(0x24, "100;Сіль;1;1;00;шт;", "040A")


def test_table_of_articles_has_an_end(make: Make) -> None:
    host = Host(direct(make(capacity=1)))
    host.article(1)
    host.refused(0x24, "2;Сіль;0;1;00;шт;", "000A")
    assert host.done(0x80)[5] == "0"


def test_cash(machine: KryptonMachine, host: Host) -> None:
    asked = host.ask(0x6E, "1;0.00;")
    assert (asked.fields, asked.status[1]) == (["1000.00"], 0x80)
    assert host.done(0x6E, "1;50.00;") == ["1050.00"]
    assert host.done(0x6E, "1;-1050.00;") == ["0.00"]
    host.refused(0x6E, "1;-0.01;", "080B")
    assert host.done(0xE0, "3;1;0;") == ["50.00", "-1050.00"]
    host.article()
    host.done(0x63, "01;01;1;")
    host.done(0x64, "100;1.000;1.00;")
    host.done(0x6D, "0;")
    host.refused(0x67, "0;1.00;", "080B")
    host.done(0x6B, "0;")
    assert [entry["kind"] for entry in machine.registers()["journal"]] == ["CASH_IN", "CASH_OUT"]


def test_z_resets_the_day_and_keeps_the_memory(machine: KryptonMachine, stocked: Host) -> None:
    stocked.sale()
    stocked.done(0xA1, "1;")
    assert machine.registers()["sales_turnover"] == 2500
    stocked.done(0xA1, "0;")
    registers = machine.registers()
    assert (registers["sales_turnover"], registers["z_number"], registers["drawer"]) == (0, 1, 102_500)
    assert machine.printer.books.z_list[0]["sold"] == {"А": 2500}
    assert stocked.done(0xE2, "3;") == ["1"]
    for report in (0xA2, 0xA3, 0xA4, 0xA5):
        stocked.done(0x60)
        fields = {0xA2: "010126;311226;1;", 0xA3: "1;1;0;", 0xA4: "0;999999;", 0xA5: "1;1;"}[report]
        stocked.done(report, fields)
        stocked.done(0x65, "0;")
    stocked.done(0x60)
    stocked.refused(0xA5, "77;99;", "070B")
    stocked.refused(0xA2, "310226;010126;0;", "0C05")
    stocked.done(0x84, "0;")
    stocked.done(0x65, "0;")


def test_after_24_hours_only_reports_and_reads(machine: KryptonMachine, stocked: Host) -> None:
    stocked.sale()
    stocked.done(0x63, "01;01;0;")
    machine.advance_clock(24 * 3600 + 1)
    for cmd, fields in ((0x64, "100;1.000;1.00;"), (0x6D, "0;"), (0x67, "0;1.00;"), (0x65, "1;")):
        stocked.done(cmd, fields)
    stocked.refused(0x63, "01;01;0;", "0905")
    stocked.refused(0x6E, "1;1.00;", "0905")
    for cmd, fields in ((0x6E, "1;0.00;"), (0xA1, "1;"), (0xE2, "3;"), (0xEA, "0;"), (0x83, "")):
        stocked.done(cmd, fields)
    stocked.done(0xA1, "0;")
    stocked.sale()


def test_midnight_by_option(make: Make) -> None:
    machine = make(midnight=1, clock="2026-11-24T23:00:00")
    host = Host(direct(machine))
    host.article()
    host.sale()
    machine.advance_clock(2 * 3600)
    host.refused(0x63, "01;01;0;", "0405")
    host.done(0xA1, "0;")
    host.sale()


def test_72_hours_without_transmission(machine: KryptonMachine, stocked: Host) -> None:
    machine.set_link(False)
    stocked.sale()
    stocked.done(0xA1, "0;")
    machine.advance_clock(71 * 3600)
    stocked.sale()
    stocked.done(0xA1, "0;")
    machine.advance_clock(3600)
    stocked.refused(0x63, "01;01;0;", "0F05")
    stocked.done(0x6E, "1;1.00;")
    stocked.done(0xEA, "0;")
    stocked.done(0xA1, "1;")
    stocked.done(0xA1, "0;")
    machine.set_link(True)
    stocked.sale()


def test_a_line_that_works_never_blocks(machine: KryptonMachine, stocked: Host) -> None:
    stocked.sale()
    stocked.done(0xA1, "0;")
    machine.advance_clock(200 * 3600)
    stocked.sale()


def test_z_may_be_forbidden_after_72_hours(make: Make) -> None:
    machine = make(z_when_silent=0)
    machine.afflict("F14")
    Host(direct(machine)).refused(0xA1, "0;", "0F05")


def test_not_personalised(make: Make) -> None:
    host = Host(direct(make(unfiscalised=1)))
    host.refused(0x63, "01;01;0;", "0507")
    assert host.done(0x44) == [""]
    assert host.done(0x42) == ["AB12345678"]


def test_clock(machine: KryptonMachine, stocked: Host) -> None:
    assert stocked.done(0x21) == ["241126", "1015"]
    stocked.done(0x20, "241126;1030;")
    assert stocked.done(0x21) == ["241126", "1030"]
    stocked.refused(0x20, "311126;1030;", "0C05")
    stocked.refused(0x20, "241126;2460;", "0D05")
    stocked.refused(0x20, "24-11-26;1030;", "0103")
    stocked.sale()
    stocked.refused(0x20, "241126;1040;", "0107")
    stocked.done(0xA1, "0;")
    stocked.refused(0x20, "241126;0900;", "0305")
    machine.advance_clock(-7200)
    stocked.refused(0x63, "01;01;0;", "0305")
    stocked.refused(0xA1, "0;", "0305")
    stocked.done(0x20, "241126;1130;")
    stocked.sale()


def test_clock_may_not_pass_the_last_document(machine: KryptonMachine, stocked: Host) -> None:
    machine.advance_clock(3600)
    stocked.done(0x60)
    stocked.done(0x65, "0;")
    stocked.refused(0x20, "241126;1016;", "0E05")


def test_paper_cover_memory_and_journal(machine: KryptonMachine, stocked: Host) -> None:
    machine.set_cover(True)
    answer = stocked.ask(0x63, "01;01;0;")
    assert (answer.code, answer.status[:2]) == ("0101", b"\x90\x90")
    machine.set_cover(False)
    machine.set_paper(False)
    for cmd, fields in ((0x63, "01;01;0;"), (0xA1, "0;"), (0xA1, "1;"), (0x6E, "1;1.00;"), (0x60, "")):
        stocked.refused(cmd, fields, "0101")
    machine.set_paper(True)
    machine.afflict("F19")
    stocked.refused(0x63, "01;01;0;", "0005")
    stocked.refused(0xA1, "0;", "0005")
    machine.afflict("F23")
    answer = stocked.ask(0x63, "01;01;0;")
    assert (answer.code, answer.status[0]) == ("0901", 0xC0)


def test_payment_forms_stand_where_the_owner_put_them(make: Make) -> None:
    machine = make(forms="КАРТКА,,Готівка")
    host = Host(direct(machine))
    assert [host.done(0x2E, f"{number};") for number in (0, 1, 2, 9)] == [
        ["03", "КАРТКА"],
        ["00", ""],
        ["83", "Готівка"],
        ["00", ""],
    ]
    host.article()
    host.sale(paid="2;30.00;")
    assert machine.registers()["sales_by_form"] == {"cash": 2500}
    host.refused(0x2E, "10;", "0104")


def test_tables_and_small_things(machine: KryptonMachine, host: Host) -> None:
    assert [host.done(0x48, f"{number};") for number in (0, 1, 4)] == [
        ["1", "20.00", "0", "-1"],
        ["1", "7.00", "0", "-1"],
        ["0", "0.00", "0", "-1"],
    ]
    host.done(0x81, "0;00;Хліб;")
    host.done(0x81, "1;00;12.50;")
    assert machine.registers()["display"] == ["Хліб", "12.50"]
    for cmd, fields in ((0x28, ""), (0x82, "2;"), (0x83, ""), (0x88, "20;0;"), (0xF4, "125;"), (0xEA, "1;")):
        host.done(cmd, fields)
    assert machine.printer.memory.pulses == 1
    host.refused(0x23, "14;", "0104")
    host.refused(0xE2, "4;", "0104")
    host.refused(0xE0, "0;5;0;", "0204")
    host.refused(0xE0, "3;2;0;", "0204")
    machine.afflict("F24")
    host.refused(0x63, "01;01;0;", "0D07")
    assert host.done(0x21) == ["241126", "1015"]
    machine.later("season")
    host.done(0x63, "01;01;0;")


def test_fp3141_tells_the_next_number(make: Make) -> None:
    host = Host(direct(make(model="FP-3141T")))
    assert host.done(0x80)[0] == "Datecs FP-3141T"
    assert host.done(0xE2, "3;") == ["1"]
    assert host.done(0xE2, "5;") == ["0"]


def test_bad_options(make: Make) -> None:
    with pytest.raises(ValueError, match="unknown option 'colour'"):
        make(colour="red")
    with pytest.raises(ValueError, match="10 payment forms"):
        make(forms=",".join("abcdefghijk"))
