"""Live a script in a shop, strike it, bring it back, and look after every step."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from drivers.clock import KYIV
from drivers.errors import Fault
from drivers.registrar import Mode
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import DocumentState
from kiosk.till.errors import TillError
from kiosk.till.rights import Right
from tests.simulation import office, people
from tests.simulation.invariants import Invariants
from tests.simulation.people import Told
from tests.simulation.script import Step
from tests.simulation.shop import Shop
from tests.simulation.world import Dead, Strike, World, inside

RECOVERY_BOUND = 120.0
"""Virtual seconds in which a start must have found out about a document that was left open, or given up asking."""
PATIENCE = 0.5
"""How often somebody looks after what is broken before the next thing is done."""
WAY_HOME = 20
"""Looks, half a minute apart, in which offline documents are home again."""
CLOSING_ATTEMPTS = 4
"""A healthy registrar closes its day at once; after a repair a first attempt may meet what the fault left behind."""


@dataclass
class Outcome:
    """What a life came to."""

    seed: int
    family: str
    days: int = 0
    documents: int = 0
    steps: int = 0
    deaths: int = 0
    by_machine: int = 0
    by_hand: int = 0
    unsolved: int = 0
    """Days that ended with the case that the tax service's texts leave open (fiscal-server.md §6.8, d)."""
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    at_step: int = -1
    """The step (from 0) that the first violation came up in."""

    @property
    def trace(self) -> str:
        """A hash of everything that happened: two runs of one seed share it."""
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()[:16]


def live(seed: int, family: str, steps: Sequence[Step]) -> Outcome:
    """Live the whole script, or up to the first violation."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="kasa-simulation-", dir=shm if shm.is_dir() else None))
    world = World(seed)
    outcome = Outcome(seed, family)
    try:
        if family == "prro":
            office.people()
        with inside(world), ExitStack() as stack:
            life = Life(world, folder, family, outcome)
            if family == "prro":
                stack.enter_context(office.connected(life.shop.box, life.shop.cables))
                stack.callback(office.forget_keys)
            life.through(steps)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.violations, outcome.log, outcome.faults = world.violations, world.log, world.faults
    return outcome


class Life:
    """One shop from its first morning on."""

    def __init__(self, world: World, folder: Path, family: str, outcome: Outcome) -> None:
        self.world = world
        self.outcome = outcome
        self.shop = Shop(world, folder, family)
        self.eyes = Invariants(self.shop)
        self.trouble = False
        self._power_fell = False

    def through(self, steps: Sequence[Step]) -> None:
        try:
            for index, step in enumerate(steps):
                self.step(step)
                self.outcome.steps += 1
                if self.world.violations:
                    self.outcome.at_step = index
                    return
        finally:
            self.outcome.deaths = self.shop.deaths
            self.outcome.documents = len(self.eyes._journal())
            self.world.dead = False
            self.shop.disk.failing = ""
            self.shop.close()

    # -- one step -------------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        world, shop = self.world, self.shop
        dice = random.Random(f"step-{step.seed}")
        world.advance(dice.uniform(1.0, 120.0))
        self._back_in_time()
        if self.trouble and dice.random() < PATIENCE:
            self._repair()
        world.note(str(step))
        self._aim(step, dice)
        told = self._do(lambda: self._act(step, dice))
        world.aim(None)
        if world.dead:
            told = None
            self._rise(dice)
        if shop.disk.failing:
            shop.disk.failing = ""
            self.trouble = True
        self._poll()
        if step.act == "close":
            self._end_of_day(dice)
            told = None
        if not world.violations:
            self._look(told)

    def _act(self, step: Step, dice: random.Random) -> Told:
        if step.act == "repair":
            self._repair()
            return Told(text="repaired")
        if self.shop.till.workplace.user is None:
            self.shop.login()
        if step.act not in people.ANYTIME and self.shop.till.shifts.current(self.shop.binding) is None:
            people.open_day(self.shop, dice)
        act = people.ACTS[step.act]
        return act(self.shop, dice, twice=True) if step.twice and step.act in people.PRESSED else act(self.shop, dice)

    def _do(self, act: Callable[[], Told]) -> Told | None:
        """Do it; what the till refuses is told to the cashier and is no harm. Everything else is a defect."""
        world = self.world
        try:
            told = act()
        except Dead:
            return None
        except (TillError, Fault) as error:
            world.note(f"  refused: {error}")
            return None
        except LedgerError as error:
            if not (world.dead or self.shop.disk.failing):
                world.violate(f"the ledger failed on a healthy disk: {error}")
            world.note(f"  the ledger: {error}")
            return None
        except Exception as error:
            if not world.dead:
                world.violate(f"{type(error).__name__}: {error}")
                world.note(_where(error))
            return None
        if world.dead:
            return None
        if told.text:
            world.note(f"  {told.text}")
        return told

    def _silently(self, act: Callable[..., object], *arguments: object) -> None:
        """Do what shows the cashier nothing."""

        def go() -> Told:
            act(*arguments)
            return Told()

        self._do(go)

    def _look(self, told: Told | None) -> None:
        try:
            self.eyes.look(told, trouble=self.trouble)
        except Exception as error:
            self.world.violate(f"looking: {type(error).__name__}: {error}")
            self.world.note(_where(error))

    # -- strikes --------------------------------------------------------------------------------------------------

    def _aim(self, step: Step, dice: random.Random) -> None:
        """Arrange for what happens to this step."""
        world, box = self.world, self.shop.box
        world.aim(None)
        if not step.fault:
            return
        name, _, side = step.fault.partition(":")
        if step.where in ("disk", "wire"):
            world.aim(Strike(step.at, lambda _: self._fall(step, dice), step.where))
            return
        self._count(step.fault if name != "device" else name)
        self.trouble = True
        if side:
            box.fault(
                name,
                step.command,
                nth=step.at,
                when=side,
                seconds=dice.choice((0.5, 4.0, 20.0)),
                restore_after=step.back or (dice.choice((1.0, 15.0)) if name == "F6" else None),
            )
        elif name == "computer_clock":
            world.computer_offset += _minutes(dice.choice((-180, -30, -3, 3, 30, 180)))
        elif name == "device_clock":
            box.machine.advance_clock(dice.choice((-240.0, -30.0, 30.0, 240.0)))
        elif name == "paper":
            box.machine.set_paper(False)
            self._later(step, "paper")
        elif name == "cover":
            box.machine.set_cover(True)
            self._later(step, "cover")
        elif name == "modem":
            box.set_link(False)
            self._later(step, "modem")

    def _fall(self, step: Step, dice: random.Random) -> None:
        """A strike at a point has come."""
        world, shop, box = self.world, self.shop, self.shop.box
        self._count(f"{step.fault}/{step.where}")
        self.trouble = True
        if step.fault in ("kill", "power", "mains"):
            self._power_fell = step.fault != "kill"
            if step.fault == "mains":
                box.power_off()
            world.die()
        elif step.fault == "unplug":
            box.unplug()
            self._later(step, "cable")
        elif step.fault == "loose":
            box.loose = True
            box.heard.clear()
            self._later(step, "cable")
        elif step.fault == "noise":
            box.spoil = _noise(dice, dice.choice((1, 1, 2, 5)))
        else:
            shop.disk.failing = step.fault

    def _count(self, fault: str) -> None:
        self.world.faults[fault] += 1

    def _later(self, step: Step, what: str) -> None:
        if step.back:
            self.world.actors.append(_Hand(self, self.world.time + step.back, what))

    def mend(self, what: str) -> None:
        """One thing is put right."""
        box = self.shop.box
        if what == "paper":
            box.machine.set_paper(True)
        elif what == "cover":
            box.machine.set_cover(False)
        elif what == "modem":
            box.set_link(True)
        elif what == "cable":
            box.loose = False
            box.replug()

    def _repair(self) -> None:
        """A person walks around and puts everything right."""
        box = self.shop.box
        box.forget_faults()
        box.spoil = None
        box.power_off()  # one that hangs is switched off and on again
        box.power_on()
        box.replug_own(self.shop.own_serial)
        for what in ("paper", "cover", "modem", "cable"):
            self.mend(what)
        box.machine.later("heal")
        self.shop.disk.failing = ""

    def _back_in_time(self) -> None:
        """The computer's clock is set right by the network after a while."""
        if self.world.computer_offset and self.world.dice.random() < 0.3:
            self.world.computer_offset = _minutes(0)

    # -- death and resurrection -----------------------------------------------------------------------------------

    def _rise(self, dice: random.Random) -> None:
        """The process is dead: bury it, let the machine start again, and let the till find out what it left open."""
        shop, world = self.shop, self.world
        user = shop.till.workplace.user
        shop.bury(power=self._power_fell, dice=dice)
        world.note("  dead; the till starts again")
        world.advance(dice.choice((3.0, 40.0)))
        shop.box.power_on()
        try:
            shop.start()
        except Exception as error:
            world.violate(f"the till does not start after a death: {type(error).__name__}: {error}")
            world.note(_where(error))
            return
        before = len(shop.ledger.receipts.unsettled())
        began = world.time
        self._do(lambda: Told(text=f"{len(shop.till.fiscal.recover())} found out at the start"))
        if world.time - began > RECOVERY_BOUND * max(1, before):
            world.violate(f"recovery took {world.time - began:.0f} s for {before} documents")
        self.outcome.by_machine += before - len(shop.ledger.receipts.unsettled())
        self._silently(shop.login, user.name if user is not None else "Ігор")

    def _poll(self) -> None:
        """What the program does every few seconds: ask for the status, and about open outcomes once all is well."""
        shop = self.shop
        if self.world.violations:
            return
        before = len(shop.ledger.receipts.unsettled())
        self._silently(shop.till.status.poll)
        self._silently(lambda: shop.till.unknowns.when_well(shop.till.status.view()))
        self.outcome.by_machine += before - len(shop.ledger.receipts.unsettled())

    # -- the day's end --------------------------------------------------------------------------------------------

    def _end_of_day(self, dice: random.Random) -> None:
        """Everything is repaired; what is open is found out, by the machine or by a person; the day is closed."""
        shop, world = self.shop, self.world
        self._repair()
        world.computer_offset = _minutes(0)
        world.advance(60.0)
        self._set_device_clock()
        for _ in range(CLOSING_ATTEMPTS):
            if world.violations:
                return
            self._resolve()
            if shop.till.shifts.current(shop.binding) is None:
                break
            shop.login("Ігор")
            told = self._do(lambda: people.close_day(shop, dice))
            self._poll()
            if told is not None and told.documents and told.documents[-1].done:
                continue
        self._wait_for_the_way_home()
        if not world.violations:
            self.trouble = False
            self.outcome.unsolved += not self.eyes.day_is_over()
        self.outcome.days += 1
        world.advance(_until_morning(world))

    def _wait_for_the_way_home(self) -> None:
        """Documents made without a link go home by themselves while the program only looks now and then."""
        shop, world = self.shop, self.world
        for _ in range(WAY_HOME):
            last = shop.till.workplace.desk(shop.binding).access.last
            if last is None or last.offline is None or last.offline.mode in (Mode.ONLINE, Mode.REJECTED):
                return
            world.advance(30.0)
            self._poll()
        if not world.violations:
            world.violate("the link is there, and offline documents do not go home")

    def _set_device_clock(self) -> None:
        """The device's clock is right again (a technician; most devices allow it after a Z only)."""
        machine = self.shop.box.machine
        for name in ("printer", "till", "device"):
            if hasattr(machine, name):
                memory = getattr(machine, name).memory
                getattr(memory, "books", memory).clock_offset = 0.0

    def _resolve(self) -> None:
        """The list НЕВІДОМО: ask once more, and what the registrar cannot tell a senior reads from the paper."""
        shop, world = self.shop, self.world
        shop.login("Марія")
        for item in list(shop.till.unknowns.items()):
            self._silently(shop.till.unknowns.ask, item.document.id)
            now = shop.ledger.receipts.document(item.document.id)
            if now.settled:
                self.outcome.by_machine += 1
                continue
            if now.state is DocumentState.UNKNOWN:
                entry = self.eyes.truth(now)
                self.outcome.by_hand += 1
                why = now.result.fault if now.result is not None else None
                world.note(f"  by hand: {now.kind.value} is {entry}; the registrar: {why}")
                shop.till.unknowns.decide(
                    now.id,
                    registered=entry is not None,
                    reason="прочитано з паперу",
                    number=str(entry["number"]) if entry is not None else "",
                    approval=shop.helps(Right.RESOLVE),
                )
        for receipt in shop.till.unknowns.halves():
            world.violate(f"receipt {receipt.number} is half registered with one registrar")


class _Hand:
    """Somebody who puts a thing right at a time."""

    def __init__(self, life: Life, when: float, what: str) -> None:
        self._life, self._when, self._what = life, when, what

    def due(self) -> float | None:
        return self._when

    def act(self) -> None:
        self._life.world.actors.remove(self)
        self._life.mend(self._what)


def _noise(dice: random.Random, times: int) -> Callable[[bytes], bytes]:
    left = [times]

    def spoil(data: bytes) -> bytes:
        if not left[0] or not data:
            return data
        left[0] -= 1
        place = dice.randrange(len(data))
        kind = dice.choice(("flip", "lose", "double", "insert"))
        if kind == "flip":
            return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
        if kind == "lose":
            return data[:place] + data[place + 1 :]
        if kind == "double":
            return data[: place + 1] + data[place:]
        return data[:place] + bytes([dice.randrange(256)]) + data[place:]

    return spoil


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def _until_morning(world: World) -> float:
    """Seconds until the next day, 7:40 by Kyiv's clock."""
    now = world.true_now().astimezone(KYIV)
    morning = (now + timedelta(days=1)).replace(hour=7, minute=40, second=0, microsecond=0)
    return (morning - now).total_seconds() if morning > now else 3600.0


def _where(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
