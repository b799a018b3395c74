"""*ПРРО не працює* (cashier-flow.md VIII.4, VIII-6): the tree, its five answers, the reminder and its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock import KYIV
from drivers.registrar import Mode, RefusedDocument
from kiosk.till.offline import OfflineView
from kiosk.till.status import StatusView
from kiosk.till.trouble import Branch, Verdict, failing, tree, until_midnight
from kiosk.widgets.rows import Rows
from tests.kiosk.offline.conftest import selling
from tests.kiosk.offline.test_offline_screens import AWAY, HOUR, past, pay, sees, words
from tests.till.offline.conftest import OpenShop
from tests.till.offline.rig import BREAD, PrroShop

NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
FINE = StatusView(
    "Олена", "ПРРО", "4000123456", False, True, None, None, None, 0, False, False, False, None, "manual", (), 0, 0,
    OfflineView(Mode.ONLINE),
)  # fmt: skip


def here(view: StatusView, failed_at: datetime | None = None) -> list[Branch]:
    return [step.branch for step in tree(view, failed_at, NOW) if step.verdict is Verdict.HERE]


@pytest.mark.parametrize(
    ("view", "branch"),
    [
        (FINE, None),
        (replace(FINE, link=False, offline=None, blocks=("OFFLINE",)), Branch.LINK),
        (replace(FINE, offline=OfflineView(Mode.OFFLINE)), Branch.LINK),
        (replace(FINE, offline=OfflineView(Mode.BLOCKED, why="OFFLINE_LIMIT"), blocks=("OFFLINE_LIMIT",)), Branch.LINK),
        (replace(FINE, blocks=("CERTIFICATE_EXPIRED",)), Branch.KEY),
        (replace(FINE, blocks=("KEY_LOCKED",)), Branch.KEY),
        (replace(FINE, link=False, offline=None, blocks=("KEY_LOCKED",)), Branch.KEY),
        (replace(FINE, blocks=("ACCESS_DENIED",)), Branch.SERVER),
        (
            replace(
                FINE,
                offline=OfflineView(Mode.REJECTED, refused=RefusedDocument("PACKAGE_REFUSED", "ні", 40)),
                blocks=("SYNC_REJECTED",),
            ),
            Branch.SERVER,
        ),
    ],
)
def test_the_tree_finds_one_place(view: StatusView, branch: Branch | None) -> None:
    assert here(view) == ([branch] if branch else [])
    steps = tree(view, None, NOW)
    assert [step.branch for step in steps] == list(Branch)
    program = steps[3]
    assert program.verdict is (Verdict.FINE if branch else Verdict.MAYBE), "the program is tried when nothing is known"


def test_plain_offline_work_is_no_failure() -> None:
    assert not failing(replace(FINE, offline=OfflineView(Mode.OFFLINE)))
    assert not failing(replace(FINE, offline=OfflineView(Mode.SYNCING)))
    assert not failing(FINE)
    assert failing(replace(FINE, offline=OfflineView(Mode.BLOCKED)))
    assert failing(replace(FINE, link=False, offline=None))
    assert not failing(replace(FINE, hardware=True, link=False, offline=None)), "hardware has a page of its own"


def test_the_time_to_midnight_is_kyivs() -> None:
    failed = datetime(2026, 3, 5, 23, 30, tzinfo=KYIV)
    assert until_midnight(failed, failed.astimezone(UTC)) == timedelta(minutes=30)
    assert until_midnight(failed, failed.astimezone(UTC) + timedelta(hours=1)) == timedelta()
    summer = datetime(2026, 3, 29, 1, 0, tzinfo=KYIV)
    assert until_midnight(summer, summer.astimezone(UTC)) == timedelta(hours=22), "the day of the change has 23 hours"


async def test_viii_4_the_page_is_one_f1_from_the_failing_sale_and_from_the_menu(open_shop: OpenShop) -> None:
    shop = open_shop({"offline": 0})
    async with selling(shop) as one:
        shop.emulator.unplug()
        await past(one, shop, AWAY * 2)
        await sees(one, Mode.BLOCKED)
        await one.press("f1")
        assert one.where == "PrroTroubleScreen"
        await one.until(lambda: "1-ПРРО" in words(one), "the answer")
        assert "продаж заборонено" in words(one)
        await one.press("f1")
        assert one.where == "HelpDialog", "the keys of the sale are one more press away"
        await one.press("escape")
        assert one.where == "SaleScreen"
        await one.press("f11")
        rows = one.app.screen.query_one(Rows)
        rows.move_to([item.screen for item in rows.rows].index("prro_trouble"))
        await one.press("enter")
        assert one.where == "PrroTroubleScreen"
        await one.press("escape")
        await one.until(lambda: one.where == "SaleScreen")


async def test_viii_4_no_answer_of_a_failed_payment_leads_to_the_page(open_shop: OpenShop) -> None:
    shop = open_shop({"offline": 0})
    async with selling(shop) as one:
        await one.scan(BREAD)
        await one.press("f6")
        shop.emulator.unplug()
        await one.press("ctrl+enter")
        await one.until(lambda: one.where == "OutcomeScreen")
        await sees(one, Mode.BLOCKED)
        await one.press("f1")
        assert one.where == "PrroTroubleScreen"


async def test_viii_4_offline_work_is_the_answer_to_a_missing_link(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await sees(one, Mode.OFFLINE)
        await one.pilot.click("StatusBar", offset=(20, 2))
        await one.until(lambda: one.where == "PrroTroubleScreen")
        await one.until(lambda: "Працюйте ОФЛАЙН" in words(one), "the answer")


async def test_viii_4_a_locked_key_is_found(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.keys.lock("cashier")
        await past(one, shop, AWAY * 4)
        await one.until(lambda: one.app.view and one.app.view.blocks, "the block")
        await one.press("f1")
        await one.until(lambda: "пароль ключа" in words(one), "the answer")


async def test_viii_4_a_failure_is_written_down_once_with_a_timer_and_printed(open_shop: OpenShop) -> None:
    shop = open_shop({"offline": 0})
    async with selling(shop) as one:
        shop.emulator.unplug()
        await past(one, shop, AWAY * 2)
        await sees(one, Mode.BLOCKED)
        await one.press("f1")
        await one.press("f7")
        assert one.where == "ConfirmDialog"
        await one.press("enter")
        await one.until(lambda: one.where == "PrroTroubleScreen")
        await one.quiet()
        await one.press("end")
        # 10:01 in Kyiv: fourteen hours less two minutes are left.
        await one.until(lambda: "до опівночі, лишилось 13:5" in words(one), "the timer")
        await past(one, shop, HOUR)
        await one.press("f5")
        await one.until(lambda: one.where == "PrroTroubleScreen" and "Є звʼязок" in words(one))
        await one.press("end")
        await one.until(lambda: "лишилось 12:5" in words(one), "an hour less")
        await one.press("f8")
        text = words(one)
        for row in ("ФОП Тест", "1234567899", "4000123456", "Каса 1", "Олена"):
            assert row in text
        await one.press("enter")
        await one.press("ctrl+p")
        await one.until(lambda: "ПРРО не працює" in one.tape_text(), "paper")
        assert "Дані для форми № 2-ПРРО" in one.tape_text()
        notices = await one.ask_till(lambda: shop.ledger.audit.records(action="owner_notice"))
        assert [record.detail["about"] for record in notices].count("prro_failure") == 1
        await past(one, shop, 15 * HOUR)
        await one.press("f5")
        await one.press("end")
        await one.until(lambda: "треба було подати до опівночі" in words(one), "too late")
        await one.press("f7", "enter")
        await one.until(lambda: "F7" in words(one) and one.where == "PrroTroubleScreen")
        assert await one.ask_till(lambda: shop.till.trouble.failed_at(shop.binding)) is None
