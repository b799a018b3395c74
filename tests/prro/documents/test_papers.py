"""Whole papers as they must look on 32, 42 and 48 columns, and what holds for any of them (fiscal-server.md §7)."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import DocumentKind
from drivers.prro.documents import (
    Outlet,
    build,
    close_shift,
    figures,
    open_shift,
    qr_text,
    read_document,
    z_report,
)
from drivers.prro.documents.forms import QR_ROW, WIDTHS, form, slip_form, x_form
from tests.prro.documents.random_shop import some_heading, some_receipt
from tests.prro.documents.shop import SHOP, act, heading
from tests.prro.documents.test_examples import BY_CARD, BY_CASH, GIVEN_BACK

CARD_32 = """\
             КОПІЯ
          ТОВ "Зразок"
        Магазин "Ялинка"
     УКРАЇНА, м. Київ, вул.
          Прикладна, 1
        ПН 123456712345
Касир: Коваль О. П.
2.000 x 149.90
ШК 4820000000017
Кава мелена 250 г       299.80 А
  Знижка 10.00%           -29.98
УКТЗЕД 2208201200
ШК 4820000000024
АМ AAAB123456
Коньяк 3 зірки 0,5 л   420.00 АГ
--------------------------------
СУМА                  689.82 ГРН
ПДВ А 20.00%              111.64
Акциз Г 5.00%              20.00
БЕЗГОТІВКОВА          689.82 ГРН
  КАРТКА                  689.82
Еквайр АТ "Банк-Еквайр" PB00417
Термінал S1K70000
Оплата
ЕПЗ XXXXXXXXXXXX1713
ПЛАТІЖНА СИСТЕМА Mastercard
КОД АВТ. 130432
RRN 606410117725
ЧЕК № 834000504           ВН 504
05.03.2026 10:15:00       ОНЛАЙН
{qr}
ФН ПРРО 4000123456
         ФІСКАЛЬНИЙ ЧЕК
           Kasa Kiosk"""

REFUND_48 = """\
                  ТОВ "Зразок"
                Магазин "Ялинка"
      УКРАЇНА, м. Київ, вул. Прикладна, 1
                ПН 123456712345
Касир: Коваль О. П.
Повернення за чеком № 834000504
2.000 x 31.15
Зошит 48 арк.                            62.30 А
Ручка                                    15.05 А
------------------------------------------------
СУМА                                   77.50 ГРН
ПДВ А 20.00%                               12.89
ГОТІВКА                                77.50 ГРН
ЧЕК № 48866.3.1229                        ВН 602
05.03.2026 10:17:00                       ОФЛАЙН
Контрольне число                            1229
{qr}
ФН ПРРО 4000123456
                 ВИДАТКОВИЙ ЧЕК"""

TEST_32 = """\
 ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ
          ТОВ "Зразок"
        Магазин "Ялинка"
     УКРАЇНА, м. Київ, вул.
          Прикладна, 1
          ІД 12345678
Касир: Коваль О. П.
       СЛУЖБОВЕ ВНЕСЕННЯ
СУМА                  500.00 ГРН
ФН 834000502              ВН 502
05.03.2026 10:11:42       ОНЛАЙН
ФН ПРРО 4000123456
 ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ"""

SLIP_32 = """\
ТОВАРНИЙ ЧЕК
05.03.2026 10:15  Касир Олена
НЕФІСКАЛЬНИЙ
Букет польовий з довгою назвою,
якої не вмістити
  1 шт x 30,00 = 30,00

СУМА 30,00 грн"""


def test_a_copy_of_a_card_receipt_on_narrow_paper() -> None:
    record = read_document(build(SHOP, heading(504, "101500"), BY_CARD), "834000504")
    assert "\n".join(form(record, width=32, maker="Kasa Kiosk", copy=True)) == CARD_32.format(qr=QR_ROW)


def test_an_offline_refund_on_wide_paper() -> None:
    data = build(SHOP, heading(602, "101700", place=3, previous="0" * 64), GIVEN_BACK)
    assert "\n".join(form(read_document(data), width=48)) == REFUND_48.format(qr=QR_ROW)


def test_a_service_paper_of_a_test_registrar_of_one_without_vat() -> None:
    shop = replace(SHOP, testing=True, ipn="")
    data = build(shop, heading(502), act(DocumentKind.CASH_IN, amount=50000))
    assert "\n".join(form(read_document(data, "834000502"), width=32)) == TEST_32


def test_a_slip_is_wrapped_and_keeps_its_indents() -> None:
    lines = [
        "ТОВАРНИЙ ЧЕК",
        "05.03.2026 10:15  Касир Олена",
        "НЕФІСКАЛЬНИЙ",
        "Букет польовий з довгою назвою, якої не вмістити",
        "  1 шт x 30,00 = 30,00",
        "",
        "СУМА 30,00 грн",
    ]
    assert "\n".join(slip_form(lines, 32)) == SLIP_32


# -- what holds for any paper ----------------------------------------------------------------------------------------

WORDY = Outlet(
    tin="12345678",
    ipn="123456712345",
    organisation="ТОВАРИСТВО З ОБМЕЖЕНОЮ ВІДПОВІДАЛЬНІСТЮ «ДУЖЕ ДОВГА НАЗВА ПІДПРИЄМСТВА І СИНИ»",
    point="Магазин «Найбільша крамниця на перехресті двох довгих вулиць»",
    address="УКРАЇНА, ДНІПРОПЕТРОВСЬКА ОБЛ., КРИВИЙ РІГ, ВУЛИЦЯ-З-ДУЖЕ-ДОВГОЮ-НАЗВОЮ-БЕЗ-ПРОБІЛІВ, буд. 1",
    desk=7,
    register="4000123456",
)


def squeezed(rows: tuple[str, ...]) -> str:
    return "".join("".join(rows).split())


def sums(rows: tuple[str, ...], label: str) -> list[int]:
    """Kopecks at the ends of the rows that begin with a label."""
    found = [re.match(rf"\s*{label}.*?(-?\d+)\.(\d\d)(?: ГРН)?$", row) for row in rows]
    return [int(each[1] + each[2]) for each in found if each]


@given(
    st.randoms(use_true_random=False),
    st.sampled_from(WIDTHS),
    st.sampled_from([DocumentKind.SALE, DocumentKind.REFUND]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_requisite_on_any_paper(
    chance: random.Random, width: int, kind: DocumentKind, offline: bool, testing: bool, copy: bool
) -> None:
    mark = {"place": 3, "previous": "0" * 64} if offline else {}
    shop = replace(WORDY, testing=testing)
    document = some_receipt(chance, kind)
    record = read_document(build(shop, heading(7, "101700", **mark), document), "" if offline else "834000504")
    rows = form(record, width=width, copy=copy, maker="Kasa Kiosk")
    text = squeezed(rows)
    assert all(len(row) <= width for row in rows)
    for requisite in (WORDY.organisation, WORDY.point, WORDY.address, "ПН 123456712345", "ФН ПРРО 4000123456"):
        assert "".join(requisite.split()) in text  # 1-4, 34
    assert f"ЧЕК№{record.fiscal_number}" in text and "05.03.202610:17:00" in text  # 26, 27
    assert rows.count(QR_ROW) == 1 and qr_text(record)  # 29
    assert ("ОФЛАЙН" in text, "ОНЛАЙН" in text) == (offline, not offline)  # 31
    assert ("Контрольнечисло" in text) == offline  # 32
    title = "ФІСКАЛЬНИЙ ЧЕК" if kind is DocumentKind.SALE else "ВИДАТКОВИЙ ЧЕК"
    stripped = [row.strip() for row in rows]
    assert stripped.count(title) == (0 if testing else 1)  # 35
    assert stripped.count("ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ") == (2 if testing else 0)
    assert ("КОПІЯ" in stripped) == copy
    for pay in record.pays:
        label = "ГОТІВКА" if pay.code == 0 else "БЕЗГОТІВКОВА|ІНШЕ"
        assert sums(rows, f"(?:{label})")  # 18


@given(st.randoms(use_true_random=False), st.sampled_from(WIDTHS))
def test_the_sums_of_a_sale_agree_with_each_other(chance: random.Random, width: int) -> None:
    """As a buyer with a pencil checks them: goods and discounts, total and rounding, money and change."""
    document = some_receipt(chance, DocumentKind.SALE)
    if document.part is not None:
        return
    record = read_document(build(SHOP, some_heading(chance, 7), document), "834000504")
    rows = form(record, width=width)
    assert record.total is not None
    (total,) = sums(rows, "СУМА")
    discounts = sum(sums(rows, "Знижка"))
    assert sum(row.cost for row in record.rows) + discounts == total == document.total
    due = sums(rows, "До сплати") or [total]
    assert due == [document.due]
    rounding = [each for row in rows for each in sums((row.replace("+", ""),), "Заокруглення")]
    assert total + sum(rounding) == document.due
    given_ = sum(sums(rows, "ГОТІВКА") + sums(rows, "БЕЗГОТІВКОВА") + sums(rows, "ІНШЕ"))
    assert given_ - sum(sums(rows, "Решта")) == document.due


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("offline", [False, True])
def test_no_service_paper_or_report_runs_over(width: int, offline: bool) -> None:
    mark = {"place": 3, "previous": "0" * 64} if offline else {}
    shift = figures([read_document(build(SHOP, heading(1), BY_CASH), "834000001")])
    papers = {
        "СЛУЖБОВЕ ВНЕСЕННЯ": build(WORDY, heading(2, **mark), act(DocumentKind.CASH_IN, amount=99999999)),
        "СЛУЖБОВА ВИДАЧА": build(WORDY, heading(2, **mark), act(DocumentKind.CASH_OUT, amount=1)),
        "ВІДКРИТТЯ ЗМІНИ": open_shift(WORDY, heading(2, **mark)),
        "ЗАКРИТТЯ ЗМІНИ": close_shift(WORDY, heading(2, **mark)),
        "Z-ЗВІТ": z_report(WORDY, heading(2, **mark), shift),
    }
    for title, data in papers.items():
        record = read_document(data, "" if offline else "834000002")
        rows = form(record, width=width, maker="Kasa Kiosk")
        stripped = [row.strip() for row in rows]
        assert all(len(row) <= width for row in rows) and title in stripped and QR_ROW not in rows
        assert ("ФІСКАЛЬНИЙ ЗВІТ" if title == "Z-ЗВІТ" else "СЛУЖБОВИЙ ДОКУМЕНТ") in stripped
        assert record.fiscal_number in squeezed(rows) and ("ОФЛАЙН" in squeezed(rows)) == offline
    rows = x_form(WORDY, shift, heading(3).moment, width=width, maker="Kasa Kiosk")
    assert all(len(row) <= width for row in rows) and "X-ЗВІТ" in [row.strip() for row in rows]
