"""Settings of one workplace: a TOML file, checked by msgspec; what it leaves out has the defaults below.

Looked for at `--config`, `$KASA_CONFIG`, `/etc/kasa/kiosk.toml`, then under the XDG config folder. An unknown key or a
wrong type is refused with its name: a misspelt setting must not silently be a default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec


class ConfigError(Exception):
    """The settings file cannot be used; the text says where and why."""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Template of a weight label: `prefix`, digits of the article and of the value (grams, or kopecks if `price`)."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^2\d?$")]
    code_digits: int = 5
    value_digits: int = 5
    price: bool = False


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner decides. Sums in kopecks, periods in days, times in minutes."""

    cash_out_limit: int = 500_000
    refund_limit: int = 200_000
    return_days: int = 14
    """Law on consumer rights, art. 9: 14 days for goods of good quality."""
    lock_minutes: int = 5
    cash_rounding: Literal["law", "off", 10, 50] = "law"
    cashless_without_slip: bool = False
    change_left: int = 0
    """Cash that stays in the drawer as change after closing."""
    online_opening: bool = True
    sell_while_syncing: bool = False
    """Whether sales go on, queued behind, while offline documents are on their way to the fiscal server (VI.2)."""
    lock_key_on_logout: bool = True
    """Whether a software registrar's key is locked when the person who unlocked it logs out; a Z locks it anyway."""


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Copies of the data (`kiosk.backup`): every so many hours and after each Z; how many of each period are kept."""

    every_hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 4
    after_z: bool = True
    daily: Annotated[int, msgspec.Meta(ge=1)] = 7
    weekly: Annotated[int, msgspec.Meta(ge=0)] = 4
    monthly: Annotated[int, msgspec.Meta(ge=0)] = 12
    yearly: Annotated[int, msgspec.Meta(ge=0)] = 7
    rehearse_days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 7
    include_keys: bool = False
    """Private keys of the software registrar too: whoever has a copy and its code could then sign for the shop."""
    outbox_mb: Annotated[int, msgspec.Meta(ge=1)] = 2048
    """Most megabytes of copies that wait here for a target; the oldest give way."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One workplace. `registrar` is a registrar URL; `data` holds the ledger and everything that must survive."""

    workplace: str = "Каса 1"
    language: Literal["uk", "en"] = "uk"
    data: str = ""
    ledger: str = ""
    registrar: str = ""
    internet: str = "fs.tax.gov.ua:443"
    """Where line 1 of the checklist knocks: host:port."""
    printer: str = ""
    """The receipt printer of a software registrar (drivers.printers.address), e.g. escpos+tcp://10.0.0.9:9100."""
    receipts: str = ""
    """Folder that gets each receipt of a software registrar as a file; "" for none."""
    receipt_pictures: bool = False
    """Whether the files are pictures (PNG) too."""
    scanner: str = ""
    scales: str = ""
    demo: bool = False
    labels: tuple[Label, ...] = ()
    policy: Policy = Policy()
    backup: Backup = Backup()

    @property
    def folder(self) -> Path:
        """Where the data live."""
        if self.data:
            return Path(self.data).expanduser()
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kasa"

    @property
    def ledger_url(self) -> str:
        """What `kiosk.ledger.store.open_ledger` opens: a path, or a PostgreSQL URL."""
        return self.ledger or str(self.folder / "ledger.db")


def places() -> list[Path]:
    """Where settings are looked for, in order."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    named = [Path(os.environ["KASA_CONFIG"])] if os.environ.get("KASA_CONFIG") else []
    return [*named, Path("/etc/kasa/kiosk.toml"), home / "kasa" / "kiosk.toml"]


def load(path: Path | None = None) -> Settings:
    """Settings from `path`, or from the first place that has them, or the defaults. Raises `ConfigError`."""
    if path is None:
        path = next((place for place in places() if place.exists()), None)
        if path is None:
            return Settings()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
