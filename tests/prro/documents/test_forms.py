"""Printed forms: every mandatory requisite of fiscal-server.md §7.2–7.5 on every paper, nothing cut off."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import KYIV
from drivers.document import (
    Advance,
    DocumentKind,
    Original,
    PartPayment,
    PaymentForm,
    Stage,
)
from drivers.errors import Invalid
from drivers.prro.documents import Record, build, close_shift, figures, open_shift, read_document, z_report
from drivers.prro.documents.forms import QR_ROW, WIDTHS, ShiftNotes, form, x_form
from tests.prro.documents.random_shop import some_heading, some_receipt
from tests.prro.documents.shop import SHOP, act, heading, line, paid, sale
from tests.prro.documents.test_examples import BY_CARD, BY_CASH, GIVEN_BACK

LAYOUT = """\
               ТОВ "Зразок"
             Магазин "Ялинка"
   УКРАЇНА, м. Київ, вул. Прикладна, 1
             ПН 123456712345
Касир: Коваль О. П.
2.000 x 31.15
Зошит 48 арк.                      62.30 А
Ручка                              15.05 А
------------------------------------------
СУМА                             77.35 ГРН
ПДВ А 20.00%                         12.89
Заокруглення                         +0.15
До сплати                        77.50 ГРН
ГОТІВКА                         100.00 ГРН
Решта                            22.50 ГРН
ЧЕК № 834000504                     ВН 504
05.03.2026 10:15:00                 ОНЛАЙН
{qr}
ФН ПРРО 4000123456
              ФІСКАЛЬНИЙ ЧЕК"""


def record(document: object = BY_CASH, number: str = "834000504", **mark: object) -> Record:
    return read_document(build(SHOP, heading(504, "101500", **mark), document), number)  # type: ignore[arg-type]


def has(rows: tuple[str, ...], *wanted: str) -> None:
    """Every wanted text is there, in this order, whatever rows and spaces it is spread over."""
    told = " ".join(" ".join(rows).split())
    for text in wanted:
        assert text in told, f"{text!r} does not follow; left: {told}"
        told = told[told.index(text) + len(text) :]


def test_the_suggested_layout() -> None:
    assert "\n".join(form(record())) == LAYOUT.format(qr=QR_ROW)


@given(
    st.randoms(use_true_random=False),
    st.sampled_from(WIDTHS),
    st.sampled_from([DocumentKind.SALE, DocumentKind.REFUND]),
)
def test_any_receipt_on_any_paper(chance: random.Random, width: int, kind: DocumentKind) -> None:
    document = some_receipt(chance, kind)
    receipt = read_document(build(SHOP, some_heading(chance, 7), document), "834000504")
    rows = form(receipt, width=width)
    assert all(len(row) <= width for row in rows)
    assert rows.count(QR_ROW) == 1
    text = " ".join(" ".join(rows).split())
    squeezed = "".join(text.split())
    for row in receipt.rows:
        assert "".join(row.name.split()) in squeezed
        assert all(stamp in text for stamp in row.stamps)
        assert not row.uktzed or f"УКТЗЕД {row.uktzed}" in text
    for tax in receipt.taxes:
        assert f"{tax.name} {tax.letter}" in text
    for pay in receipt.pays:
        assert all(slip.pan_mask in text for slip in pay.slips)
    assert ("Решта" in text) == (kind is DocumentKind.SALE and any(pay.code == 0 for pay in receipt.pays))
    assert "ФН ПРРО 4000123456" in text and "834000504" in text and "ОНЛАЙН" in text


def test_a_card_receipt() -> None:
    rows = form(record(BY_CARD))
    has(
        rows,
        "ШК 4820000000017",
        "Кава мелена 250 г 299.80 А",
        "Знижка 10.00% -29.98",
        "УКТЗЕД 2208201200",
        "АМ AAAB123456",
        "Коньяк 3 зірки 0,5 л 420.00 АГ",
        "СУМА 689.82 ГРН",
        "ПДВ А 20.00% 111.64",
        "Акциз Г 5.00% 20.00",
        "БЕЗГОТІВКОВА 689.82 ГРН",
        "КАРТКА 689.82",
        'Еквайр АТ "Банк-Еквайр" PB00417',
        "Термінал S1K70000",
        "Оплата",
        "ЕПЗ XXXXXXXXXXXX1713",
        "ПЛАТІЖНА СИСТЕМА Mastercard",
        "КОД АВТ. 130432",
    )
    assert not any("Решта" in row or "До сплати" in row for row in rows)


def test_change_of_nothing_is_printed_for_cash() -> None:
    has(form(record(sale(line("Хліб", 100)))), "ГОТІВКА 1.00 ГРН", "Решта 0.00 ГРН")


def test_mixed_payment_groups_by_form() -> None:
    document = sale(
        line("Хліб", 10000),
        payments=(
            paid(1000, PaymentForm.CARD),
            paid(2000, PaymentForm.IBAN),
            paid(3000, PaymentForm.CREDIT),
            paid(4500),
        ),
    )
    rows = form(record(document))
    has(rows, "БЕЗГОТІВКОВА 30.00 ГРН", "КАРТКА 10.00", "ПЕРЕКАЗ З ПОТОЧНОГО РАХУНКУ 20.00", "ІНШЕ 30.00 ГРН")
    has(rows, "ГОТІВКА 45.00 ГРН", "Решта 5.00 ГРН")


def test_an_offline_receipt() -> None:
    data = build(SHOP, heading(602, "101700", place=3, previous="0" * 64), BY_CASH)
    rows = form(read_document(data))
    has(rows, "ЧЕК № 48866.3.1229 ВН 602", "05.03.2026 10:17:00 ОФЛАЙН", "Контрольне число 1229")


def test_a_refund() -> None:
    rows = form(record(GIVEN_BACK), maker="Каса")
    has(rows, "Повернення за чеком № 834000504", "СУМА 77.50 ГРН", "ФН ПРРО 4000123456", "ВИДАТКОВИЙ ЧЕК", "Каса")
    assert not any("ФІСКАЛЬНИЙ" in row or "Решта" in row for row in rows)
    assert not any("Заокруглення" in row or "До сплати" in row for row in rows), "ФКЧ-2 has no such rows (§7.3)"


def test_a_refund_of_another_registrars_sale_names_it() -> None:
    original = Original(number="834000504", fiscal_number="4000123457", at="2026-03-04T23:30:00+02:00")
    document = sale(line("Хліб", 100), kind=DocumentKind.REFUND, original=original)
    has(form(record(document)), "Повернення за чеком № 834000504", "ФН РРО чека 4000123457 від 04.03.2026")


def test_a_test_document_never_says_fiscal() -> None:
    shop = replace(SHOP, testing=True)
    mark = "ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ"
    for data in (
        build(shop, heading(1), BY_CASH),
        build(shop, heading(2), GIVEN_BACK),
        z_report(shop, heading(3), figures([])),
        open_shift(shop, heading(4)),
    ):
        rows = form(read_document(data, "1"))
        assert rows[0].strip() == mark and [row.strip() for row in rows].count(mark) == 2
        text = " ".join(rows).replace(mark, "")
        assert "ФІСКАЛЬНИЙ" not in text and "ВИДАТКОВИЙ" not in text and "СЛУЖБОВИЙ ДОКУМЕНТ" not in text
    assert [row.strip() for row in x_form(shop, figures([]), heading(5).moment)].count(mark) == 2


def test_a_copy_says_so() -> None:
    assert "КОПІЯ" in [row.strip() for row in form(record(), copy=True)]
    assert "КОПІЯ" not in [row.strip() for row in form(record())]


def test_a_seller_without_vat() -> None:
    data = build(replace(SHOP, ipn=""), heading(1), sale(line("Хліб", 100, tax="Е")))
    has(form(read_document(data, "1")), "ІД 12345678", "Без ПДВ")


def test_a_prepayment_shows_the_money_received() -> None:
    document = sale(line("Шафа", 100000), part=PartPayment(stage=Stage.PREPAYMENT, amount=30000))
    has(
        form(record(document)),
        "1.000 x 1000.00",
        "Аванс за: Шафа 300.00 А",
        "СУМА 300.00 ГРН",
        "Повна вартість 1000.00",
        "Залишок до сплати 700.00",
        "ГОТІВКА 300.00 ГРН",
    )


def test_a_settlement_shows_the_advance_and_the_rest() -> None:
    for taken, rest in ((30000, "700.00"), (100000, "0.00")):
        advances = (Advance(number="834000500", amount=taken),)
        part = PartPayment(stage=Stage.FINAL, amount=100000 - taken, advances=advances)
        has(
            form(record(sale(line("Шафа", 100000), part=part))),
            "Шафа 1000.00 А",
            "СУМА 1000.00 ГРН",
            "Передплата за чеком № 834000500",
            f"Передплата зараховано -{taken // 100}.00",
            f"До сплати {rest} ГРН",
        )


def test_service_papers() -> None:
    put_in = read_document(build(SHOP, heading(502), act(DocumentKind.CASH_IN, amount=50000)), "834000502")
    has(form(put_in), "СЛУЖБОВЕ ВНЕСЕННЯ", "СУМА 500.00 ГРН", "ФН 834000502 ВН 502", "СЛУЖБОВИЙ ДОКУМЕНТ")
    taken = read_document(build(SHOP, heading(502), act(DocumentKind.CASH_OUT, amount=1)), "834000502")
    has(form(taken), "СЛУЖБОВА ВИДАЧА", "СУМА 0.01 ГРН")
    undone = act(DocumentKind.STORNO, original=Original(number="834000502"))
    has(form(read_document(build(SHOP, heading(503), undone), "834000503")), "Сторнується документ № 834000502")
    has(form(read_document(open_shift(SHOP, heading(1)), "1")), "ВІДКРИТТЯ ЗМІНИ", "СЛУЖБОВИЙ ДОКУМЕНТ")
    has(form(read_document(close_shift(SHOP, heading(1)), "1")), "ЗАКРИТТЯ ЗМІНИ")
    for rows in (form(put_in), form(taken)):
        assert QR_ROW not in rows


NOTES = ShiftNotes(datetime(2026, 3, 5, 9, tzinfo=KYIV), 1000, "834000505", datetime(2026, 3, 5, 17, tzinfo=KYIV))
BODY = (
    "Зміну відкрито 05.03.2026 09:00:00",
    "Останній чек № 834000505",
    "Час останнього чека 05.03.2026 17:00:00",
    "РЕАЛІЗАЦІЯ 767.32 ГРН",
    "Кількість чеків 2",
    "ГОТІВКА 77.50",
    "КАРТКА 689.82",
    "Заокруглення +0.15",
    "Без заокруглення 767.17",
    "ПДВ А 20.00%",
    "Обіг 797.15",
    "База 747.17",
    "Сума податку 124.53",
    "Акциз Г 5.00%",
    "ПОВЕРНЕННЯ 77.50 ГРН",
    "Кількість чеків 1",
    "На початок зміни 10.00",
    "Службове внесення 500.00",
    "Службова видача 300.00",
    "Отримано готівкою 77.50",
    "Повернено готівкою 77.50",
    "На кінець зміни 210.00",
)


@pytest.mark.parametrize("width", WIDTHS)
def test_z_and_x_tell_the_same_shift(width: int) -> None:
    acts = [act(DocumentKind.CASH_IN, amount=50000), BY_CARD, BY_CASH, GIVEN_BACK]
    acts.append(act(DocumentKind.CASH_OUT, amount=30000))
    shift = figures(
        read_document(build(SHOP, heading(number), document), str(number)) for number, document in enumerate(acts, 1)
    )
    data = read_document(z_report(SHOP, heading(507, "180105"), shift), "834000507")
    z = form(data, width=width, notes=NOTES)
    x = x_form(SHOP, shift, heading(1, "120000").moment, width=width, notes=NOTES, cashier="Коваль О. П.")
    has(z, "Z-ЗВІТ", "ПРРО ФН 4000123456 ВН 7", *BODY, "Z-ЗВІТ № 834000507 ВН 507", "ФІСКАЛЬНИЙ ЗВІТ")
    has(
        x,
        "Касир: Коваль О. П.",
        "X-ЗВІТ",
        "ПРРО ФН 4000123456 ВН 7",
        *BODY,
        "05.03.2026 12:00:00",
        "СЛУЖБОВИЙ ДОКУМЕНТ",
    )
    assert all(len(row) <= width for row in (*z, *x))
    assert not any("ФІСКАЛЬНИЙ" in row for row in x)
    assert x == x_form(SHOP, shift, heading(1, "120000").moment, width=width, notes=NOTES, cashier="Коваль О. П.")


def test_the_shops_own_words_and_a_good_that_looks_like_the_code() -> None:
    rows = form(record(sale(line("QR", 100))), header=("Вітаємо!",), footer=("Дякуємо",))
    assert "Вітаємо!" in rows and rows[-1] == "Дякуємо"
    assert rows.count(QR_ROW) == 1


def test_nothing_is_printed_before_the_number_is_known() -> None:
    with pytest.raises(Invalid, match="fiscal number"):
        form(record(number=""))


def test_a_paper_too_narrow() -> None:
    with pytest.raises(ValueError, match="24"):
        form(record(), width=23)
