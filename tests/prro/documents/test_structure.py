"""Our own table of the schemas: it lets nothing through that the official ones refuse."""

from __future__ import annotations

import random

import pytest

from drivers.document import DocumentKind, Original, PartPayment, Stage
from drivers.errors import Invalid
from drivers.prro.documents import begin_offline, build, figures, open_shift, read_document, z_report
from drivers.prro.documents.structure import validate
from drivers.prro.documents.xml import Node, read, write
from tests.prro.documents.random_shop import some_heading, some_receipt
from tests.prro.documents.shop import SERVICE, SHOP, heading, line, sale
from tests.prro.documents.test_examples import BY_CARD, BY_CASH, GIVEN_BACK


def documents() -> list[bytes]:
    another = Original(number="834000504", fiscal_number="4000123457", at="2026-03-04T23:30:00+02:00")
    written = [
        build(SHOP, heading(1), BY_CARD),
        build(SHOP, heading(2), BY_CASH),
        build(SHOP, heading(3), GIVEN_BACK),
        build(SHOP, heading(4), sale(line("Сир", 100), kind=DocumentKind.REFUND, original=another)),
        build(SHOP, heading(5), sale(line("Сир", 100), part=PartPayment(stage=Stage.PREPAYMENT, amount=5))),
        build(SHOP, heading(6, place=3, previous="a" * 64), BY_CASH),
        open_shift(SHOP, heading(7)),
        begin_offline(SHOP, heading(8, place=1)),
    ]
    return [*written, z_report(SHOP, heading(9), figures(read_document(data) for data in written[:4]))]


def put(root: Node, path: str, text: str) -> Node:
    """The tree with one text replaced."""
    name, content = root
    first, _, rest = path.partition("/")
    assert not isinstance(content, str)
    assert any(called == first for called, _ in content), f"{first} is not in {name}"
    done = False
    result: list[Node] = []
    for called, inner in content:
        if called == first and not done:
            done = True
            result.append(put((called, inner), rest, text) if rest else (called, text))
        else:
            result.append((called, inner))
    return (name, result)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("CHECKHEAD/TIN", "1234"),
        ("CHECKHEAD/TIN", "АЫ123456"),
        ("CHECKHEAD/IPN", "12345"),
        ("CHECKHEAD/ORDERDATE", "5032026"),
        ("CHECKHEAD/ORDERDATE", "32012026"),
        ("CHECKHEAD/ORDERTIME", "240000"),
        ("CHECKHEAD/ORDERNUM", "0"),
        ("CHECKHEAD/CASHREGISTERNUM", "FN4000"),
        ("CHECKHEAD/ORGNM", "Ж" * 257),
        ("CHECKHEAD/CASHIER", "Ж" * 129),
        ("CHECKHEAD/CASHIER", ""),
        ("CHECKTOTAL/SUM", "5"),
        ("CHECKTOTAL/SUM", "5,00"),
        ("CHECKTOTAL/SUM", "+5.00"),
        ("CHECKTOTAL/SUM", "5.000"),
        ("CHECKTOTAL/SUM", "٥.00"),
        ("CHECKPAY/ROW/PAYFORMCD", "-1"),
        ("CHECKTAX/ROW/LETTER", "АБ"),
        ("CHECKTAX/ROW/SIGN", "yes"),
        ("CHECKBODY/ROW/AMOUNT", "1.0000"),
        ("CHECKBODY/ROW/UNITCD", "100000"),
        ("CHECKBODY/ROW/CODE", "1" * 65),
    ],
)
def test_a_wrong_value_is_refused_by_name(path: str, text: str) -> None:
    root = read(build(SHOP, heading(1), BY_CARD))
    validate(root)
    with pytest.raises(Invalid) as caught:
        validate(put(root, path, text))
    assert path.split("/")[-1] in caught.value.field


@pytest.mark.parametrize(
    ("code", "fine"),
    [
        ("2208201200", True), ("22082012", True), ("220820", True), ("2208", True), ("00123", True),
        ("12345", False), ("000", False), ("0000", False), ("0000000000", False), ("22082", False),
    ],
)  # fmt: skip
def test_goods_codes(code: str, fine: bool) -> None:
    name, content = read(build(SHOP, heading(1), BY_CARD))
    assert not isinstance(content, str)
    root: Node = (name, [*content[:-1], ("CHECKBODY", [("ROW", [("UKTZED", code)])])])
    if fine:
        validate(root)
    else:
        with pytest.raises(Invalid):
            validate(root)


def mutated(root: Node, chance: random.Random) -> Node:
    """The tree with one small thing wrong (or right by luck)."""
    name, content = root
    if isinstance(content, str):
        return (name, chance.choice(["", "0", "1", "-1.00", "x", "true", content + "0", "Ж" * 300, "01132026"]))
    nodes = list(content)
    place = chance.randrange(len(nodes))
    what = chance.random()
    if what < 0.5:
        nodes[place] = mutated(nodes[place], chance)
    elif what < 0.65:
        del nodes[place]
    elif what < 0.8:
        nodes.insert(place, nodes[chance.randrange(len(nodes))])
    elif what < 0.9:
        other = chance.randrange(len(nodes))
        nodes[place], nodes[other] = nodes[other], nodes[place]
    else:
        nodes[place] = (chance.choice(["SUM", "ROW", "UID", "NAME", "TESTING", "STRANGE"]), nodes[place][1])
    return (name, nodes)


@pytest.mark.parametrize("seed", range(8))
def test_what_the_official_schema_refuses_we_refuse(seed: int) -> None:
    path = SERVICE / "xsd"
    if not path.is_dir():
        pytest.skip(f"the tax service's schemas are not beside the project ({path})")
    etree = pytest.importorskip("lxml.etree")
    schemas = {
        root: etree.XMLSchema(etree.parse(str(path / file)))
        for root, file in (("CHECK", "check01.xsd"), ("ZREP", "zrep01.xsd"))
    }
    chance = random.Random(seed)
    wrong = 0
    for data in [*documents(), *(build(SHOP, some_heading(chance, 5), some_receipt(chance)) for _ in range(10))]:
        for _ in range(15):
            root = mutated(read(data), chance)
            if schemas[root[0]].validate(etree.fromstring(write(root))):
                continue
            wrong += 1
            with pytest.raises(Invalid):
                validate(root)
    assert wrong > 50, "the mutations broke too little to prove anything"
