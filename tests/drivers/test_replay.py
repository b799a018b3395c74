"""Sessions of every family, recorded and lived again: same bytes, same verdicts, with faults on the line."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drivers import replay
from drivers.clock import SystemClock
from drivers.document import CardSlip, Document, DocumentKind, Line, Payment, PaymentForm
from drivers.errors import Invalid
from drivers.recording import without_secrets
from drivers.registrar import Registrar, State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.bench import EmulatorBench, Family, emulator_bench
from tests.contract.memory import MemoryJournal
from tests.contract.test_datecs import DATECS
from tests.contract.test_exellio import EXELLIO
from tests.contract.test_helpmicro import HELPMICRO
from tests.contract.test_ikc import IKC
from tests.contract.test_krypton import KRYPTON
from tests.contract.test_maria import MARIA

FAMILIES = {
    "datecs": DATECS,
    "datecs-tcp": replace(DATECS, url=DATECS.url.replace("serial", "tcp"), line="tcp"),
    "datecs-usb": replace(DATECS, url=DATECS.url.replace("serial", "usb"), line="usb"),
    "exellio": EXELLIO,
    "helpmicro": HELPMICRO,
    "ikc": IKC,
    "krypton": KRYPTON,
    "maria": replace(MARIA, url="maria+serial://{address}?cap=3&wait=3&first_ms=400&silence_ms=500"),
}
SLIP = CardSlip(rrn="123456789012", auth_code="A1B2C3", pan_mask="****4242", terminal="S1AB0001", payment_system="VISA")
LINES = (
    Line(code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А"),
    Line(code="8", name="Пиво", quantity=1000, price=2500, sum=2400, discount=100, tax="Б", excise=("АБВГ123456",)),
)


def sale() -> Document:
    payments = (
        Payment(form=PaymentForm.CARD, amount=1000, card=SLIP),
        Payment(form=PaymentForm.CASH, amount=5000),
    )
    return Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=LINES, discount=900, payments=payments)


def act(kind: DocumentKind, amount: int = 0) -> Document:
    return Document(id=uuid.uuid4(), kind=kind, amount=amount)


def day(registrar: Registrar, bench: EmulatorBench) -> None:
    """Questions, documents, a lost reply and an unplugged cable."""
    journal, clock = MemoryJournal(), SystemClock()
    registrar.info()
    registrar.status()
    registrar.display("Разом", "25.00")
    for document in (sale(), act(DocumentKind.CASH_IN, 777)):
        assert walk(registrar, document, journal, clock, patience=3, ask_again=0.1).state is State.REGISTERED
    bench.fault("F2", bench.family.commands["close"])
    assert walk(registrar, sale(), journal, clock, patience=3, ask_again=0.1).done
    bench.fault("F3", "*", nth=3)
    assert walk(registrar, sale(), journal, clock, patience=3, ask_again=0.1).done
    bench.unplug()
    assert walk(registrar, sale(), journal, clock, patience=0.2, ask_again=0.1).state is State.REJECTED
    bench.replug()
    assert walk(registrar, act(DocumentKind.CASH_OUT, 99_999_999), journal, clock).state is State.REJECTED
    registrar.slip(["Товарний чек"])
    registrar.x_report()
    assert walk(registrar, act(DocumentKind.Z_REPORT), journal, clock, patience=3).state is State.REGISTERED
    registrar.close()


def recorded(family: Family, folder: Path, what: Callable[[Registrar, EmulatorBench], None]) -> Path:
    path = folder / "session.wire"
    with emulator_bench(family, folder / "then", cash="100000") as bench:
        what(connect(bench.url, record=path), bench)
    return path


@pytest.mark.parametrize("name", FAMILIES)
def test_the_driver_against_its_recording(name: str, tmp_path: Path) -> None:
    path = recorded(FAMILIES[name], tmp_path, day)
    session = replay.load(path)
    report = replay.against_recording(session)
    assert report.same, report.diverged or [o.difference for o in report.outcomes if o.difference]
    assert len(report.outcomes) == sum(event.word == "call" for event in session.events) > 15
    assert report.sent == sum(len(event.what[0]) // 2 for event in session.events if event.word == ">") > 1000


@pytest.mark.parametrize("name", FAMILIES)
def test_the_recording_against_an_emulator(name: str, tmp_path: Path) -> None:
    def quiet_day(registrar: Registrar, _: EmulatorBench) -> None:
        journal = MemoryJournal()
        registrar.info()
        for document in (sale(), act(DocumentKind.CASH_OUT, 500), act(DocumentKind.CASH_OUT, 99_999_999)):
            walk(registrar, document, journal, SystemClock(), patience=0.5, ask_again=0.1)
        registrar.close()

    path = recorded(FAMILIES[name], tmp_path, quiet_day)
    with emulator_bench(FAMILIES[name], tmp_path / "now", cash="100000") as bench:
        registrar = connect(bench.url, record=False)
        report = replay.against_device(replay.load(path), registrar)
        assert report.same, [outcome.difference for outcome in report.outcomes]
        assert [entry["amount"] for entry in bench.registers()["journal"]] == [4000, 500]
        registrar.close()
    with emulator_bench(FAMILIES[name], tmp_path / "other", cash="0") as bench:
        registrar = connect(bench.url, record=False)
        bench.paper(False)
        report = replay.against_device(replay.load(path), registrar)
        assert not report.same and any("PAPER" in outcome.difference for outcome in report.outcomes)
        registrar.close()


def test_the_driver_that_asks_something_else(tmp_path: Path) -> None:
    """Each thing that a changed driver could do otherwise: bytes, a verdict, a question too many."""
    path = recorded(KRYPTON, tmp_path, day)
    text = path.read_text()
    price = text.replace(b"12.50".hex(), b"12.51".hex(), 1)
    for changed in (
        price,
        text.replace('"state":"registered"', '"state":"unknown"', 1),
        text.replace('"price":1250', '"price":1251').replace('"sum":2500', '"sum":2502'),
    ):
        assert changed != text
        path.write_text(changed)
        report = replay.against_recording(replay.load(path))
        assert not report.same
    lines = text.splitlines()
    cut = next(index for index, line in enumerate(lines) if line.startswith('["<",'))
    path.write_text("\n".join(lines[:cut] + lines[cut + 1 :]) + "\n")
    report = replay.against_recording(replay.load(path))
    assert f"line {cut + 1}" in report.diverged and "where the recording has" in report.diverged


@pytest.mark.parametrize(
    ("family", "options", "secret"),
    [
        (DATECS, {}, "4917"),
        (KRYPTON, {}, "491735"),
        (MARIA, {}, "4917352608"),
        (HELPMICRO, {}, "491735"),
    ],
    ids=["datecs", "krypton", "maria", "helpmicro"],
)
def test_secrets_stay_out(family: Family, options: dict[str, str], secret: str, tmp_path: Path) -> None:
    """The password of the URL is refused by the device; it was sent, and is in no form in the recording."""
    path = tmp_path / "session.wire"
    with emulator_bench(family, tmp_path / "device", cash="100000", **options) as bench:
        url = f"{bench.url}&password={secret}"
        registrar = connect(url, record=path)
        walk(registrar, sale(), MemoryJournal(), SystemClock(), patience=0.2, ask_again=0.1)
        registrar.close()
    text = path.read_text()
    assert secret not in text and secret.encode().hex() not in text
    assert ("*" * len(secret)).encode().hex() in text
    assert replay.against_recording(replay.load(path)).same


def test_the_mask_tells_nothing_about_the_password(tmp_path: Path) -> None:
    """Not even by a checksum: two passwords give the same recorded bytes."""
    shown = []
    for number, secret in enumerate(("1111111112", "9876543210")):
        path = tmp_path / f"{number}.wire"
        with emulator_bench(MARIA, tmp_path / str(number)) as bench:
            registrar = connect(f"{bench.url}&password={secret}", record=path)
            with pytest.raises(Exception, match="password"):
                registrar.info()
            registrar.close()
        events = replay.load(path).events
        shown.append([event.what[0] for event in events if event.word == ">" and b"UPAS".hex() in event.what[0]])
    assert shown[0] == shown[1] != []


def test_a_url_without_secrets() -> None:
    url = "datecs+serial:///dev/registrar?baud=19200&password=4917&report_password=77777"
    assert without_secrets(url) == "datecs+serial:///dev/registrar?baud=19200&password=0000&report_password=00000"
    assert without_secrets("x+http://user:pass@10.0.0.8/a?b=c") == "x+http://10.0.0.8/a?b=c"


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """A torn last line, and a call that has no end: what is whole is lived again."""
    path = recorded(DATECS, tmp_path, day)
    lines = path.read_text().splitlines(keepends=True)
    place = next(index for index, line in enumerate(lines) if line.startswith('["call","register"'))
    path.write_text("".join(lines[: place + 9]) + '["<","01')
    report = replay.against_recording(replay.load(path))
    assert report.same and report.outcomes[-1].call == "snapshot"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense\n",
        '["call","info",[],0]\n',
        '["kasa-wire",2,"datecs+serial:///dev/x","2026-11-24T10:00:00+00:00",0]\n',
        '["kasa-wire",1,"datecs+serial:///dev/x","2026-11-24T10:00:00+00:00",0]\n["call","format_disk",[],0]\n'
        '["return",null,0]\n',
        '["kasa-wire",1,"datecs+serial:///dev/x","2026-11-24T10:00:00+00:00",0]\n["call","register",[1,2],0]\n'
        '["return",null,0]\n',
    ],
)
def test_a_file_that_is_no_recording(text: str, tmp_path: Path) -> None:
    path = tmp_path / "session.wire"
    path.write_text(text)
    with pytest.raises(Invalid):
        replay.against_recording(replay.load(path))


def test_a_folder_takes_a_file_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASA_RECORD", str(tmp_path))
    for _ in range(2):
        registrar = connect("datecs+serial:///dev/no-such-port")
        with pytest.raises(Exception, match="cannot open"):
            registrar.info()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2 and all(file.name.startswith("datecs-") for file in files)
    assert all(replay.against_recording(replay.load(file)).same for file in files)
    assert any(json.loads(line)[0] == "open!" for line in files[0].read_text().splitlines())
    assert replay.load(files[0]).begun - SystemClock().now() < timedelta(minutes=1)


def test_a_recording_that_cannot_go_on_harms_no_sale(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        connect("datecs+serial:///dev/no-such-port", record=tmp_path / "no" / "folder")
    folder = tmp_path / "stick"
    folder.mkdir()
    path = folder / "session.wire"
    with emulator_bench(DATECS, tmp_path / "device", cash="100000") as bench:
        registrar = connect(bench.url, record=path)
        registrar.info()
        path.unlink()
        folder.rmdir()  # the stick is pulled out
        assert walk(registrar, sale(), MemoryJournal(), SystemClock()).state is State.REGISTERED
        folder.mkdir()
        registrar.status()
        assert not path.exists(), "half a session would be taken for a whole one"
        registrar.close()
