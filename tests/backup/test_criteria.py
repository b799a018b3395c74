"""X-21 … X-25 with a whole till, its fiscal server and a real WebDAV server between two machines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.backup import archive, gap, identity, making, manifest, permit, rehearsal, restore, targets
from kiosk.backup.errors import BackupError, NotPermitted, Postponed
from kiosk.backup.gather import Source
from kiosk.backup.targets import Chosen, folder, rclone
from kiosk.config import Policy
from kiosk.till.errors import Refusal
from tests.backup.servers import Server, serve
from tests.till.prro.rig import FN, TIN, Software, build_server, lay_keys, url_of
from tests.till.shop.rig import Shop


@dataclass
class Box:
    """A machine with a till, its place of backups and the way to the cloud."""

    shop: Software
    source: Source
    target: targets.Target

    def permit(self) -> permit.Permit:
        gate = permit.Permit(self.shop.ledger, self.source.place, self.shop.clock, lambda: [self.target])
        self.shop.till.workplace.gate = gate
        return gate

    def backup(self) -> str:
        return making.run(self.source, self.shop.clock, opened=[self.target]).name


@dataclass
class Town:
    """The fiscal server, the cloud, the owner's recovery code, and machines."""

    folder: Path
    cloud: Server
    code: str
    identities: Path
    stack: ExitStack

    def __post_init__(self) -> None:
        self.emulator = self.stack.enter_context(build_server(self.folder))
        self.keys = lay_keys(self.emulator, self.folder / "keys")

    def shop(self, name: str) -> Software:
        data = self.folder / name
        url = url_of(self.emulator, self.keys, data / "prro", tape=data / "tape.txt")
        shop = Software(
            data, url, policy=Policy(cash_rounding=50, online_opening=False), tax_number=TIN,
            emulator=self.emulator, keys=self.keys,
        )  # fmt: skip
        self.stack.callback(shop.close)
        return shop

    def machine(self, name: str) -> Box:
        shop = self.shop(name)
        source = Source(shop.till.workplace.settings)
        shutil.copytree(self.identities, source.place.folder)
        return Box(shop, source, self.target(source))

    def target(self, source: Source) -> targets.Target:
        config = source.place.folder / "rclone.conf"
        rclone.add_remote(config, "password", "cloud", "webdav", self.cloud.options)
        return rclone.RcloneTarget(Chosen("cloud", "rclone", f"cloud:{self.cloud.where}"), config, "password")

    def restored(self, name: str, old: Box) -> Box:
        """What `kiosk restore` does on a machine that has nothing but the program, the keys and the code."""
        source = Source(msgspec.structs.replace(old.source.settings, data=str(self.folder / name)))
        target = self.target(source)
        beside = {each: target.get(each) for each in ("identity.json", "identity.age")}
        secret = identity.unlock(identity.sealed_of(beside["identity.json"]), self.code, source.place, old.shop.clock)
        newest = targets.stored(target, secret.shop)[0]
        path = source.place.folder / newest.name
        targets.bring(target, newest, path)
        prepared = restore.prepare(path, secret, source, old.shop.clock)
        number = max(prepared.contents.generation, permit.generation(target, secret.shop)) + 1
        restore.commit(prepared, secret, source, old.shop.clock, generation=number, identity_files=beside)
        machine = identity.machine_of(source.place)
        assert machine is not None
        permit.claim(target, machine, old.shop.clock.now(), source.place.folder)
        box = Box(self.shop(name), source, target)
        box.shop.till.workplace.settings = source.settings
        return box


@pytest.fixture
def town(tmp_path: Path, identities: tuple[Path, str]) -> Iterator[Town]:
    with ExitStack() as stack:
        cloud = stack.enter_context(serve("webdav", tmp_path / "cloud"))
        yield Town(tmp_path, cloud, identities[1], identities[0], stack)


def test_x_21_x_23_x_25_a_burnt_machine_is_replaced(town: Town) -> None:
    """A copy before five online receipts: exactly these five are listed, numbering goes on, the old machine is out."""
    old = town.machine("old")
    old.shop.begin()
    old.shop.sold("1")
    name = old.backup()
    assert old.shop.ledger.shop.setting("last_backup")
    five = [old.shop.sold("1", "2") for _ in range(5)]
    numbers = [old.shop.ledger.receipts.documents_of(receipt.id)[0].result.number for receipt in five]  # type: ignore[union-attr]
    old_stream = old.shop.stream
    old.shop.till.close()
    new = town.restored("new", old)
    assert manifest.moment_of(name) is not None
    # Nothing is sold and nothing opened before the registrar was compared.
    gate = new.permit()
    new.shop.login()
    for ask in (gate.selling, gate.opening):
        with pytest.raises(Refusal) as caught:
            ask()
        assert caught.value.code == "RESTORING"
    assert new.shop.till.fiscal.recover() == []
    # Without the key nothing can be asked: that is said, and it blocks.
    blocked = gap.compare(new.shop.till)
    assert blocked[0].fault and not gap.finish(new.shop.till, gate, blocked) and gate.closed
    new.shop.unlock()
    with pytest.raises(Refusal) as caught:
        new.shop.sell("1")
    assert caught.value.code == "RESTORING" and len(new.shop.stream) == len(old_stream)
    new.shop.till.sale.clear()
    found = gap.compare(new.shop.till)
    assert [each.number for each in found[0].missing] == numbers
    assert [each.sum for each in found[0].missing] == [receipt.due for receipt in five]
    assert gap.finish(new.shop.till, gate, found) and not gate.closed
    before = len(new.shop.stream)
    assert new.shop.sell("1").state.value == "done"
    assert len(new.shop.stream) == before + 1
    documents = [entry["fiscal"] for entry in new.shop.stream]
    assert len(set(documents)) == len(documents), "nothing twice"
    ours = {document.result.number for document in new.shop.documents if document.result} | set(numbers)
    assert ours >= {str(entry["fiscal"]) for entry in new.shop.stream}, "nothing lost"
    # The finding is kept.
    record = new.shop.ledger.audit.records(action="restore_gap")[0]
    assert [each["number"] for each in record.detail["missing"]] == numbers
    # the old machine is switched on again.
    revived = town.shop("old")
    box = Box(revived, old.source, old.target)
    box.permit()
    revived.login()
    with pytest.raises(Refusal) as refused:
        box.shop.till.workplace.gate.opening()
    assert refused.value.code == "REPLACED" and str(refused.value)
    with pytest.raises(NotPermitted):
        box.backup()
    # It knows it from now on without any network.
    town.cloud.stop()
    with pytest.raises(Refusal):
        box.permit().opening()
    # The new one is not refused by its own note.
    town.cloud.start()
    new.permit().opening()


def test_x_24_unsent_offline_documents_of_a_copy(town: Town) -> None:
    old = town.machine("old")
    old.shop.begin()
    old.shop.sold("1")
    town.emulator.unplug()
    offline = [old.shop.sold("2") for _ in range(2)]
    offline_numbers = {old.shop.ledger.receipts.documents_of(each.id)[0].result.number for each in offline}  # type: ignore[union-attr]
    old.backup()
    path = making.waiting(old.source.place)
    assert path == [], "the copy is in the cloud, and the outbox is empty"
    town.emulator.replug()
    old.shop.till.workplace.desk(old.shop.binding).access.call(lambda registrar: registrar.synchronise())  # type: ignore[attr-defined]
    there = len(old.shop.stream)
    old.shop.till.close()
    new = town.restored("new", old)
    gate = new.permit()
    new.shop.login()
    new.shop.unlock()
    found = gap.compare(new.shop.till)
    assert set(found[0].delivered) >= offline_numbers and not found[0].sent and not found[0].lost
    assert len(new.shop.stream) == there, "nothing was sent again"
    assert gap.finish(new.shop.till, gate, found)
    new.shop.sold("1")
    fiscal = [entry["fiscal"] for entry in new.shop.stream]
    assert len(set(fiscal)) == len(fiscal)


def test_a_rehearsal_restores_from_the_cloud_and_a_failing_one_is_remembered(town: Town) -> None:
    box = town.machine("old")
    box.shop.begin()
    box.shop.sold("1")
    name = box.backup()
    proof = rehearsal.rehearse(box.source, box.shop.clock, [box.target])[0]
    assert proof.contents.name == name and making.state_of(box.source.place).rehearsal_error == ""
    assert not list(box.source.place.folder.glob("rehearsal-*"))
    stored = next((town.folder / "cloud").rglob(name))
    content = bytearray(stored.read_bytes())
    content[-100] ^= 1
    stored.write_bytes(content)
    with pytest.raises(BackupError):
        rehearsal.rehearse(box.source, box.shop.clock, [box.target])
    state = making.state_of(box.source.place)
    assert state.rehearsal_error and state.rehearsed_at is not None


def test_never_during_a_half_sent_document(town: Town) -> None:
    box = town.machine("old")
    box.shop.begin()
    box.shop.sold("1")
    with box.shop.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE fiscal_documents SET state = 'pending' WHERE seq = 2")
    with pytest.raises(Postponed):
        box.backup()
    assert targets.stored(box.target) == []
    # An outcome that stays unknown does not keep the shop without copies, and the copy says so.
    box.shop.clock.ahead += making.UNDER_WAY
    name = box.backup()
    path = town.folder / "x"
    targets.bring(box.target, targets.stored(box.target)[0], path)
    machine = identity.machine_of(box.source.place)
    assert machine is not None
    contents = archive.peek(path, [machine.key], machine.verify)
    assert contents.name == name and len(contents.unsettled) == 1


@pytest.mark.parametrize("after", ["nothing", "receipts", "z"])
def test_x_23_a_hardware_registrar_is_compared_by_its_counters(
    launch: Callable[..., EmulatorServer], tmp_path: Path, identities: tuple[Path, str], after: str
) -> None:
    emulator = launch()
    url = f"datecs+serial://{emulator.address}?cap=5"
    old = Shop(tmp_path / "old", url)
    source = Source(old.till.workplace.settings)
    shutil.copytree(identities[0], source.place.folder)
    stick = tmp_path / "stick"
    stick.mkdir()
    target = folder.FolderTarget(Chosen("stick", "folder", str(stick), mark=folder.mark(stick)))
    old.begin()
    old.sold("1")
    making.run(source, old.clock, opened=[target])
    if after != "nothing":
        for _ in range(3):
            old.sold("2")
    if after == "z":
        old.login("Марія")
        old.till.closing.z(old.binding, counted=0, reason="x", approval=None)
    old.close()
    new_source = Source(msgspec.structs.replace(source.settings, data=str(tmp_path / "new")))
    secret = identity.unlock(
        identity.sealed_of(target.get("identity.json")), identities[1], new_source.place, old.clock
    )
    path = tmp_path / "copy"
    targets.bring(target, targets.stored(target)[0], path)
    prepared = restore.prepare(path, secret, new_source, old.clock)
    restore.commit(prepared, secret, new_source, old.clock, generation=2, identity_files={})
    new = Shop(tmp_path / "new", url)
    try:
        gate = permit.Permit(new.ledger, new_source.place, new.clock, list)
        new.till.workplace.gate = gate
        found = gap.compare(new.till)[0]
        assert not found.fault
        assert (found.documents, found.z_reports) == {"nothing": (0, 0), "receipts": (3, 0), "z": (0, 1)}[after]
        assert gap.finish(new.till, gate, [found])
        new.login()
        if after == "z":
            assert new.till.shifts.current(new.binding) is None, "the registrar closed the shift"
            new.open(0)
        new.sold("1")
    finally:
        new.close()


def test_a_recording_of_the_software_registrars_queue_is_in_the_copy(town: Town) -> None:
    box = town.machine("old")
    box.shop.begin()
    town.emulator.unplug()
    box.shop.sold("1")
    path = making.make(box.source, identity.machine_of(box.source.place), box.shop.clock, "manual")  # type: ignore[arg-type]
    registrar = path.registrars[0]
    assert registrar.store == f"prro/{FN}.sqlite3" and registrar.waiting >= 2 and registrar.session
    assert not any(member.path.endswith((".jks", ".lock")) for member in path.members)
    assert sum("prro" in member.path for member in path.members) == 1
