"""Documents: what is accepted, what is refused and why, and that nothing slips through the JSON."""

from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import (
    MAX_MONEY,
    Document,
    DocumentKind,
    Line,
    Payment,
    PaymentForm,
    encode,
    line_sum,
    parse,
    schema,
    tax_letters,
)
from drivers.errors import Code, Invalid
from drivers.registrar import HARDWARE_KINDS, Capabilities

LINE: dict[str, Any] = {"code": "7", "name": "Хліб", "quantity": 2000, "price": 1250, "sum": 2500, "tax": "А"}
CARD: dict[str, Any] = {"rrn": "1", "auth_code": "2", "pan_mask": "3", "terminal": "4", "payment_system": "5"}


def sale(**changes: Any) -> dict[str, Any]:
    return {
        "id": "3f2b8c1e-0000-4000-8000-000000000001",
        "kind": "sale",
        "lines": [dict(LINE)],
        "payments": [{"form": "cash", "amount": 2500}],
    } | changes


def refused(plain: dict[str, Any] | str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(plain if isinstance(plain, str) else json.dumps(plain))
    return caught.value


def test_a_good_sale() -> None:
    document = parse(json.dumps(sale()))
    assert (document.total, document.due, document.paid, document.change) == (2500, 2500, 2500, 0)
    assert parse(encode(document)) == document


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"lines": [LINE | {"sum": 2501}]}, Code.TOTAL_MISMATCH, "lines[0].sum"),
        ({"lines": [LINE | {"discount": 2501, "sum": 0}]}, Code.BAD_FIELD, "lines[0].discount"),
        ({"lines": [LINE | {"name": "   "}]}, Code.BAD_FIELD, "lines[0].name"),
        ({"lines": [LINE | {"name": "Хл\x07іб"}]}, Code.BAD_FIELD, "lines[0].name"),
        ({"lines": [LINE | {"comment": "\x01"}]}, Code.BAD_FIELD, "lines[0].comment"),
        ({"lines": [LINE | {"excise": ["АБ\n12"]}]}, Code.BAD_FIELD, "lines[0].excise[0]"),
        ({"lines": [LINE | {"tax": "A"}]}, Code.BAD_FIELD, "lines[0].tax"),
        ({"lines": []}, Code.BAD_FIELD, "lines"),
        ({"discount": 2501}, Code.BAD_FIELD, "discount"),
        ({"payments": []}, Code.PAYMENT, "payments"),
        ({"payments": [{"form": "cash", "amount": 2499}]}, Code.TOTAL_MISMATCH, "payments"),
        ({"payments": [{"form": "card", "amount": 2501}]}, Code.PAYMENT, "payments"),
        ({"payments": [{"form": "cash", "amount": 2500, "card": CARD}]}, Code.PAYMENT, "payments[0].card"),
        ({"kind": "refund", "payments": [{"form": "cash", "amount": 2600}]}, Code.PAYMENT, "payments"),
        ({"original": {"number": "1"}}, Code.BAD_FIELD, "original"),
        ({"amount": 1}, Code.BAD_FIELD, "amount"),
        ({"kind": "cash_in"}, Code.BAD_FIELD, "lines"),
        ({"kind": "cash_in", "lines": [], "payments": []}, Code.BAD_FIELD, "amount"),
        ({"kind": "zero", "lines": [], "payments": [], "discount": 1}, Code.BAD_FIELD, "lines"),
        ({"footer": ["\ud800"]}, Code.BAD_FIELD, "footer[0]"),
        (
            {"lines": [LINE | {"discount": 251, "discount_percent": 1000, "sum": 2249}]},
            Code.TOTAL_MISMATCH,
            "lines[0].discount",
        ),
        ({"lines": [LINE | {"uktzed": "2208", "dkpp": "11.22"}]}, Code.BAD_FIELD, "lines[0].dkpp"),
        ({"part": {"stage": "final", "amount": 2500}}, Code.BAD_FIELD, "part.advances"),
        ({"kind": "open_shift"}, Code.BAD_FIELD, "lines"),
        (
            {"kind": "open_shift", "lines": [], "payments": [], "part": {"stage": "next", "amount": 1}},
            Code.BAD_FIELD,
            "lines",
        ),
        ({"kind": "storno", "lines": [], "payments": []}, Code.BAD_FIELD, "original"),
    ],
)
def test_what_does_not_add_up(changes: dict[str, Any], code: Code, field: str) -> None:
    fault = refused(sale(**changes))
    assert (fault.code, fault.field) == (code, field), fault


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"lines": [LINE | {"colour": "red"}]},
        {"lines": [LINE | {"price": 12.5}]},
        {"lines": [LINE | {"price": 1250.0}]},
        {"lines": [LINE | {"price": "1250"}]},
        {"lines": [LINE | {"price": True}]},
        {"lines": [LINE | {"price": 0}]},
        {"lines": [LINE | {"price": MAX_MONEY + 1}]},
        {"lines": [LINE | {"quantity": 0}]},
        {"lines": [LINE | {"quantity": -1000}]},
        {"lines": [LINE | {"quantity": 10**12}]},
        {"lines": [LINE | {"name": "x" * 10_000}]},
        {"lines": [LINE | {"uktzed": "22 08"}]},
        {"lines": "Хліб"},
        {"kind": "gift"},
        {"id": "7"},
        {"id": None},
        {"discount": -1},
        {"rounding": 100},
        {"payments": [{"form": "cash", "amount": 0}]},
        {"payments": [{"form": "gold", "amount": 2500}]},
        {"payments": [{"form": "card", "amount": 2500, "card": {"rrn": "1"}}]},
    ],
    ids=repr,
)
def test_what_is_no_document(changes: dict[str, Any]) -> None:
    assert refused(sale(**changes)).code is Code.BAD_FIELD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "1",
        '"sale"',
        "{",
        '{"kind": NaN}',
        '{"amount": Infinity, "kind": "cash_in", "id": "3f2b8c1e-0000-4000-8000-000000000001"}',
        '{"id":"3f2b8c1e-0000-4000-8000-000000000001","kind":"zero","kind":"zero"}',
        '{"id":"3f2b8c1e-0000-4000-8000-000000000001","kind":"cash_in","amount":1e2}',
        "[" * 100_000,
        "9" * 5_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_json_of_ours(text: str) -> None:
    assert refused(text).code is Code.BAD_FIELD


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Invalid):
        parse(b"\xff\xfe\xfd")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "kind", "lines", "amount", "x"]), inner)
)))  # fmt: skip
def test_any_json_is_a_document_or_a_refusal(plain: object) -> None:
    try:
        document = parse(json.dumps(plain))
    except Invalid:
        return
    document.check()


lines = st.builds(
    lambda price, quantity, share: Line(
        code="1",
        name="Сир",
        price=price,
        quantity=quantity,
        discount=line_sum(price, quantity) * share // 100,
        sum=line_sum(price, quantity) - line_sum(price, quantity) * share // 100,
        tax="А",
    ),
    st.integers(1, 1_000_000),
    st.integers(1, 100_000),
    st.integers(0, 100),
)


@given(st.lists(lines, min_size=1, max_size=5), st.integers(0, 100), st.integers(0, 5_000))
def test_what_is_computed_adds_up(goods: list[Line], share: int, more: int) -> None:
    gross = sum(line.sum for line in goods)
    discount = gross * share // 100
    due = gross - discount
    payments = (Payment(form=PaymentForm.CASH, amount=due + more),) if due + more else ()
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=tuple(goods), discount=discount, payments=payments
    )
    document.check()
    assert parse(encode(document)) == document
    assert document.change == (more if payments else 0)
    short = msgspec.structs.replace(document, discount=discount + due + more + 1)
    with pytest.raises(Invalid):
        short.check()


def test_rounding_halves_up() -> None:
    assert [line_sum(19990, 275), line_sum(1, 500), line_sum(1, 499), line_sum(3, 1500)] == [5497, 1, 0, 5]


def test_latin_lookalikes_in_tax_letters() -> None:
    assert tax_letters(" ab ") == "АВ"


def test_non_breaking_space_is_a_space() -> None:
    parse(json.dumps(sale(lines=[LINE | {"name": "Хліб\u00a0житній"}])))


def test_schema_names_every_field() -> None:
    definitions = schema()["$defs"]
    assert set(definitions["Document"]["required"]) == {"id", "kind"}
    assert definitions["Line"]["additionalProperties"] is False


def test_what_only_a_software_registrar_does() -> None:
    opened = parse(json.dumps({"id": sale()["id"], "kind": "open_shift"}))
    undone = parse(json.dumps({"id": sale()["id"], "kind": "storno", "original": {"number": "834000504"}}))
    part = parse(
        json.dumps(sale(part={"stage": "prepayment", "amount": 1000}, payments=[{"form": "cash", "amount": 1000}]))
    )
    assert (part.total, part.due) == (2500, 1000)
    bare = Capabilities(family="x", name_length=1, line_length=1, kinds=HARDWARE_KINDS)
    bare.accept(parse(json.dumps(sale())))
    for document, field in ((opened, "kind"), (undone, "kind"), (part, "part")):
        assert parse(encode(document)) == document
        with pytest.raises(Invalid) as caught:
            bare.accept(document)
        assert (caught.value.code, caught.value.field) == (Code.UNSUPPORTED, field)
    wide = Capabilities(family="x", name_length=1, line_length=1, kinds=frozenset(DocumentKind), part_payments=True)
    for document in (opened, undone, part):
        wide.accept(document)


def test_a_percentage_off_a_line() -> None:
    line = LINE | {"discount": 250, "discount_percent": 1000, "sum": 2250}
    document = parse(json.dumps(sale(lines=[line], payments=[{"form": "cash", "amount": 2250}])))
    assert document.total == 2250


def test_new_fields_leave_the_journal_as_it_was() -> None:
    """What is not told is not written, so documents stored before read and write the same."""
    written = encode(parse(json.dumps(sale())))
    for field in (b"part", b"discount_percent", b"dkpp", b"unit_code"):
        assert field not in written
