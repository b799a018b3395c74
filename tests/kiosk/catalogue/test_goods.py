"""Goods of the owner: the guards of a card (X-1, X-2, X-4), tables in any shape, one change and its way back (X-3)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import SystemClock
from kiosk.catalogue.card import on_receipt, problems
from kiosk.catalogue.change import ChangeError, Done, change, changes, undo
from kiosk.catalogue.exporting import export_goods
from kiosk.catalogue.importing import Mapped, Report, cards, dry_run, guess, kopecks, preview
from kiosk.catalogue.table import TableError, open_table
from kiosk.cli import main
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import Good
from kiosk.ledger.store import SqlLedger, open_ledger

TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BREAD = Good(0, "1001", "Хліб білий", 2500, 1, barcode="4820000000017", stock=5000)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with open_ledger(tmp_path / "ledger.db", SystemClock()) as ledger:
        ledger.shop.add_enterprise("ТОВ Ромашка", "12345678")
        ledger.goods.put([BREAD])
        yield ledger


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def run(ledger: SqlLedger, path: Path) -> Report:
    return dry_run(path, preview(path).mapped, ledger.goods, 1, TODAY)


def apply(ledger: SqlLedger, path: Path) -> Done:
    mapped = preview(path).mapped
    return change(
        ledger, path.parent, lambda: cards(path, mapped, ledger.goods, 1, TODAY), user_id=1, at=NOW, source=path.name
    )


def reasons(report: Report) -> list[tuple[int, str]]:
    return [(bad.row, bad.field) for bad in report.bad]


# -- the card -----------------------------------------------------------------------------------------------------


def test_new_goods_are_fiscal(ledger: SqlLedger, tmp_path: Path) -> None:
    path = written(tmp_path / "g.csv", "код;назва;ціна;фіскальний\n7;Сіль;10,00;\n8;Перець;5,00;так\n")
    assert run(ledger, path).sound
    apply(ledger, path)
    assert all(good.fiscal for good in ledger.goods.by_codes(["7", "8"]).values())


def test_x_1_excisable_without_uktzed_cannot_be_saved_as_sellable(ledger: SqlLedger, tmp_path: Path) -> None:
    wine = replace(BREAD, code="9", name="Вино", excisable=True, barcode="")
    for uktzed in ("", "2204", "22042100", "220421000x"):
        assert "uktzed" in [one.field for one in problems(replace(wine, uktzed=uktzed), TODAY) if one.fatal], uktzed
    assert problems(replace(wine, uktzed="2204210000"), TODAY) == []
    path = written(
        tmp_path / "g.csv", "код;назва;ціна;підакцизний;укт зед\n9;Вино;100;так;\n10;Пиво;50;так;2203000100\n"
    )
    report = run(ledger, path)
    assert reasons(report) == [(2, "uktzed")] and report.new == 1
    apply(ledger, path)
    assert ledger.goods.by_code("9") is None and ledger.goods.by_code("10") is not None
    with pytest.raises(LedgerError, match="excisable"):
        ledger.goods.put([wine])


def test_x_2_unticking_fiscal_without_a_ground_is_impossible(ledger: SqlLedger, tmp_path: Path) -> None:
    path = written(
        tmp_path / "g.csv",
        "код;назва;ціна;фіскальний;підстава;підакцизний;укт зед\n"
        "2;Книга;50;ні;;;\n3;Газета;10;ні;exempt_art9;;\n4;Журнал;10;ні;бо так;;\n"
        "5;Вино;90;ні;exempt_art9;так;2204210000\n",
    )
    report = run(ledger, path)
    assert reasons(report) == [(2, "ground"), (4, "ground"), (5, "fiscal")]
    apply(ledger, path)
    assert set(ledger.goods.by_codes("2345")) == {"3"}
    (record,) = changes(ledger)
    assert (record.user_id, record.at, record.detail["grounds"]) == (1, NOW, {"exempt_art9": 1}), "who and when is kept"
    with pytest.raises(LedgerError, match="ground"):
        ledger.goods.put([replace(BREAD, code="2", fiscal=False)])


def test_x_4_a_name_is_cut_as_previewed() -> None:
    assert on_receipt("Хліб білий", 8) == ("Хліб біл", -2)
    assert on_receipt("Хліб", 8) == ("Хліб", 4)


@pytest.mark.parametrize(
    ("changes_", "field", "fatal"),
    [
        ({"name": "  "}, "name", True),
        ({"name": "х" * 251}, "name", True),
        ({"price": -1}, "price", True),
        ({"tax": "Q"}, "tax", True),
        ({"tax": "ААА"}, "tax", True),
        ({"code": ""}, "code", True),
        ({"uktzed": "12345"}, "uktzed", True),
        ({"ground": "exempt_art9"}, "ground", True),
        ({"barcode": "4820000000018"}, "barcode", False),
        ({"name": "Xліб білий"}, "name", False),
    ],
)
def test_what_is_wrong_is_named(changes_: dict[str, object], field: str, fatal: bool) -> None:
    found = problems(replace(BREAD, **changes_), TODAY)  # type: ignore[arg-type]
    assert (field, fatal) in [(one.field, one.fatal) for one in found]
    assert problems(BREAD, TODAY) == []


# -- tables -------------------------------------------------------------------------------------------------------

TEXT = "Код;Назва;Ціна;Штрихкод\n1001;Хліб «Їжачок»;25,50;4820000000017\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_any_encoding_and_separator(tmp_path: Path, ledger: SqlLedger, encoding: str, separator: str) -> None:
    text = TEXT.replace("25,50", '"25,50"').replace(";", separator).replace("\n", "\r\n")
    path = written(tmp_path / "g.csv", text, encoding)
    assert run(ledger, path).sound
    apply(ledger, path)
    good = ledger.goods.by_code("1001")
    assert good is not None and (good.name, good.price, good.stock) == ("Хліб «Їжачок»", 2550, 5000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12,50", 1250), ("12.5", 1250), ("1 234,50", 123450), ("1\u00a0234.50", 123450), ("1.234,50", 123450),
        ("1,234.50", 123450), ("12", 1200), ("12,50 грн", 1250), ("₴ 7", 700), ("0", 0), (".5", 50),
    ],
)  # fmt: skip
def test_prices_as_people_write_them(text: str, expected: int) -> None:
    assert kopecks(text) == expected


@pytest.mark.parametrize("text", ["", "безкоштовно", "1,2,3", "12.505", "-5", "1e5", "NaN", "∞", "12;5", "0x10"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="price"):
        kopecks(text)


@given(st.integers(0, 9_999_999_999))
def test_every_price_is_read_back(price: int) -> None:
    assert kopecks(f"{price // 100},{price % 100:02d}") == kopecks(f"{price // 100}.{price % 100:02d}") == price


def test_every_bad_row_is_told_by_number_and_reason(ledger: SqlLedger, tmp_path: Path) -> None:
    path = written(
        tmp_path / "g.csv",
        "код;назва;ціна;штрихкод;18+;відділ\n"
        "1;Добрий;1;;;\n"
        ";Без коду;1;;;\n"
        "\n"
        "3;;1;;;\n"
        "4;Без ціни;;;;\n"
        "1;Двічі;1;;;\n"
        "5;Чужий штрихкод;1;4820000000017;;\n"
        "6;Мабуть;1;;мабуть;\n"
        "7;Відділ;1;;;нульовий\n"
        "8;Короткий\n",
    )
    report = run(ledger, path)
    assert reasons(report) == [
        (3, "code"), (5, "name"), (6, "price"), (7, "code"), (8, "barcode"), (9, "adult"), (10, "department"),
        (11, "price"),
    ]  # fmt: skip
    assert (report.rows, report.new, report.bad_count) == (9, 1, 8) and not report.sound
    assert any("row 2 already" in bad.what for bad in report.bad)
    assert apply(ledger, path).cards == 1 and ledger.goods.count() == 2


def test_headings_are_guessed_and_told(tmp_path: Path) -> None:
    assert guess(["Артикул", "НАЙМЕНУВАННЯ", "Ціна продажу", "Одиниця_виміру", "Колір"]) == {
        "code": 0, "name": 1, "price": 2, "unit": 3,
    }  # fmt: skip
    path = written(tmp_path / "g.csv", "a;b\n1;2\n")
    assert preview(path).mapped.missing == ["code", "name", "price"]


def xlsx(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def test_an_xlsx_with_numbers_dates_and_formulas(ledger: SqlLedger, tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "g.xlsx",
        [
            ("Код", "Назва", "Ціна", "Штрихкод", "Додано"),
            (1001, "Хліб", 25.5, 4820000000017, NOW.replace(tzinfo=None)),
            ("0007", "Сіль", "10,00", None, None),
            (8, "Формула", "=1+1", None, None),
            (None, None, None, None, None),
            (9, "Довге", 19.989999999999998, None, None),
        ],
    )
    report = run(ledger, path)
    assert reasons(report) == [(4, "price")], "a formula that its program left without a value is told"
    apply(ledger, path)
    found = ledger.goods.by_codes(["1001", "0007", "9"])
    assert found["9"].price == 1999
    assert (found["1001"].price, found["1001"].barcode, found["0007"].price) == (2550, "4820000000017", 1000)


def test_merged_cells_and_two_hundred_columns(ledger: SqlLedger, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Код", "Назва", "Ціна", *(f"К{number}" for number in range(200))])
    sheet.append([1, "Хліб", 5])
    sheet.append([2, "", 6])
    sheet.merge_cells("B2:B3")
    book.save(tmp_path / "g.xlsx")
    report = run(ledger, tmp_path / "g.xlsx")
    assert reasons(report) == [(3, "name")], "a merged cell holds its value once: the other row has no name"


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"\xd0\xcf\x11\xe0 old xls", b"PK\x03\x04 no zip", b"\x00\x01\x02 binary \x00" * 50],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, ledger: SqlLedger, data: bytes) -> None:
    path = tmp_path / "g.csv"
    path.write_bytes(data)
    with pytest.raises(TableError):
        run(ledger, path)
    assert main(["goods", "import", str(path), "--data", str(tmp_path)]) == 2
    assert ledger.goods.count() == 1


def test_a_zip_bomb_is_no_price_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.catalogue import table

    monkeypatch.setattr(table, "MOST_UNPACKED", 10 << 20)
    path = tmp_path / "g.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/x.xml", "w") as part:
        for _ in range(11):
            part.write(b"\x00" * (1 << 20))
    with pytest.raises(TableError, match="gigabyte"), open_table(path) as rows:
        list(rows)


def test_a_table_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.catalogue import table

    monkeypatch.setattr(table, "MOST_ROWS", 100)
    path = written(tmp_path / "g.csv", "код;назва;ціна\n" + "1;Хліб;1\n" * 200)
    with pytest.raises(TableError, match="cut it"), open_table(path) as rows:
        list(rows)


def test_a_dry_run_can_be_stopped(ledger: SqlLedger, tmp_path: Path) -> None:
    path = written(tmp_path / "g.csv", "код;назва;ціна\n" + "".join(f"{n};Хліб {n};1\n" for n in range(3000)))
    report = dry_run(path, preview(path).mapped, ledger.goods, 1, TODAY, lambda rows: rows < 1000)
    assert not report.complete and not report.sound and report.rows == 1000


# -- the change ---------------------------------------------------------------------------------------------------


def many(tmp_path: Path, count: int = 500, price: str = "9,99") -> Path:
    rows = "".join(f"{2000 + n};Товар {n};{price}\n" for n in range(count))
    return written(tmp_path / f"many{price}.csv", "код;назва;ціна\n1001;Хліб чорний;30\n" + rows)


def test_x_3_a_mass_change_is_one_record_and_can_be_taken_back(ledger: SqlLedger, tmp_path: Path) -> None:
    before = [replace(good, id=0) for good in ledger.goods.page("", 1000)]
    done = apply(ledger, many(tmp_path))
    assert (done.cards, done.new, ledger.goods.count()) == (501, 500, 501)
    assert len(ledger.audit.records(action="goods_change")) == 1
    ledger.goods.put([replace(BREAD, name="Хліб чорний", price=3000, stock=1234)])  # a sale moved the stock meanwhile
    back = undo(ledger, tmp_path, done.id, user_id=1, at=NOW)
    assert (back.restored, back.removed, back.kept) == (1, 500, ())
    assert [replace(good, id=0) for good in ledger.goods.page("", 1000)] == [replace(before[0], stock=1234)]
    with pytest.raises(ChangeError, match="already"):
        undo(ledger, tmp_path, done.id, user_id=1, at=NOW)


def test_what_was_changed_since_is_kept(ledger: SqlLedger, tmp_path: Path) -> None:
    done = apply(ledger, many(tmp_path, 3))
    good = ledger.goods.by_code("2001")
    assert good is not None
    ledger.goods.put([replace(good, price=5)])
    back = undo(ledger, tmp_path, done.id, user_id=1, at=NOW)
    assert back.kept == ("2001",) and ledger.goods.count() == 2


def test_a_lost_or_changed_before_image_is_told(ledger: SqlLedger, tmp_path: Path) -> None:
    done = apply(ledger, many(tmp_path, 3))
    image = next((tmp_path / "catalogue").glob("*.gz"))
    image.write_bytes(image.read_bytes() + b"x")
    with pytest.raises(ChangeError, match="nothing was taken back"):
        undo(ledger, tmp_path, done.id, user_id=1, at=NOW)
    with pytest.raises(ChangeError, match="no change"):
        undo(ledger, tmp_path, "20200101-000000-000000", user_id=1, at=NOW)
    assert ledger.goods.count() == 4


def test_the_same_table_again_changes_nothing(ledger: SqlLedger, tmp_path: Path) -> None:
    apply(ledger, many(tmp_path, 5))
    again = run(ledger, many(tmp_path, 5))
    assert (again.new, again.changed, again.same) == (0, 0, 6)
    assert apply(ledger, many(tmp_path, 5)) == Done("", 0, 0)
    assert len(changes(ledger)) == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_exported_is_imported_unchanged(ledger: SqlLedger, tmp_path: Path, kind: str) -> None:
    ledger.goods.put(
        [
            replace(BREAD, code="0007", name='Сир "Їжак"; 5%', barcode="", unit="кг", weighed=True, stock=-1500),
            replace(BREAD, code="8", name="Книга", barcode="", fiscal=False, ground="exempt_art9"),
            replace(
                BREAD, code="9", name="Вино", barcode="", excisable=True, adult=True, uktzed="2204210000", tax="АГ"
            ),
        ]
    )
    path = tmp_path / f"out.{kind}"
    assert export_goods(ledger.goods, path) == 4
    report = run(ledger, path)
    assert (report.rows, report.same, report.bad_count) == (4, 4, 0), report.bad
    with pytest.raises(TableError, match="exported as"):
        export_goods(ledger.goods, tmp_path / "out.pdf")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_ledger(tmp_path / "ledger.db", SystemClock()) as ledger:
        ledger.shop.add_enterprise("ТОВ", "12345678")
    data = ["--data", str(tmp_path)]
    path = str(written(tmp_path / "g.csv", "артикул;що це;ціна\n1;Хліб;25,50\n2;Сіль;дорого\n"))
    assert main(["goods", "import", path, *data]) == 2
    assert "no column for: name" in capsys.readouterr().err
    assert main(["goods", "import", path, *data, "--map", "name=що це"]) == 1
    told = capsys.readouterr().out
    assert "row 3: price: the price 'дорого' is no number" in told and "dry run" in told
    assert main(["goods", "import", path, *data, "--map", "name=2", "--apply"]) == 1
    assert main(["goods", "import", path, *data, "--map", "name=2", "--apply", "--skip-bad"]) == 0
    change_id = capsys.readouterr().out.rsplit(" ", 1)[1].strip()
    assert main(["goods", "export", str(tmp_path / "out.csv"), *data]) == 0
    assert "1;Хліб;25.50" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert main(["goods", "changes", *data]) == 0
    assert change_id in capsys.readouterr().out
    assert main(["goods", "undo", change_id, *data]) == 0
    assert main(["goods", "undo", change_id, *data]) == 2
    assert main(["goods", "import", path, *data, "--map", "colour=1"]) == 2
    assert main(["goods", "import", path, *data, "--enterprise", "9"]) == 2
    assert main(["goods", "import", str(tmp_path / "absent.csv"), *data]) == 2


def test_a_mapping_may_leave_a_column_out() -> None:
    assert Mapped({"code": 0}).missing == ["name", "price"]
