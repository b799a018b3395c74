"""What the server writes: tickets and copies of documents, windows-1251 (fiscal-server.md §1.4, §2.7)."""

from __future__ import annotations

import copy as _copy
from collections.abc import Callable
from datetime import datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from drivers.prro.emulator.documents import Document
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.store import Entry, Session

Sign = Callable[[bytes, bool], bytes]
"""(content, with a time stamp) -> CMS of the server."""

_DECLARATION = '<?xml version="1.0" encoding="windows-1251"?>\r\n'
_HEAD_TAIL = ("ORDERTAXNUM", "OFFLINE", "PREVDOCHASH", "REVOKED", "STORNED", "TESTING")


def accepted(entry: Entry, session: Session | None) -> bytes:
    """The ticket of a registered document; `session` is the pair that an «open shift» brings."""
    fields = {"ORDERTAXNUM": entry.fiscal}
    if session is not None:
        fields |= {"OFFLINESESSIONID": session.id, "OFFLINESEED": session.seed}
    at = datetime.fromisoformat(entry.at)
    return _ticket(entry.uid, at, str(entry.local), fields | {"ERRORCODE": "0"})


def refused(uid: str, at: datetime, local: str, refusal: Refused) -> bytes:
    """The ticket of a refusal (§1.5)."""
    return _ticket(uid, at, local, {"ERRORCODE": str(refusal.code), "ERRORTEXT": refusal.text})


def _ticket(uid: str, at: datetime, local: str, more: dict[str, str]) -> bytes:
    """Date and time are integers in the schema, so their leading zeros are gone, as the page warns."""
    fields = {
        "UID": uid,
        "ORDERDATE": str(int(f"{at:%d%m%Y}")),
        "ORDERTIME": str(int(f"{at:%H%M%S}")),
        "ORDERNUM": local,
        **more,
        "VER": "1",
    }
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return (
        f'{_DECLARATION}<TICKET xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="ticket01.xsd">{body}</TICKET>'
    ).encode("cp1251", "replace")


def copy(document: Document, entry: Entry) -> bytes:
    """The document as the server gives it away: with its fiscal number and the marks of its fate."""
    root = _copy.deepcopy(document.root)
    head = root[0]
    marks = {"ORDERTAXNUM": entry.fiscal}
    marks |= {name: "true" for name, there in (("REVOKED", entry.revoked), ("STORNED", entry.storned)) if there}
    if entry.zrep:
        marks.pop("STORNED", None)
    for name, value in marks.items():
        element = head.find(name)
        if element is None:
            later = _HEAD_TAIL[_HEAD_TAIL.index(name) + 1 :]
            at = next((index for index, child in enumerate(head) if child.tag in later), len(head))
            element = ElementTree.Element(name)
            head.insert(at, element)
        element.text = value
    body: bytes = ElementTree.tostring(root, encoding="windows-1251", xml_declaration=False)
    return _DECLARATION.encode() + body
