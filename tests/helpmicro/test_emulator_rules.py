"""The device's own rules, one by one (helpmicro.md §2-4, §7; emulators.md §2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpmicro.emulator_host import SALE, Till, item, pay, running, virtual


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with running(tmp_path, cash=100_000) as till:
        yield till


def tape(folder: Path) -> str:
    return (folder / "tape.txt").read_text(encoding="utf-8")


# -- who may --------------------------------------------------------------------------------------------------------


def test_registration_of_cashiers(tmp_path: Path) -> None:
    with running(tmp_path, registered=False) as till:
        till.refused(SALE, "F9")
        till.refused({"IO": [{"IO": {"sum": 1}}]}, "F9")
        till.refused({"L": []}, "FA")
        assert till.register("2")["oper_id"] == 2
        assert till.register("2") == {"err": [{"e": "x31"}]}
        assert till.done(SALE)["oper_id"] == 2
        assert till.post(SALE, "3") == {"err": [{"e": "xF9"}]}
        till.register("3")
        assert till.post(SALE, "2")["oper_id"] == 2
        assert till.done(SALE)["oper_id"] == 3
        till.z()
        till.refused(SALE, "F9")


def test_white_list(tmp_path: Path) -> None:
    with running(tmp_path) as till, httpx.Client(base_url=till.http.base_url, trust_env=False) as other:
        till.get("/cgi/proc/register")
        till.http.close()
        assert other.get("/cgi/state").status_code == 200
        assert other.post("/cgi/chk", json=SALE).json()["oper_id"] == 1
        assert other.post("/cgi/chk", json={"L": []}).status_code == 401
        assert other.get("/cgi/tbl/whiteIP").json()


def test_an_old_nonce_is_stale(tmp_path: Path) -> None:
    with running(tmp_path, registered=False, nonce_life=0) as till:
        assert till.http.get("/cgi/state").status_code == 401
        assert "stale=true" in till.http.get("/cgi/state").headers["WWW-Authenticate"]


# -- receipts -------------------------------------------------------------------------------------------------------


def test_a_sale(tmp_path: Path, till: Till) -> None:
    document = {
        "F": [
            item(),
            item("Молоко", 42.99, 1, 2, tax=2),
            pay(4, sum=25, rrn=1),
            pay(1, sum=50),
            {"C": {"cm": "до побачення"}},
        ]
    }
    entry = till.done(document)
    assert entry["no"] == 1 and entry["F"][3]["P"]["sum"] == 50
    registers = till.registers()
    assert registers["sales_by_tax"] == {"А": 2500, "Б": 4299}
    assert registers["sales_by_form"] == {"card": 2500, "cash": 4299}
    assert registers["drawer"] == 104_299
    for words in ("Хліб", "42.99 Б", "РЕШТА", "до побачення", "ФІСКАЛЬНИЙ ЧЕК"):
        assert words in tape(tmp_path)


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ([item()], "F8", None),
        ([item(), pay(sum=24.99)], "F8", None),
        ([item(), pay(sum=0)], "E0", 2),
        ([item(), pay(9)], "F1", 2),
        ([item(), pay(4, sum=25.01)], "8D", 2),
        ([item(), pay(sum=-1)], "F3", 2),
        ([item(), pay(sum=10), item(code=2)], "E0", 3),
        ([item(), pay(sum=10), {"D": {"sum": -1}}], "E0", 3),
        ([item(), item("Булка"), pay()], "C4", 2),
        ([item(), item(tax=2), pay()], "C4", 2),
        ([item(tax=5), pay()], "C1", 1),
        ([item(tax=0), pay()], "C1", 1),
        ([item(qty=0), pay()], "02", 1),
        ([item(qty=-1), pay()], "42", 1),
        ([item(qty=1.0001), pay()], "E8", 1),
        ([item(price=-1), pay()], "F3", 1),
        ([item(price=1.001), pay()], "EA", 1),
        ([item(code=10**13), pay()], "EC", 1),
        ([item(""), pay()], "EC", 1),
        ([item("Х" * 129), pay()], "39", 1),
        ([item(ctype=3), pay()], "CE", 1),
        ([item(dep=0), pay()], "E5", 1),
        ([item(grp=65), pay()], "E3", 1),
        ([item(colour="red"), pay()], "37", 1),
        ([item(uktzed="2204210000"), pay()], "3B", 1),
        ([item(excise=["ABCD123456"]), pay()], "3B", 1),
        ([{"S": {"code": 1, "name": "Х", "tax": 1}}, pay()], "01", 1),
        ([{"D": {"sum": -1}}, item(), pay()], "D4", 1),
        ([item(), {"D": {"sum": -25.01}}, pay()], "D4", 2),
        ([item(), {"D": {"sum": -1, "prc": -1}}, pay()], "D4", 2),
        ([item(), {"D": {"prc": -101}}, pay()], "D9", 2),
        ([item(), {"VP": {"code": 7}}, pay()], "D5", 2),
        ([item(), {"C": {"cm": "х", "attr": "z"}}, pay()], "3B", 2),
        ([item(), {"BC": {"code": "1", "type": 4}}, pay()], "3B", 2),
        ([item(), {"IO": {"sum": 1}}], "3E", 2),
        ([item(price=10**9, qty=1), pay()], "D8", 1),
        ([], "D7", None),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=False)[-40:],
)  # fmt: skip
def test_what_a_receipt_may_not_be(till: Till, lines: list[Any], code: str, line: int | None) -> None:
    till.refused({"F": lines}, code, line)
    assert till.registers()["journal"] == [] and till.registers()["articles"] == 0
    assert till.get("/cgi/state")["chkId"] == 0
    assert till.get("/cgi/proc/state") == {"state": 0}
    till.done(SALE)


@pytest.mark.parametrize("document", [{"VD": []}, {"X": []}, {"F": [], "R": []}, [], 7, {"F": {}}, {"F": [7]}])
def test_what_is_no_document(till: Till, document: Any) -> None:
    assert till.post(document)["err"][0]["e"] == "x3E"


@pytest.mark.parametrize(
    ("discount", "by_tax"),
    [
        ({"prc": -10}, {"А": 2500, "Б": 4500}),
        ({"sum": -0.5}, {"А": 2500, "Б": 4950}),
        ({"sum": 1}, {"А": 2500, "Б": 5100}),
        ({"prc": -10, "all": 1}, {"А": 2250, "Б": 4500}),
        ({"sum": -75, "all": 1}, {"А": 0, "Б": 0}),
        ({"prc": -10, "all": 1, "tax": 1}, {"А": 2250, "Б": 5000}),
    ],
    ids=repr,
)
def test_discounts(till: Till, discount: dict[str, Any], by_tax: dict[str, int]) -> None:
    entry = till.done({"F": [item(), item("Чай", 50, 1, 2, tax=2), {"D": discount}, pay()]})
    assert till.registers()["sales_by_tax"] == by_tax
    assert entry["F"][2]["D"]["sum"] == (sum(by_tax.values()) - 7500) / 100


def test_void_of_a_line(till: Till) -> None:
    till.done({"F": [item(), item("Чай", 50, 1, 2), {"VP": {"code": 100}}, item("Сік", 10, 1, 3), {"VP": {}}, pay()]})
    assert till.registers()["sales_turnover"] == 5000


def test_weight_and_default_quantity(till: Till) -> None:
    assert till.done({"F": [item("Сир", 199.90, 0.275), pay()]})["F"][0]["S"]["sum"] == 54.97
    no_quantity = {"S": {"code": 5, "name": "Один", "price": 3, "tax": 1}}
    assert till.done({"F": [no_quantity, pay()]})["F"][0]["S"]["qty"] == 1
    assert till.registers()["sales_turnover"] == 5797


def test_articles_keep_name_and_tax_until_z(till: Till) -> None:
    till.done(SALE)
    till.done({"F": [item(price=99), pay()]})
    till.refused({"F": [item("Булка"), pay()]}, "C4", 1)
    till.refused({"R": [item(tax=2), pay()]}, "C4", 1)
    till.z()
    till.register()
    till.done({"F": [item("Булка", tax=2), pay()]})


def test_refund(tmp_path: Path, till: Till) -> None:
    till.refused({"R": [item(), pay(sum=30)]}, "8D", 2)
    till.done({"R": [item(), pay()]})
    registers = till.registers()
    assert (registers["refunds_turnover"], registers["refunds_by_form"], registers["drawer"]) == (
        2500,
        {"cash": 2500},
        97_500,
    )
    assert "ВИДАТКОВИЙ ЧЕК" in tape(tmp_path)
    till.refused({"R": [item(price=975.01, qty=1), pay()]}, "D0")
    till.done({"R": [item(price=975.01, qty=1), pay(4)]})


def test_cash(till: Till) -> None:
    for lines, code, line in (
        ([{"IO": {"sum": -1000.01}}], "D0", 1),
        ([{"IO": {"sum": 0}}], "D8", 1),
        ([{"IO": {"sum": 1, "no": 4}}], "F1", 1),
        ([{"C": {"cm": "лише"}}], "D7", None),
        ([{"IO": {"sum": 1}}, {"IO": {"sum": 1}}], "3E", 2),
    ):
        till.refused({"IO": lines}, code, line)
    assert till.done({"IO": [{"C": {"cm": "Касир Олена"}}, {"IO": {"sum": 7}}]})["no"] == 1
    till.done({"IO": [{"IO": {"sum": -1007}}]})
    assert till.registers()["drawer"] == 0 and till.get("/cgi/rep/pay")[0] == {"no": 1, "name": "ГОТІВКА", "sum": 0}


def test_slip_and_copy(tmp_path: Path, till: Till) -> None:
    assert till.post({"P": [{"N": {"cm": "Товарний чек"}}, {"BC": {"code": "482"}}]}) == {"err": []}
    till.refused({"P": [item()]}, "3E", 1)
    till.refused({"P": []}, "D7")
    assert "Товарний чек" in tape(tmp_path) and till.registers()["journal"] == []
    till.done(SALE)
    before = tape(tmp_path)
    assert till.post({"L": [{"L": {"no": 1}}]}) == {"err": []}
    assert "Хліб" in tape(tmp_path)[len(before) :] and "#DOC" not in tape(tmp_path)[len(before) :]
    till.refused({"L": [{"L": {"no": 2}}]}, "F7", 1)


# -- the journal ----------------------------------------------------------------------------------------------------


def test_the_journal_is_searched(till: Till) -> None:
    marks = [till.done({"F": [item(), {"N": {"cm": f"mark-{n}"}}, pay()]}) for n in range(3)]
    everything = till.get("/cgi/chk")
    assert [entry["id"] for entry in everything] == [1, 2, 3, 4] and "L" in everything[0]
    assert all(entry["beg_id"] == 1 for entry in everything)
    assert [entry["id"] for entry in till.get(f"/cgi/chk?id={marks[1]['id']}")] == [3, 4]
    assert [entry["no"] for entry in till.get("/cgi/chk?no=2")] == [2]
    assert till.get("/cgi/chk?no=2")[0]["F"][1] == {"N": {"cm": "mark-1"}}
    assert till.get("/cgi/chk?id=99") == till.get("/cgi/chk?no=99") == []
    assert till.get("/cgi/chk?name=x") == {"err": [{"e": "xC2"}]}
    state = till.get("/cgi/state")
    assert (state["chkId"], state["CurrDI"], state["JrnTime"]) == (3, 4, everything[0]["datetime"])
    assert till.get("/cgi/proc/getjrnroom") == {"Total": 10_000, "Used": 4}
    till.z()
    assert till.get("/cgi/chk") == []
    till.register()
    assert till.done(SALE)["no"] == 1 and till.done(SALE)["id"] == 8


def test_a_full_journal(tmp_path: Path) -> None:
    with running(tmp_path, capacity=2, case="lower") as till:
        till.done(SALE)
        till.refused(SALE, "FF")
        assert till.get("/cgi/proc/getjrnroom") == {"total": 2, "used": 2}
        till.z()
        till.register()
        till.done(SALE)


def test_old_firmware_knows_no_uktzed(tmp_path: Path) -> None:
    with running(tmp_path, old=1, err="object", currz="last") as till:
        assert till.post({"F": [item(uktzed=2204210000), pay()]}) == {"err": {"e": "x37", "line": 1}}
        assert till.get("/cgi/state")["currZ"] == 0
        till.done(SALE)


# -- days -----------------------------------------------------------------------------------------------------------


def test_reports(tmp_path: Path, till: Till) -> None:
    till.done(SALE)
    assert till.get("/cgi/proc/printreport?10") == {"err": []}
    assert till.registers()["sales_turnover"] == 2500
    for number in (20, 21, 102, 107, 201, 216):
        assert till.get(f"/cgi/proc/printreport?{number}") == {"err": []}
    assert till.get("/cgi/proc/printreport?217") == till.get("/cgi/proc/printreport") == {"err": [{"e": "xC2"}]}
    assert till.get("/cgi/proc/printreport?1") == {"err": [{"e": "xCF"}]}
    assert till.http.post("/cgi/proc/printreport?0").json() == {"err": []}
    assert till.get("/cgi/proc/printreport?2") == {"err": []}
    assert (till.registers()["z_number"], till.registers()["drawer"]) == (1, 102_500)
    before = tape(tmp_path)
    for kind in (1, 2, 3, 4):
        assert till.get(f"/cgi/proc/printfmreport?{kind}&2026-11-24&2026-11-24&1&1") == {"err": []}
    assert tape(tmp_path)[len(before) :].count("УСЬОГО                               25.00") == 4
    for wrong in ("5&2026-11-24&2026-11-24&1&1", "1&2026-11-24&1&1", "1&24.11.26&2026-11-24&1&1", ""):
        assert till.get(f"/cgi/proc/printfmreport?{wrong}") == {"err": [{"e": "xC2"}]}
    assert till.get("/cgi/proc/getfmroom") == {"Total": 2000, "Used": 1}


def test_the_shift_ends(tmp_path: Path, till: Till) -> None:
    assert till.get("/cgi/state")["IsWrk"] == 0
    till.done(SALE)
    assert till.get("/cgi/state")["IsWrk"] == 1
    till.server.advance_clock(86_500)
    till.refused(SALE, "D3")
    till.refused({"IO": [{"IO": {"sum": 1}}]}, "D3")
    assert till.get("/cgi/state")["err"] == [{"e": "xD3"}]
    assert till.get("/cgi/proc/printreport?10") == till.z() == {"err": []}
    till.register()
    till.done(SALE)
    with running(tmp_path / "strict", midnight=1, clock="2026-11-24T23:59:00") as strict:
        strict.done(SALE)
        strict.server.advance_clock(120)
        strict.refused(SALE, "D3")


def test_seventy_two_hours(till: Till) -> None:
    till.server.set_link(False)
    assert till.get("/cgi/status")["dev_state"] == 0x15
    till.done(SALE)
    till.z()
    till.register()
    till.server.advance_clock(72 * 3600 - 60)
    till.done(SALE)
    till.z()
    till.register()
    till.server.advance_clock(120)
    till.refused(SALE, "A6")
    till.refused({"R": [item(), pay()]}, "A6")
    till.done({"IO": [{"IO": {"sum": 1}}]})
    status = till.get("/cgi/status")
    assert (status["dev_state"], status["tmo"]) == (0x55, 0) and status["ndoc"] == 5
    till.server.set_link(True)
    assert till.get("/cgi/status")["dev_state"] == 0x35 and till.get("/cgi/status")["ndoc"] == 0
    till.done(SALE)


def test_three_reports_not_transmitted(till: Till) -> None:
    till.server.set_link(False)
    for _ in range(3):
        till.z()
    till.register()
    till.refused(SALE, "A6")
    till.server.set_link(True)
    till.done(SALE)


def test_clock(till: Till) -> None:
    assert till.get("/cgi/proc/setclock?2026-11-24T12:00:00") == {"err": []}
    assert till.get("/cgi/tbl/Time")[0]["time"].startswith("2026-11-24T12:00:0")
    assert till.get("/cgi/proc/setclock?noon") == {"err": [{"e": "xC2"}]}
    till.done(SALE)
    assert till.get("/cgi/proc/setclock?2026-11-24T13:00:00") == {"err": [{"e": "xBE"}]}
    till.z()
    assert till.get("/cgi/proc/setclock?2026-11-24T11:00:00") == {"err": [{"e": "xBD"}]}
    till.register()
    till.server.advance_clock(-7200)
    till.refused(SALE, "BD")
    assert till.z() == {"err": [{"e": "xBD"}]}


def test_modes(tmp_path: Path) -> None:
    with running(tmp_path / "one", fskmode=0) as till:
        till.refused(SALE, "C3")
        assert till.get("/cgi/state")["FskMode"] == 0
    with running(tmp_path / "two", unfiscalised=1) as till:
        till.refused(SALE, "C9")
        assert till.get("/cgi/proc/fiscalization") == {"err": []}
        assert till.get("/cgi/proc/fiscalization") == {"err": [{"e": "x3E"}]}
        till.done(SALE)


# -- the rest -------------------------------------------------------------------------------------------------------


def test_procedures(till: Till) -> None:
    for path in ("openbox", "feedpaper", "sound?100&2000", "resetmmc", "printmmcjrn", "puthdrfm", "puttaxfm"):
        assert till.get(f"/cgi/proc/{path}") == {"err": []}, path
    assert till.get("/cgi/proc/sound?loud") == {"err": [{"e": "xC2"}]}
    till.done(SALE)
    for path in ("puthdrfm", "puttaxfm"):
        assert till.get(f"/cgi/proc/{path}") == {"err": [{"e": "xCF"}]}
    assert till.server.machine.device.drawer_opened == 1  # type: ignore[attr-defined]


def test_tables(till: Till) -> None:
    for name in "Oper Pay Tax Dep Grp Time Hdr Flg TCP whiteIP FDay FTax Fsk SysLog Adm".split():  # noqa: SIM905
        assert isinstance(till.get(f"/cgi/tbl/{name}"), list), name
    assert [row["name"] for row in till.get("/cgi/tbl/Pay")][:4] == ["ГОТІВКА", "ЧЕК", "КРЕДИТ", "КАРТКА"]
    assert till.get("/cgi/tbl/Oper")[0]["pswd"] == "1111"
    assert till.get("/cgi/tbl/Nothing") == {"err": [{"e": "x33"}]}
    assert till.get("/desc")["xF9"] == "Касира не зареєстровано"
    info = till.get("/cgi/dev_info")
    assert (info["dev_zn"], info["dev_fn"]) == ("GP00000049", "3000012345")


def test_display(till: Till) -> None:
    assert till.get("/cgi/scr") == {"cols": 20, "rows": 2}
    rows = [{"id": 1, "str": "Разом", "align": "c"}, {"id": 2, "str": "25.00"}]
    assert till.http.post("/cgi/scr", json=rows).json() == {"err": []}
    assert till.registers()["display"] == ["Разом", "25.00"]
    wrong: Any
    for wrong in ([{"id": 3, "str": "х"}], [{"id": 1}], [], {}, [{"id": 1, "str": "х", "align": "z"}]):
        assert "e" in till.http.post("/cgi/scr", json=wrong).json()["err"][0]
    assert till.registers()["display"] == ["Разом", "25.00"]


def test_paper_and_cover(till: Till) -> None:
    till.server.set_paper(False)
    till.refused(SALE, "8B", 1)
    assert till.z() == {"err": [{"e": "x8B"}]} and till.get("/cgi/state")["err"] == [{"e": "x8B"}]
    till.server.set_paper(True)
    till.server.set_cover(True)
    till.refused(SALE, "88", 1)
    till.server.set_cover(False)
    till.done(SALE)
    assert till.registers()["z_number"] == 0


# -- what survives --------------------------------------------------------------------------------------------------


def test_the_memory_survives(tmp_path: Path) -> None:
    with running(tmp_path, cash=5000) as till:
        till.done(SALE)
        kept, entries = till.registers(), till.get("/cgi/chk")
    machine = virtual(tmp_path, cash=1, serial="IGNORED")
    assert machine.registers() == kept
    assert [entry["id"] for entry in entries] == [entry["id"] for entry in machine.device.memory.objects]


def test_a_foreign_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"books": {}, "model": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match="not the memory"):
        virtual(tmp_path)


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"err": "loud"}, {"cash": "much"}])
def test_wrong_options(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        virtual(tmp_path, **wrong)
