"""What a technician copies: the rules are read by udev's own tool where it can, and by a strict reader of ours always.

The reader knows the grammar of udev(7) as far as these files use it and lives the rules for described devices, so that
names and rights are tested without udev.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "udev"
RULES = sorted(FOLDER.glob("*.rules"))
UNIT = FOLDER / "kasa-kiosk.service"
MATCHES = frozenset(
    {"ACTION", "SUBSYSTEM", "KERNEL", "DRIVER", "DRIVERS", "ATTR", "ATTRS", "SUBSYSTEMS", "KERNELS", "ENV", "TEST"}
)
ASSIGNS = {
    "SYMLINK": {"+="},
    "GROUP": {"="},
    "MODE": {"="},
    "TAG": {"+="},
    "ENV": {"="},
    "ATTR": {"="},
    "OPTIONS": {"+="},
    "NAME": {"="},
    "GOTO": {"="},
    "LABEL": {"="},
}
TERM = re.compile(r'([A-Z]+)(?:\{([^}]+)\})?(==|!=|\+=|-=|:=|=)"([^"]*)"')


@dataclass
class Device:
    """A device as udev sees it; `env` after the rules holds what they set."""

    subsystem: str
    kernel: str = "x"
    driver: str = ""
    action: str = "add"
    env: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    """Drivers of the devices above it."""
    builtins: dict[str, dict[str, str]] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    group: str = ""
    mode: str = ""
    name: str = ""
    priority: int = 0


@dataclass(frozen=True)
class Term:
    key: str
    attribute: str
    operator: str
    value: str

    @property
    def matches(self) -> bool:
        return self.operator in ("==", "!=") or self.key == "IMPORT"


def parse(text: str) -> list[list[Term]]:
    """Rules as terms. Raises ValueError for anything that udev would refuse, or that `udevadm verify` frowns at."""
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split(", ")
        terms = []
        for part in parts:
            found = TERM.fullmatch(part)
            if found is None:
                raise ValueError(f"line {number}: {part!r} is no term")
            terms.append(Term(found[1], found[2] or "", found[3], found[4]))
        for term in terms:
            known = term.key in MATCHES if term.operator in ("==", "!=") else term.operator in ASSIGNS.get(term.key, ())
            if not known and not (term.key == "IMPORT" and term.attribute == "builtin" and term.operator == "="):
                raise ValueError(f"line {number}: {term} is not possible")
            if (term.key in ("ENV", "ATTR", "ATTRS", "IMPORT")) != bool(term.attribute):
                raise ValueError(f"line {number}: {term.key} with or without an attribute")
        if all(term.matches for term in terms) and not any(term.key == "IMPORT" for term in terms):
            raise ValueError(f"line {number}: the rule does nothing")
        rules.append(terms)
    labels = [term.value for terms in rules for term in terms if term.key == "LABEL"]
    if len(set(labels)) != len(labels):
        raise ValueError("a label stands twice")
    for place, terms in enumerate(rules):
        for term in terms:
            later = [t.value for rule in rules[place + 1 :] for t in rule if t.key == "LABEL"]
            if term.key == "GOTO" and term.value not in later:
                raise ValueError(f"GOTO {term.value} leads nowhere")
    return rules


def live(device: Device, *files: Path) -> Device:
    """Run the rules for a device."""
    for path in files or RULES:
        rules = parse(path.read_text(encoding="utf-8"))
        place = 0
        while place < len(rules):
            target = apply(device, rules[place])
            place += 1
            if target:
                while not any(term.key == "LABEL" and term.value == target for term in rules[place]):
                    place += 1
    return device


def apply(device: Device, terms: list[Term]) -> str:
    """One rule; the label to go to, if any."""
    for term in terms:
        if term.key == "IMPORT":
            if not all(fits(device, match) for match in terms if match.operator in ("==", "!=")):
                return ""
            device.env |= device.builtins.get(term.value, {})
        elif term.matches and not fits(device, term):
            return ""
    target = ""
    for term in terms:
        if term.matches:
            continue
        value = re.sub(r"\$env\{(\w+)\}", lambda found: device.env.get(found[1], ""), term.value)
        if term.key == "SYMLINK":
            device.links.add(value)
        elif term.key == "TAG":
            device.tags.add(value)
        elif term.key == "ENV":
            device.env[term.attribute] = value
        elif term.key == "ATTR":
            device.attributes[term.attribute] = value
        elif term.key == "OPTIONS":
            device.priority = int(value.removeprefix("link_priority="))
        elif term.key == "GOTO":
            target = value
        elif term.key != "LABEL":
            setattr(device, term.key.lower(), value)
    return target


def fits(device: Device, term: Term) -> bool:
    if term.key == "TEST":
        return term.value in device.attributes
    values = {
        "ACTION": [device.action],
        "SUBSYSTEM": [device.subsystem],
        "KERNEL": [device.kernel],
        "DRIVER": [device.driver],
        "DRIVERS": [device.driver, *device.parents],
        "ENV": [device.env.get(term.attribute, "")],
        "ATTR": [device.attributes[term.attribute]] if term.attribute in device.attributes else [],
    }[term.key]
    found = any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in term.value.split("|"))
    return found == (term.operator == "==")


def usb(vendor: str, product: str) -> Device:
    return live(
        Device(
            "usb",
            env={"DEVTYPE": "usb_device"},
            attributes={"idVendor": vendor, "idProduct": product, "power/control": "auto"},
        )
    )


def tty(vendor: str, product: str, serial: str = "", interface: str = "00", **env: str) -> Device:
    ids = {"ID_VENDOR_ID": vendor, "ID_MODEL_ID": product, "ID_USB_INTERFACE_NUM": interface}
    if serial:
        ids["ID_SERIAL_SHORT"] = serial
    path = {"ID_PATH": "pci-0000:00:14.0-usb-0:2:1.0", "ID_PATH_TAG": "pci-0000_00_14_0-usb-0_2_1_0"}
    return live(Device("tty", "ttyUSB0", env=dict(env), builtins={"usb_id": ids, "path_id": path}))


def known() -> Iterator[tuple[str, str]]:
    """Every id of the table in usb-udev.md that can be a registrar or its adapter."""
    yield from (("ffff", "1c01"), ("ffff", "1c05"), ("0483", "5740"), ("04d8", "000a"), ("fff0", "0100"))
    yield from (("0403", product) for product in ("6001", "6010", "6011", "6014", "6015"))
    yield from (("067b", "2303"), ("067b", "23a3"), ("10c4", "ea60"))
    yield from (("1a86", product) for product in ("7523", "5523", "55d4"))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_the_rules_are_well_formed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parse(text) and text.startswith("# Kasa Kiosk") and text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_udev_itself_finds_them_clean(path: Path) -> None:
    tool = shutil.which("udevadm") or shutil.which("udevadm", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None or subprocess.run([tool, "verify", "--help"], capture_output=True).returncode:
        pytest.skip("no `udevadm verify` here (Debian 13 has it)")
    done = subprocess.run([tool, "verify", "--resolve-names=never", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_sort_where_they_must() -> None:
    assert [path.name for path in RULES] == ["70-kasa.rules", "99-kasa-brltty.rules"]
    assert "60-serial.rules" < RULES[0].name < "77-mm-usb-device-blacklist.rules" < "90-brltty.rules" < RULES[1].name


@pytest.mark.parametrize(("vendor", "product"), known())
def test_a_known_device(vendor: str, product: str) -> None:
    device = usb(vendor, product)
    assert device.env["ID_MM_DEVICE_IGNORE"] == device.env["MTP_NO_PROBE"] == "1"
    assert device.attributes["power/control"] == "on"
    port = tty(vendor, product, "A1")
    assert port.links == {"registrar", "registrar-A1"}
    assert (port.group, port.mode, port.env["ID_MM_PORT_IGNORE"]) == ("dialout", "0660", "1")
    assert "uaccess" in port.tags


def test_only_registrars_are_opened_without_a_serial_driver() -> None:
    assert (usb("ffff", "1c01").group, usb("ffff", "1c01").mode) == ("dialout", "0660")
    assert usb("0403", "6001").group == ""


def test_a_receipt_printer_is_known_by_its_class() -> None:
    """Printer class 07, subclass 01, whatever the protocol and whatever else is on the device."""
    for interfaces, group in ((":070102:", "lp"), (":ff0000:070103:", "lp"), (":020201:0a0000:", ""), (":080650:", "")):
        device = live(Device("usb", env={"DEVTYPE": "usb_device", "ID_USB_INTERFACES": interfaces}))
        assert (device.group, "uaccess" in device.tags) == (group, bool(group)), interfaces


def test_without_a_serial_the_port_names_it() -> None:
    assert tty("1a86", "7523").links == {"registrar", "registrar-port-pci-0000_00_14_0-usb-0_2_1_0"}


def test_the_gateway_of_an_e07_is_not_the_register() -> None:
    assert tty("ffff", "1c05", "E07", "02").links == set()
    assert tty("0403", "6010", "FT2", "01").links == set()
    assert tty("0403", "6010", "FT2", "01", KASA_ROLE="registrar").links == {"registrar"}
    assert tty("ffff", "1c05", "E07", "00").links == {"registrar", "registrar-E07"}


def test_a_registrars_own_ids_beat_an_adapter() -> None:
    assert tty("ffff", "1c01", "A").priority > tty("0403", "6001", "B").priority
    assert tty("0403", "6001", "B", KASA_ROLE="registrar").priority > tty("ffff", "1c01", "A").priority


def test_the_technicians_word() -> None:
    assert tty("0403", "6001", "B", KASA_ROLE="scale").links == {"pos/scale"}


@pytest.mark.parametrize(("vendor", "product"), [("11ca", "0220"), ("079b", "0028"), ("046d", "c31c")])
def test_strangers_are_left_alone(vendor: str, product: str) -> None:
    device, port = usb(vendor, product), tty(vendor, product, "T1")
    assert device.attributes["power/control"] == "auto" and "ID_MM_DEVICE_IGNORE" not in device.env
    assert port.links == set() and port.group == ""


def test_a_removed_device_is_no_matter() -> None:
    device = Device("tty", "ttyUSB0", action="remove", env={"ID_VENDOR_ID": "ffff", "ID_MODEL_ID": "1c01"})
    assert live(device).links == set()


def test_ftdi_hands_bytes_over_at_once() -> None:
    device = Device("usb-serial", "ttyUSB0", driver="ftdi_sio", attributes={"latency_timer": "16"})
    assert live(device).attributes["latency_timer"] == "1"
    other = Device("usb-serial", "ttyUSB1", driver="ch341-uart", attributes={"latency_timer": "16"})
    assert live(other).attributes["latency_timer"] == "16"


def test_scanners_and_touch_screens() -> None:
    scanner = Device("input", "event3", env={"ID_INPUT_KEYBOARD": "1", "ID_VENDOR_ID": "0c2e"})
    keyboard = Device("input", "event4", env={"ID_INPUT_KEYBOARD": "1", "ID_VENDOR_ID": "046d"})
    touch = Device("input", "event5", env={"ID_INPUT_TOUCHSCREEN": "1", "ID_VENDOR_ID": "0eef"})
    assert live(scanner).links == {"pos/scanner"} and scanner.group == "input"
    assert live(keyboard).links == set() and live(touch).links == {"pos/touch"}
    serial = tty("0c2e", "0b6a", "S")
    assert serial.links == set() and serial.env["ID_MM_PORT_IGNORE"] == "1"


def test_printers_and_rndis() -> None:
    assert live(Device("usbmisc", "lp0")).group == "lp"
    assert live(Device("net", "usb0", parents=("rndis_host", "usb"))).name == "fr0"
    assert live(Device("net", "eth0", parents=("e1000e",))).name == ""


def test_brltty_gets_no_adapter() -> None:
    ids = {"idVendor": "1a86", "idProduct": "7523"}
    wants = {"DEVTYPE": "usb_device", "BRLTTY_BRAILLE_DRIVER": "bm", "SYSTEMD_WANTS": "brltty.service"}
    assert live(Device("usb", env=dict(wants), attributes=dict(ids))).env["SYSTEMD_WANTS"] == ""
    braille = Device("usb", env=dict(wants), attributes={"idVendor": "0904", "idProduct": "2000"})
    assert live(braille).env["SYSTEMD_WANTS"] == "brltty.service"


@pytest.mark.parametrize(
    "text",
    [
        'SUBSYSTEM="tty", SYMLINK+="x"',
        'SUBSYSTEM=="tty"',
        'SUBSYSTEM=="tty" , SYMLINK+="x"',
        'SUBSYSTEM=="tty", SYMLNK+="x"',
        'SUBSYSTEM=="tty", SYMLINK+="x',
        'SUBSYSTEM=="tty", GOTO="nowhere"',
        'ENV=="1", MODE="0660"',
        'LABEL="back"\nSUBSYSTEM=="tty", GOTO="back"',
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def settings() -> dict[str, list[str]]:
    lines = [line for line in UNIT.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.partition("=")[0], []).append(line.partition("=")[2])
    return found


def test_the_unit_of_the_kiosk() -> None:
    unit = settings()
    assert unit["TTYPath"] == ["/dev/tty1"] and unit["StandardError"] == ["tty"] and unit["Restart"] == ["always"]
    assert unit["User"] == ["kasa"] and {"input", "dialout", "lp"} < set(unit["SupplementaryGroups"][0].split())
    assert unit["IPAddressDeny"] == ["any"] and unit["IPAddressAllow"] == ["localhost"]
    assert any("kiosk.console:ConsoleDriver" in line for line in unit["Environment"])


def test_systemd_itself_finds_the_unit_clean(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd-analyze here")
    # The program is not installed on the machine of the tests; everything else stands as it is.
    text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"))
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run([tool, "verify", str(copy)], capture_output=True, text=True, timeout=60)
    if "Failed to" in done.stderr and UNIT.name not in done.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {done.stderr.strip()[:80]}")
    assert UNIT.name not in done.stderr and str(copy) not in done.stderr, done.stderr
