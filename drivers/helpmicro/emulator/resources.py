"""The URLs of the device and what stands behind them (helpmicro.md §2).

Decisions where the page is silent: /cgi/proc/state answers {"state": mask}; ?id=N of the journal begins with N itself;
the fields of the tables other than id are this emulator's; tables are read only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from drivers.emulation.books import SILENCE_LIMIT
from drivers.helpmicro.emulator import codes
from drivers.helpmicro.emulator.codes import Failed
from drivers.helpmicro.emulator.device import Device
from drivers.helpmicro.emulator.documents import scaled, shown
from drivers.helpmicro.emulator.http import Request
from drivers.helpmicro.emulator.memory import FORMS, LETTERS, PAY_NAMES

ID_SAM, ID_DEV = 1_050_451, 411_123_233
TAX_NUMBER = "123456789012"
DONE: dict[str, Any] = {"err": []}
COLUMNS, ROWS = 20, 2
SAVED = 0x2000
"""Of the document state mask: registered, and not yet done with."""


class Absent(Exception):
    """The firmware has no such resource: 404."""


def state(device: Device, *, next_z: bool) -> dict[str, Any]:
    """`next_z`: currZ is the number of the Z that is to come, not of the last one."""
    memory, books = device.memory, device.books
    return {
        "model": memory.model,
        "name": books.serial,
        "serial": books.serial,
        "time": device.unix(),
        "chkId": memory.last_no,
        "JrnTime": memory.objects[0]["datetime"] if memory.objects else 0,
        "currZ": books.z_number + next_z,
        "IsWrk": int(bool(books.day.first)),
        "Fiscalization": int(memory.fiscalised),
        "FskMode": int(memory.printer_mode),
        "CurrDI": memory.last_di,
        "ID_SAM": ID_SAM,
        "ID_DEV": ID_DEV,
        "NPrLin": memory.printed_lines,
        "err": [{"e": f"x{code}"} for code in device.troubles()],
    }


def status(device: Device) -> dict[str, Any]:
    books, at = device.books, device.now()
    silent = device.silent_too_long(at)
    mask = 0x01 | (0x04 if books.personalised else 0x08) | 0x10 * (not books.hardware)
    mask |= 0x20 * (books.link and not silent) | 0x40 * silent
    return {
        "dev_state": mask,
        "tm": device.unix(),
        "tmo": max(0, round((SILENCE_LIMIT - books.silence(at)).total_seconds())),
        "ct": device.unix_of(books.sent_at),
        "bt": device.unix_of(books.waiting_since),
        "ndoc": books.waiting,
        "pers_time": 1_577_869_200,
        "sam_id": ID_SAM,
        "sam_dev_id": ID_DEV,
        "eq_id": books.serial,
    }


def dev_info(device: Device) -> dict[str, Any]:
    books = device.books
    return {
        "dev_zn": books.serial,
        "dev_ver": "ПР-05.8",
        "dev_dat": "2020-01-01",
        "dev_fn": books.fiscal_number if device.memory.fiscalised else "",
        "dev_id": ID_DEV,
        "dev_nn": TAX_NUMBER,
        "prot": "JSON",
    }


def journal(device: Device, query: str) -> list[dict[str, Any]]:
    objects = device.memory.objects
    name, _, value = query.partition("=")
    if query:
        if name not in ("id", "no") or not value.isascii() or not value.isdigit() or len(value) > 18:
            raise Failed(codes.PARAMETER)
        number = int(value)
        objects = [entry for entry in objects if (entry["id"] >= number if name == "id" else entry["no"] == number)]
    first = device.memory.objects[0]["id"] if device.memory.objects else 0
    return [{**entry, "beg_id": first} for entry in objects]


def payments(device: Device) -> list[dict[str, Any]]:
    """Cash is what lies in the drawer, the rest is what the day brought."""
    day = device.books.day
    sums = {row: day.paid.get(form, 0) - day.repaid.get(form, 0) for row, form in FORMS.items()}
    sums[1] = device.books.drawer
    return [{"no": row, "name": PAY_NAMES[row], "sum": shown(sums[row])} for row in FORMS]


# -- procedures ---------------------------------------------------------------------------------------------------


def _report(device: Device, query: str) -> Any:
    if query == "0":
        device.z_report()
    elif query == "10":
        device.x_report()
    elif query in ("1", "2"):
        device.clear_journal()
        if query == "2":
            device.other_report("ЖУРНАЛ")
    else:
        titles = {"20": "ПРОДАЖІ", "21": "ПРОДАЖІ З ОБНУЛЕННЯМ", "102": "ГОТІВКА", "107": "ПОГОДИННИЙ"}
        titles |= {str(number): f"КАСИР {number - 200}" for number in range(201, 217)}
        if query not in titles:
            raise Failed(codes.PARAMETER)
        device.other_report(titles[query])
    return DONE


def _period(device: Device, query: str) -> Any:
    try:
        kind, first_day, last_day, first, last = query.split("&")
        days = date.fromisoformat(first_day), date.fromisoformat(last_day)
        numbers = int(first), int(last)
    except ValueError:
        raise Failed(codes.PARAMETER) from None
    if kind not in ("1", "2", "3", "4"):
        raise Failed(codes.PARAMETER)
    by_date = kind in ("1", "3")

    def chosen(number: int, day: date) -> bool:
        return days[0] <= day <= days[1] if by_date else numbers[0] <= number <= numbers[1]

    device.period_report(chosen, full=kind in ("1", "2"))
    return DONE


def _set_clock(device: Device, query: str) -> Any:
    try:
        moment = datetime.strptime(query, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the device has no zones
    except ValueError:
        raise Failed(codes.PARAMETER) from None
    device.set_clock(moment)
    return DONE


def _open_box(device: Device, query: str) -> Any:
    device.drawer_opened += 1
    return DONE


def _feed(device: Device, query: str) -> Any:
    device.need_paper()
    device.print([""])
    return DONE


def _sound(device: Device, query: str) -> Any:
    length, _, pitch = query.partition("&")
    if not (length.isdigit() and pitch.isdigit()):
        raise Failed(codes.PARAMETER)
    return DONE


def _register(device: Device, query: str) -> Any:
    device.memory.white_listed = True
    return DONE


def _fiscalise(device: Device, query: str) -> Any:
    if device.memory.fiscalised:
        raise Failed(codes.FORBIDDEN)
    device.memory.fiscalised = True
    return DONE


def _reset_modem(device: Device, query: str) -> Any:
    device.transmit()
    return DONE


def _service_print(title: str, *, closed: bool) -> Callable[[Device, str], Any]:
    def procedure(device: Device, query: str) -> Any:
        if closed and device.books.day.first:
            raise Failed(codes.NO_Z)
        device.need_paper()
        device.print([title.center(42), ""])
        return DONE

    return procedure


PROCEDURES: Mapping[str, Callable[[Device, str], Any]] = {
    "printreport": _report,
    "printfmreport": _period,
    "setclock": _set_clock,
    "openbox": _open_box,
    "feedpaper": _feed,
    "sound": _sound,
    "register": _register,
    "fiscalization": _fiscalise,
    "resetmmc": _reset_modem,
    "printmmcjrn": _service_print("ЖУРНАЛ МОДЕМА", closed=False),
    "puthdrfm": _service_print("ЗАГОЛОВОК ЗАПИСАНО", closed=True),
    "puttaxfm": _service_print("ПОДАТКИ ЗАПИСАНО", closed=True),
    "lastreceipt": lambda device, query: device.memory.last_receipt,
    "state": lambda device, query: {"state": SAVED if device.memory.unprinted else 0},
}


def rooms(device: Device, name: str, *, lower: bool) -> dict[str, int]:
    total, used = (
        (device.capacity, len(device.memory.objects)) if name == "getjrnroom" else (2000, device.books.z_number)
    )
    room = {"Total": total, "Used": used}
    return {key.lower(): value for key, value in room.items()} if lower else room


# -- tables and display -------------------------------------------------------------------------------------------


def table(device: Device, name: str) -> list[dict[str, Any]]:
    memory = device.memory
    rows: dict[str, list[dict[str, Any]]] = {
        "Oper": [{"id": int(n), "name": f"Касир {n}", "pswd": word} for n, word in memory.operators.items()],
        "Pay": [{"id": row, "name": name} for row, name in PAY_NAMES.items()],
        "Tax": [{"id": n, "name": LETTERS[n - 1], "perc": rate} for n, rate in enumerate(memory.rates, 1)],
        "Dep": [{"id": 1, "name": "Відділ 1"}],
        "Grp": [{"id": 1, "name": "Група 1"}],
        "Time": [{"id": 1, "time": f"{device.now():%Y-%m-%dT%H:%M:%S}"}],
        "Hdr": [{"id": n, "line": line} for n, line in enumerate(memory.header, 1)],
        "Flg": [{"id": 1, "FskMode": int(memory.printer_mode)}],
        "TCP": [{"id": 1, "port": 80}],
        "whiteIP": [{"id": 1, "IP": "127.0.0.1"}] if memory.white_listed else [],
        "FDay": [
            {"id": record["number"], "time": device.unix_of(record["at"]), "sum": shown(sum(record["sold"].values()))}
            for record in device.books.z_list
        ],
        "FTax": [{"id": n, "perc": rate} for n, rate in enumerate(memory.rates, 1)],
        "Fsk": [{"id": 1, "FskMode": int(memory.printer_mode), "fn": device.books.fiscal_number}],
        "SysLog": [],
        "Adm": [{"id": 1, "name": "service"}],
    }
    if name not in rows:
        raise Failed(codes.TABLE)
    return rows[name]


def show(device: Device, rows: Any) -> dict[str, Any]:
    if not isinstance(rows, list) or not rows:
        raise Failed(codes.FORBIDDEN)
    lines = list(device.display)
    for place, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) - {"id", "str", "align"}:
            raise Failed(codes.FIELD, place)
        text = row.get("str")
        if not isinstance(text, str) or row.get("align", "l") not in ("l", "c", "r"):
            raise Failed(codes.VALUE, place)
        number = scaled(row.get("id"), 1, codes.VALUE)
        if not 1 <= number <= ROWS:
            raise Failed(codes.VALUE, place)
        lines[number - 1] = text[:COLUMNS]
    device.display[:] = lines
    return DONE


def tells(request: Request) -> str:
    """The resource's name: how a plan of faults calls it."""
    return request.path.removeprefix("/cgi/") + (f"?{request.query}" if request.path.endswith("/printreport") else "")
