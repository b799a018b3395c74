"""`kiosk goods import | export | changes | undo`.

    kiosk goods import price.xlsx                        a dry run: every bad row by its number and reason
    kiosk goods import price.xlsx --apply                the change itself, when every row is sound
    kiosk goods import price.csv --map name=3 --apply    a column by its number or heading
    kiosk goods undo 20260301-101500-000000

Exit status: 0 done, 1 there are bad rows or cards that stayed, 2 the file or the settings cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk import config

if TYPE_CHECKING:
    from kiosk.catalogue.importing import Bad, Mapped, Preview
    from kiosk.ledger.store import SqlLedger

FINE, FOUND, USAGE = 0, 1, 2


def add(commands: Any) -> None:
    """Put the command into the parser of `kiosk`."""
    parser = commands.add_parser("goods", help="import, export and take back changes of the catalogue")
    parts = parser.add_subparsers(required=True, metavar="WHAT")
    import_ = parts.add_parser("import", help="read CSV or XLSX; without --apply nothing is stored")
    import_.add_argument("file", type=Path)
    import_.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help="by number or heading")
    import_.add_argument("--enterprise", type=int, default=0, metavar="ID", help="whose goods (the first one)")
    import_.add_argument("--apply", action="store_true", help="make the change")
    import_.add_argument("--skip-bad", action="store_true", help="make it although some rows are bad; they stay out")
    import_.set_defaults(run=_guarded(_import))
    export = parts.add_parser("export", help="write all cards to a .csv or .xlsx")
    export.add_argument("file", type=Path)
    export.set_defaults(run=_guarded(_export))
    listed = parts.add_parser("changes", help="changes that can be taken back")
    listed.set_defaults(run=_guarded(_changes))
    undo = parts.add_parser("undo", help="take a change back")
    undo.add_argument("change")
    undo.set_defaults(run=_guarded(_undo))
    for part in (import_, export, listed, undo):
        part.add_argument("--config", type=Path, metavar="FILE", help="settings of the till")
        part.add_argument("--data", type=Path, metavar="DIR", help="the till's data instead")


def _guarded(run: Any) -> Any:
    def guarded(options: argparse.Namespace) -> int:
        from drivers.clock import SystemClock
        from kiosk.catalogue.change import ChangeError
        from kiosk.catalogue.table import TableError
        from kiosk.ledger.errors import LedgerError
        from kiosk.ledger.store import open_ledger

        try:
            url = str(options.data / "ledger.db") if options.data is not None else ""
            with open_ledger(url or config.load(options.config).ledger_url, SystemClock()) as ledger:
                return int(run(options, ledger))
        except (TableError, ChangeError) as error:
            print(f"goods: {error}", file=sys.stderr)
        except LedgerError as error:
            print(f"ledger: {error.what}", file=sys.stderr)
        return USAGE

    return guarded


def _folder(options: argparse.Namespace) -> Path:
    return Path(options.data) if options.data is not None else config.load(options.config).folder


def _import(options: argparse.Namespace, ledger: SqlLedger) -> int:
    from drivers.clock import SystemClock, kyiv
    from kiosk.catalogue.change import change
    from kiosk.catalogue.importing import cards, dry_run, preview

    enterprises = {one.id: one.name for one in ledger.shop.enterprises()}
    enterprise = options.enterprise or next(iter(enterprises), 0)
    if enterprise not in enterprises:
        known = ", ".join(f"{number} {name}" for number, name in enterprises.items()) or "none is set up"
        print(f"goods: no enterprise {enterprise}; known: {known}", file=sys.stderr)
        return USAGE
    shown = preview(options.file)
    mapped = _mapped(shown, options.map)
    _tell_preview(shown, mapped)
    clock = SystemClock()
    today = kyiv(clock.now()).date()
    report = dry_run(options.file, mapped, ledger.goods, enterprise, today)
    for one in (*report.bad, *report.strange):
        print(_told(one))
    print(
        f"{report.rows} rows: {report.new} new, {report.changed} changed, {report.same} the same, "
        f"{report.bad_count} bad, {report.strange_count} strange"
    )
    if not report.rows:
        return FOUND
    if not options.apply:
        print("nothing was stored: this was a dry run" + ("" if report.bad_count else "; --apply makes the change"))
        return FOUND if report.bad_count else FINE
    if report.bad_count and not options.skip_bad:
        print("nothing was stored: mend the bad rows, or leave them out with --skip-bad")
        return FOUND
    made = change(
        ledger,
        _folder(options),
        lambda: cards(options.file, mapped, ledger.goods, enterprise, today),
        user_id=None,
        at=clock.now(),
        source=options.file.name,
    )
    print(f"{made.cards} cards changed, {made.new} of them new" if made.cards else "nothing to change")
    if made.id:
        print(f"to take it back: kiosk goods undo {made.id}")
    return FINE


def _mapped(shown: Preview, given: list[str]) -> Mapped:
    """The guess with what was said on the command line over it. Raises `TableError`."""
    from kiosk.catalogue.importing import FIELDS
    from kiosk.catalogue.table import TableError

    columns = dict(shown.mapped.columns)
    for text in given:
        name, equals, where = text.partition("=")
        if not equals or name not in FIELDS:
            raise TableError(f"--map {text!r}: write FIELD=COLUMN; fields: {', '.join(FIELDS)}")
        headings = [heading.lower() for heading in shown.headings]
        if where.isdecimal() and 1 <= int(where) <= len(headings):
            columns[name] = int(where) - 1
        elif where.lower() in headings:
            columns[name] = headings.index(where.lower())
        elif not where:
            columns.pop(name, None)
        else:
            raise TableError(f"--map {text!r}: the table has no such column; it has: {', '.join(shown.headings)}")
    return replace(shown.mapped, columns=columns)


def _tell_preview(shown: Preview, mapped: Mapped) -> None:
    names = {column: name for name, column in mapped.columns.items()}
    for column, heading in enumerate(shown.headings[:40]):
        examples = ", ".join(
            cells[column] for _number, cells in shown.rows[:3] if column < len(cells) and cells[column]
        )
        print(f"  column {column + 1} {heading!r} -> {names.get(column, 'not used')}: {examples[:60]}")


def _told(one: Bad) -> str:
    return f"row {one.row}: {one.field}: {one.what}" + ("" if one.fatal else " (strange, but possible)")


def _export(options: argparse.Namespace, ledger: SqlLedger) -> int:
    from kiosk.catalogue.exporting import export_goods

    print(f"{export_goods(ledger.goods, options.file)} cards written to {options.file}")
    return FINE


def _changes(options: argparse.Namespace, ledger: SqlLedger) -> int:
    from kiosk.catalogue.change import changes

    for record in changes(ledger):
        detail = record.detail
        print(f"{detail['id']}  {detail['cards']} cards, {detail['new']} new, from {detail['source']}")
    return FINE


def _undo(options: argparse.Namespace, ledger: SqlLedger) -> int:
    from drivers.clock import SystemClock
    from kiosk.catalogue.change import undo

    done = undo(ledger, _folder(options), options.change, user_id=None, at=SystemClock().now())
    print(f"{done.restored} cards restored, {done.removed} removed, {len(done.kept)} left as they are")
    for code in done.kept[:50]:
        print(f"  left: {code} (changed since, or sold)")
    return FOUND if done.kept else FINE
