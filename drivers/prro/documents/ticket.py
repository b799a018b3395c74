"""The server's answer to a document (fiscal-server.md §1.4). The caller has verified its signature before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from drivers.errors import Code, Invalid
from drivers.prro.documents.numbers import read_moment
from drivers.prro.documents.xml import read, texts


@dataclass(frozen=True)
class Ticket:
    """What the server says about one document. The secret `seed` is left out of every printed form.

    `moment` is None where the date is beyond repair: it proves nothing, the UID and the number do.
    """

    uid: str
    number: int
    moment: datetime | None = None
    fiscal_number: str = ""
    session: str = ""
    seed: str = field(default="", repr=False)
    error: int = 0
    error_text: str = ""
    version: str = ""

    def accepts(self, uid: UUID, number: int) -> bool:
        """Whether this ticket registers that very document: its UID, its number, no error, a fiscal number."""
        return self.answers(uid, number) and not self.error and bool(self.fiscal_number)

    def answers(self, uid: UUID, number: int) -> bool:
        """Whether this ticket is about that document at all."""
        return self.uid.strip("{} \r\n\t").upper() == str(uid).upper() and self.number == number


def read_ticket(data: bytes) -> Ticket:
    """A ticket from its XML; the date and the time may lack their leading zeros. Raises `Invalid` for anything else."""
    name, content = read(data)
    if name != "TICKET" or isinstance(content, str):
        raise Invalid(Code.FRAME, f"a ticket was expected, not {name}")
    found = texts(content)
    try:
        uid, number = found["UID"], int(found["ORDERNUM"])
        error = int(found.get("ERRORCODE", "0"))
    except (KeyError, ValueError) as fault:
        raise Invalid(Code.FRAME, f"a ticket without its UID or numbers: {fault}") from fault
    try:
        moment = read_moment(found.get("ORDERDATE", ""), found.get("ORDERTIME", ""))
    except ValueError:
        moment = None
    return Ticket(
        uid,
        number,
        moment,
        found.get("ORDERTAXNUM", "").strip(),
        found.get("OFFLINESESSIONID", "").strip(),
        found.get("OFFLINESEED", "").strip(),
        error,
        found.get("ERRORTEXT", ""),
        found.get("VER", ""),
    )
