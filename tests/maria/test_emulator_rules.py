"""What the virtual Maria allows, counts and refuses (maria.md §4, §5, §7, §8; emulators.md §2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.maria.emulator.machine import MariaMachine
from tests.maria.client import Host, accounting_line, direct, line, payment
from tests.maria.conftest import Make


def tape(machine: MariaMachine) -> str:
    return "\n".join(machine.till.tape.lines)


def test_sale_with_texts_several_payments_and_change(machine: MariaMachine, host: Host) -> None:
    host.done("TEXT", "000Вітаємо".replace("і", "i"))
    host.done("PREP", "Каса")
    host.done("FISC", line())
    host.done("FISC", line("Сир", 3330, 10000, "00333", "0", taxes="Б00700", code="0002"))
    host.done("TEXT", "100Дякуємо")
    host.done("COMP", payment(5830, third=830, second=1000, first=1000, cash=5000))
    registers = machine.registers()
    assert registers["sales_by_form"] == {"credit": 830, "card": 1000, "cheque": 1000, "cash": 3000}
    assert registers["sales_by_tax"] == {"А": 2500, "Б": 3330}
    assert (registers["drawer"], registers["last_document"], registers["open_receipt"]) == (103_000, 1, False)
    printed = tape(machine)
    assert "ФІСКАЛЬНИЙ ЧЕК" in printed
    assert printed.index("Вiтаємо") < printed.index("Сир") < printed.index("Дякуємо")
    assert "#DOC 0001 SALE 58.30 CARD 10.00 CASH 30.00 CHEQUE 10.00 CREDIT 8.30" in printed
    turnover = host.done("CFIS")
    assert len(turnover) == 240
    assert [int(turnover[at : at + 12]) for at in range(0, 36, 12)] == [2500, 3330, 0]
    cash = host.done("CCAS")
    assert [int(cash[at : at + 11]) for at in range(0, 88, 11)] == [100_000, 0, 0, 3000, 0, 103_000, 2830, 0]


def test_return(machine: MariaMachine, host: Host) -> None:
    host.done("BCHN", "0000000042")
    host.done("PREP")
    assert host.done("BFIS", line()) == b"0000000000"
    reply = host.done("COMP", payment(returned=2500, cash=2500))
    assert reply == b"0000000001" + b"0" * 40 + b"0000002500" + b"0" * 10 + b"0000000417" + b"0" * 10
    registers = machine.registers()
    assert (registers["refunds_turnover"], registers["drawer"], registers["sales_turnover"]) == (2500, 97_500, 0)
    assert "ПОВЕРНЕННЯ ПО ЧЕКУ 0000000042" in tape(machine)
    host.done("PREP")
    host.done("BFIS", line())
    host.done("COMP", payment(returned=2500, second=2500))
    assert machine.registers()["refunds_by_form"] == {"cash": 2500, "card": 2500}


def test_sale_and_return_in_one_receipt(machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.done("FISC", line())
    host.done("BFIS", line("Сир", 1000, 1000, "00001", code="0002"))
    host.done("COMP", payment(2500, 1000, cash=1500))
    registers = machine.registers()
    assert (registers["sales_turnover"], registers["refunds_turnover"]) == (2500, 1000)
    assert (registers["drawer"], registers["last_document"]) == (101_500, 1)


def test_drawer_too_small_for_a_return(make: Make) -> None:
    machine = make(cash=2499)
    host = Host(direct(machine))
    host.login()
    host.done("PREP")
    host.done("BFIS", line())
    host.refused("COMP", payment(returned=2500, cash=0), "SOFTNEED")
    host.refused("COMP", payment(returned=2500, cash=0), "SOFTPROTOC")
    assert machine.registers()["journal"] == []


@pytest.mark.parametrize(
    ("paid", "word"),
    [
        (payment(2499, cash=3000), "SOFTNEED"),
        (payment(2500, 1, cash=3000), "SOFTNEED"),
        (payment(2500, cash=2499), "SOFTNEED"),
        (payment(2500, first=2501), "SOFTCHECK"),
        (payment(2500, cash=3000)[:-1], "SOFTPARAM"),
        (payment(2500, cash=3000) + b"0", "SOFTPARAM"),
        (b"x" * 60, "SOFTPARAM"),
    ],
)
def test_a_refused_comp_rolls_the_receipt_back(paid: bytes, word: str, machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.done("FISC", line())
    host.refused("COMP", paid, word)
    assert "НЕДІЙСНИЙ ЧЕК" in tape(machine)
    host.refused("COMP", payment(2500, cash=2500), "SOFTPROTOC")
    assert host.number() == 0
    assert machine.registers()["drawer"] == 100_000
    host.sale()
    assert host.number() == 1


@pytest.mark.parametrize(
    ("params", "word"),
    [
        (line(sum_=2501), "SOFTCHECK"),
        (line(taxes="А02100"), "SOFTCHECK"),
        (line(taxes="А12000"), "SOFTCHECK"),
        (line(taxes="Д02000"), "SOFTCHECK"),
        (line(taxes="А02000А02000"), "SOFTCHECK"),
        (line(taxes="А02000Б00700В00000"), "SOFTCHECK"),
        (line(sum_=0, price=0), "SOFTCHECK"),
        (line(code="0000"), "SOFTBADART"),
        (line(code="000x"), "SOFTPARAM"),
        (line()[:-1], "SOFTPARAM"),
        (line(divisible="2"), "SOFTPARAM"),
        (line(tail="-"), "SOFTPARAM"),
        (line(tail=f"-{'':<13}000002501"), "SOFTBADDISC"),
        (line(tail=f"-{'':<13}000000001{'x' * 32}"), "SOFTPARAM"),
    ],
)
def test_a_refused_line_rolls_the_receipt_back(params: bytes, word: str, machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.done("FISC", line("Сир", code="0002"))
    host.refused("FISC", params, word)
    host.refused("FISC", line(), "SOFTPROTOC")
    assert not machine.registers()["open_receipt"]
    assert machine.registers()["articles"] == 0


def test_quantities_and_rounding(host: Host) -> None:
    host.done("PREP")
    host.done("FISC", line(sum_=1250, quantity="00000", code="0001"))
    host.done("FISC", line(sum_=416, quantity="00333", divisible="0", code="0002"))
    host.done("FISC", line(sum_=416, quantity="00333", divisible="0", rounding="1", code="0003"))
    host.done("FISC", line(sum_=417, quantity="00333", divisible="0", rounding="2", code="0004"))
    host.done("FISC", line(sum_=1250, quantity="01000", divisible="0", code="0005", tail=f"+{'':<13}000000250"))
    host.done("COMP", payment(1250 + 416 + 416 + 417 + 1500, cash=5000))


def test_two_taxes_and_none(machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.done("FISC", line(sum_=12700, price=12700, quantity="00001", taxes="А02000Б00700"))
    host.done("FISC", line(sum_=100, price=100, quantity="00001", taxes="", code="0002"))
    assert host.done("COMP", payment(12800, cash=12800))[30:40] == b"0000002700"
    assert machine.registers()["sales_by_tax"] == {"А": 12700, "-": 100}


def test_order_of_commands_and_the_mask(machine: MariaMachine, host: Host) -> None:
    def mask() -> int:
        return host.done("CONF")[71]

    assert mask() == 3
    for name, params in (("FISC", line()), ("BFIS", line()), ("COMP", payment())):
        host.refused(name, params, "SOFTPROTOC")
    host.refused("PRTX", "", "SOFTPROTOC")
    host.done("PREP")
    assert mask() == 4 | 16
    host.refused("CAIO", "I0000000100", "SOFTPROTOC")
    host.refused("NREP", "", "SOFTPROTOC")
    host.refused("BCHN", "1", "SOFTPROTOC")
    assert machine.registers()["open_receipt"]
    host.done("FISC", line())
    assert mask() == 4 | 8 | 16
    host.done("BFIS", line(code="0002"))
    assert mask() == 8 | 16
    host.refused("FISC", line(), "SOFTPROTOC")
    assert mask() == 3
    host.done("PREP")
    host.refused("PREP", "", "SOFTPROTOC")
    assert mask() == 3
    host.done("DBEG", "1")
    assert mask() == 64
    host.refused("PREP", "", "SOFTPROTOC")
    assert mask() == 3
    host.done("CANC")
    host.done("CANC")


def test_login(make: Make) -> None:
    machine = make()
    host = Host(direct(machine))
    for name in ("PREP", "NREP", "ZREP", "NULL", "DBEG", "HEAD", "COPY", "IREP"):
        host.refused(name, "", "SOFTUPAS")
    host.refused("CAIO", "I0000000100", "SOFTUPAS")
    for name in ("SYNC", "CONF", "CONf", "GETD", "GLCN", "CNAL", "CCAS", "CFIS", "CANC", "KASS", "DISp"):
        host.done(name)
    for _ in range(4):
        host.refused("UPAS", "2222222222007", "SOFTUPAS")
    host.done("UPAS", "11111111111234567890")
    assert machine.till.session.cashier is None
    host.refused("UPAS", "1111111111007", "SOFTUPAS")
    host.done("UPAS", "1234567890007")
    assert host.done("CONF")[72:77] == b"1007 "
    host.done("NULL")
    machine.set_dtr(False, serial=False)
    assert host.raw(b"\xfdSYNC\x05\xfe") == b""
    machine.set_dtr(True, serial=False)
    host.refused("NULL", "", "SOFTUPAS")


def test_a_dropped_dtr_takes_crc_and_receipt(machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.done("CSIN", "1")
    machine.set_dtr(False, serial=False)
    machine.set_dtr(True, serial=False)
    assert host.done("SYNC") == b""
    assert not machine.registers()["open_receipt"]
    assert "НЕДІЙСНИЙ ЧЕК" in tape(machine)


def test_key(machine: MariaMachine, host: Host) -> None:
    machine.set_key(0)
    host.refused("PREP", "", "SOFTSYSLOC")
    host.refused("CCAS", "", "SOFTSYSLOC")
    host.done("GLCN")
    machine.set_key(2)
    host.refused("PREP", "", "SOFTSLWORK")
    host.done("ZREP")
    assert host.done("CONF")[70] == 2
    assert host.done("CONf")[70:71] == b"2"


def test_strict_key(make: Make) -> None:
    machine = make(strict_key=1)
    host = Host(direct(machine))
    host.login()
    host.refused("ZREP", "", "SOFTSLZREP")
    host.refused("NREP", "", "SOFTSLNREP")
    machine.set_key(2)
    host.done("ZREP", "1")
    machine.set_key(4)
    host.done("NREP")


def test_articles_keep_their_attributes_until_z(machine: MariaMachine, host: Host) -> None:
    host.sale()
    for changed in (line("Сир"), line(taxes="Б00700"), line(divisible="0", quantity="02000")):
        host.done("PREP")
        host.refused("FISC", changed, "SOFTDIFART")
    host.done("PREP")
    host.done("FISC", line(sum_=5000, price=2500))
    host.refused("FISC", line("Сир"), "SOFTDIFART")
    host.done("NREP")
    host.done("PREP")
    host.done("FISC", line("Сир"))
    host.done("COMP", payment(2500, cash=2500))
    assert machine.registers()["articles"] == 1


def test_table_of_articles_has_an_end(make: Make) -> None:
    host = Host(direct(make(capacity=1)))
    host.login()
    host.done("PREP")
    host.done("FISC", line())
    host.refused("FISC", line("Сир", code="0002"), "SOFTBADART")


def test_accounting_codes_of_a_304(machine: MariaMachine, host: Host) -> None:
    host.done("PREP")
    host.refused("FICD", accounting_line(), "SOFTARTMODE")
    host.done("ARMO", "2")
    assert host.done("GLCN")[30:31] == b"2"
    host.done("PREP")
    host.done("ACLD", "10ABCD12345610EFGH654321")
    assert host.done("FICD", accounting_line()) == b"0000000000"
    host.done("PSDt", "04TERM0006411111")
    host.done("GCQR", "04Mhttps://example.ua")
    host.done("COMP", payment(2500, second=2500))
    printed = tape(machine)
    assert "АКЦИЗНА МАРКА EFGH654321" in printed
    assert "2203000100#Пиво" in printed
    assert "ТЕРМІНАЛ 411111" in printed
    host.done("PREP")
    host.refused("FICD", accounting_line(taxes="Д0"), "SOFTCHECK")
    host.done("PREP")
    host.refused("ACLD", "99AB", "SOFTPARAM")
    host.refused("ARMO", "0", "SOFTNREP")
    host.done("PREP")
    assert host.done("BFCD", accounting_line()) == b"0000000000"
    host.done("COMP", payment(returned=2500, second=2500))


def test_a_301_knows_no_304_words(make: Make) -> None:
    machine = make(model=301)
    host = Host(direct(machine))
    host.login()
    for name in ("FICD", "BFCD", "ACLD", "PSDt", "GCQR", "MDMD", "SPKF", "nrep"):
        host.refused(name, "", "SOFTCOMMAN")
    host.refused("PREP", "x" * 16, "SOFTPARAM")
    host.refused("CAIO", "I0000000100text", "SOFTPARAM")
    machine.afflict("F14")
    host.done("PREP")


def test_cash(machine: MariaMachine, host: Host) -> None:
    host.done("CAIO", "I0000005000розмiн")
    host.done("CAIO", "O0000105000")
    host.refused("CAIO", "O0000000001", "SOFTNEED")
    host.refused("CAIO", "I0000000000", "SOFTPARAM")
    host.refused("CAIO", "X0000000001", "SOFTPARAM")
    cash = host.done("CCAS")
    assert [int(cash[at : at + 11]) for at in range(0, 88, 11)] == [100_000, 5000, 105_000, 0, 0, 0, 0, 0]
    assert host.done("GLCN")[20:30] == b"0000000002"
    assert [entry["kind"] for entry in machine.registers()["journal"]] == ["CASH_IN", "CASH_OUT"]


def test_reports(machine: MariaMachine, host: Host) -> None:
    assert host.done("GLCN")[32:] == b"10000"
    host.sale()
    assert host.done("GLCN")[32:] == b"00000"
    host.done("ZREP")
    assert machine.registers()["sales_turnover"] == 2500
    host.done("NREP")
    assert host.done("GLCN")[32:] == b"10001"
    registers = machine.registers()
    assert (registers["sales_turnover"], registers["z_number"], registers["drawer"]) == (0, 1, 102_500)
    assert machine.till.books.z_list[0]["sold"] == {"А": 2500}
    previous = host.done("CCAS", "1")
    assert [int(previous[at : at + 11]) for at in range(0, 66, 11)] == [100_000, 0, 0, 2500, 0, 102_500]
    for name, params in (
        ("IREP", ""),
        ("IREP", "2026010120261231"),
        ("FIRP", "2026010120261231"),
        ("IREN", ""),
        ("IREN", "00010001"),
        ("FIRN", "00010001"),
    ):
        host.done(name, params)
    host.refused("IREP", "2026130120261231", "SOFTPARAM")
    host.refused("IREN", "0001", "SOFTPARAM")
    host.done("nrep")
    assert host.done("GLCN")[32:33] == b"0"


def test_null_copy_and_service_document(machine: MariaMachine, host: Host) -> None:
    host.refused("COPY", "", "SOFTCOPY")
    host.done("NULL")
    assert host.number() == 1
    assert machine.registers()["sales_turnover"] == 0
    host.sale()
    host.done("COPY")
    host.refused("COPY", "", "SOFTCOPY")
    assert "КОПІЯ" in tape(machine)
    host.done("DBEG", "1")
    host.done("TEXT", "000рядок")
    host.done("PRTX")
    assert host.done("GLCN")[10:20] == b"0000000001"
    assert "СЛУЖБОВИЙ ЧЕК" in tape(machine)
    assert host.number() == 2


def test_too_many_lines(host: Host) -> None:
    host.done("PREP")
    for _ in range(720):
        host.done("FISC", line())
    host.refused("FISC", line(), "SOFTOVART")
    host.refused("COMP", payment(2500 * 720, cash=9_999_999), "SOFTPROTOC")


def test_no_copy_of_a_long_receipt(host: Host) -> None:
    host.done("PREP")
    for _ in range(301):
        host.done("FISC", line())
    host.done("COMP", payment(2500 * 301, cash=2500 * 301))
    host.refused("COPY", "", "SOFTCOPY")


def test_state_block(machine: MariaMachine, host: Host) -> None:
    host.sale()
    raw, printable = host.done("CONF"), host.done("CONf")
    assert len(raw) == len(printable) == 148
    assert raw[:20] == b"AB123456783000012345"
    assert raw[56:70].startswith(b"202611241015")
    assert (raw[70], raw[71], raw[77], raw[144]) == (1, 3, 0, 2)
    assert (printable[70:72], printable[77:78], printable[144:145]) == (b"13", b"0", b"2")
    assert raw[90:102] == b"000000000001"
    assert raw[102:106] == b"COMP"
    assert raw[145:] == "грн".encode("cp866")
    host.refused("FISC", line(), "SOFTPROTOC")
    assert host.done("CONF")[102:106] == b"CONf"


def test_taxes_clock_and_small_things(machine: MariaMachine, host: Host) -> None:
    schemes = host.done("CNAL")
    assert len(schemes) == 112
    assert schemes[:28] == b"20200101102000" + b"20200101200700"
    assert len(host.done("CNAL", "1")) == 8 * 19
    assert host.done("GETD").startswith(b"202611241015")
    host.refused("CTIM", "120000", "SOFTPARAM")
    host.refused("CTIM", "256100", "SOFTPARAM")
    host.done("CTIM", "113000")
    assert host.done("GETD").startswith(b"20261124113000")
    host.refused("CTIM", "113100", "SOFTNREP")
    host.sale()
    host.refused("CTIM", "113100", "SOFTNREP")
    host.done("NREP")
    host.done("CTIM", "113500")
    for name, params in (("KASS", ""), ("CUTR", "11"), ("DISp", ""), ("DISp", "120000001250"), ("FEED", "40")):
        host.done(name, params)
    assert machine.registers()["display"][0] == "00000012.50"
    assert machine.till.memory.pulses == 1
    host.refused("DISp", "420000001250", "SOFTPARAM")
    host.refused("HEAD", "x" * 44, "SOFTPARAM")
    host.done("HEAD", "Шапка")
    host.done("BOTM", "Пiдвал")
    host.done("FINF", "примiтка")
    host.done("CTXT")
    host.sale()
    assert "Шапка" in tape(machine)
    assert "примiтка" not in tape(machine)


def test_24_hours(machine: MariaMachine, host: Host) -> None:
    host.sale()
    host.done("PREP")
    host.done("FISC", line())
    machine.advance_clock(86_401)
    host.done("COMP", payment(2500, cash=2500))
    host.refused("PREP", "", "SOFT24HOUR", "SOFTNREP")
    host.refused("CAIO", "I0000000100", "SOFT24HOUR", "SOFTNREP")
    for name in ("ZREP", "CCAS", "CONF", "GLCN", "KASS", "SPKF", "NREP"):
        host.done(name)
    host.sale()


def seconds_until_lock(host: Host) -> int:
    counters = bytes.fromhex(host.done("MDMD", "2701")[2:].decode())
    return int.from_bytes(counters[16:20], "little")


def test_72_hours(machine: MariaMachine, host: Host) -> None:
    host.sale()
    assert seconds_until_lock(host) == 999_999_999
    machine.set_link(False)
    host.sale()
    assert 0 < seconds_until_lock(host) <= 72 * 3600
    host.refused("SPKF", "", "SOFTpMODEM")
    host.done("NREP")
    machine.advance_clock(72 * 3600)
    assert seconds_until_lock(host) == 0
    host.refused("PREP", "", "SOFTpOVER72H")
    host.done("CAIO", "I0000000100")
    host.done("ZREP")
    host.done("NREP")
    machine.set_link(True)
    host.done("SPKF")
    host.sale()
    assert seconds_until_lock(host) == 999_999_999
    host.refused("MDMD", "2702", "SOFTpNODATA")
    host.refused("MDMD", "x", "SOFTPARAM")


def test_z_may_be_forbidden_after_72_hours(make: Make) -> None:
    machine = make(z_when_silent=0)
    host = Host(direct(machine))
    host.login()
    machine.afflict("F14")
    host.refused("NREP", "", "SOFTpOVER72H")


def test_training_and_personalisation(make: Make, tmp_path: Path) -> None:
    machine = make(unfiscalised=1)
    host = Host(direct(machine))
    assert host.ask("UPAS", "1111111111007") == [b"SOFTREGIST", b"DONE"]
    assert host.ask("PREP") == [b"SOFTREGIST", b"DONE"]
    assert host.ask("FISC", line())[1:] == [b"SOFTREGIST", b"DONE"]
    assert host.ask("COMP", payment(2500, cash=2500))[1:] == [b"SOFTREGIST", b"DONE"]
    assert host.ask("NREP") == [b"SOFTREGIST", b"DONE"]
    assert host.ask("GLCN")[0][-4:] == b"0000"
    assert machine.registers()["journal"] == []
    (tmp_path / "state.json").unlink()
    host = Host(direct(make(unpersonalised=1)))
    host.login()
    host.refused("PREP", "", "SOFTpNPRSN")


def test_paper_cover_clock_and_memory(machine: MariaMachine, host: Host) -> None:
    host.sale()
    host.done("NREP")
    host.done("PREP")
    host.done("FISC", line())
    machine.set_paper(False)
    host.refused("COMP", payment(2500, cash=2500), "HARDPAPER")
    assert host.number() == 1
    for name in ("PREP", "NREP", "ZREP", "NULL", "DBEG", "FEED", "COPY", "IREP"):
        host.refused(name, "40" if name == "FEED" else "", "HARDPAPER")
    machine.set_paper(True)
    machine.set_cover(True)
    host.refused("PREP", "", "HARDPOINT")
    machine.set_cover(False)
    machine.advance_clock(-86_400)
    host.refused("PREP", "", "HARDTIMER")
    machine.advance_clock(86_400)
    machine.afflict("F19")
    host.refused("PREP", "", "SOFTFMFULL")
    host.refused("NREP", "", "SOFTFMFULL")
    machine.afflict("F23")
    host.refused("PREP", "", "HARDMEMORY")


def test_paper_near_its_end_is_a_warning(make: Make) -> None:
    host = Host(direct(make(near_end=1)))
    host.login()
    host.done("PREP")
    host.done("FISC", line())
    assert host.ask("COMP", payment(2500, cash=2500))[1:] == [b"HARDPAPER", b"DONE"]


def test_the_owner_says_what_the_non_cash_forms_are(make: Make) -> None:
    machine = make(forms="cheque,credit,card")
    host = Host(direct(machine))
    host.login()
    host.done("PREP")
    host.done("FISC", line())
    host.done("COMP", payment(2500, first=2500))
    assert machine.registers()["sales_by_form"] == {"card": 2500}


@pytest.mark.parametrize(
    ("options", "what"),
    [({"colour": "red"}, "unknown option"), ({"model": "77"}, "model is 301 or 304"), ({"forms": "card"}, "three")],
)
def test_bad_options(options: dict[str, str], what: str, make: Make) -> None:
    with pytest.raises(ValueError, match=what):
        make(**options)
