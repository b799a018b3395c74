"""Questions and acts over HTTP with digest authentication (helpmicro.md §1, §4). httpx is imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.clock import Clock
from drivers.errors import Code, LinkLost, Refused
from drivers.helpmicro import documents, refusals
from drivers.links import Link

if TYPE_CHECKING:
    import httpx

QUESTION = 10.0
"""Seconds for an answer to a question."""
HEADERS = {"Content-Type": "text/plain;charset=UTF-8", "Accept-Encoding": "deflate", "User-Agent": "kasa"}


class Session:
    """Requests to one device.

    `host` names it in the requests; `account` reads and reports, `cashier` registers documents: login and password;
    `cap` bounds every wait for a document, seconds.
    """

    def __init__(
        self, link: Link, clock: Clock, *, host: str, account: tuple[str, str], cashier: tuple[str, str], cap: float
    ) -> None:
        self._link = link
        self._clock = clock
        self._host = host
        self._account = account
        self._cashier = cashier
        self._cap = cap
        self._client: httpx.Client | None = None
        self._digests: dict[tuple[str, str], httpx.Auth] = {}
        self._refused: set[tuple[str, str]] = set()

    def close(self) -> None:
        self._link.close()

    def unlock(self) -> None:
        """Forget refused passwords, so that a person may try again."""
        self._refused.clear()

    def question(self, target: str, *, open_to_all: bool = False) -> Any:
        """GET: JSON of the answer, whatever errors it lists. Raises `Refused`, `LinkLost` or `Unreachable`."""
        account = None if open_to_all else self._account
        try:
            return self._ask("GET", target, account, b"", min(QUESTION, self._cap))
        except LinkLost as fault:
            if fault.code is not Code.OFFLINE:
                raise
            # The device closed the kept connection just then; a question may be asked again.
            return self._ask("GET", target, account, b"", min(QUESTION, self._cap))

    def order(self, target: str, *, cap: float | None = None) -> Any:
        """GET that does something. Raises `Refused` for an error in the answer as well."""
        self._link.close()
        return _judged(self._ask("GET", target, self._account, b"", cap or self._cap), target)

    def post(self, target: str, body: Any, *, cap: float | None = None) -> Any:
        """POST as the cashier. Raises `Refused` for an error in the answer as well."""
        # An act goes out on a connection of its own: a kept one may be closed by the device at the same moment.
        self._link.close()
        return _judged(self._ask("POST", target, self._cashier, documents.encode(body), cap or self._cap), target)

    def _ask(self, method: str, target: str, account: tuple[str, str] | None, body: bytes, patience: float) -> Any:
        if account in self._refused:
            raise Refused(Code.PASSWORD, "wrong password, refused before: correct it in the configuration", raw="401")
        import httpx

        try:
            answer = self._http().request(
                method,
                f"http://{self._host}{target}",
                content=body or None,
                auth=self._digest(account) if account is not None else None,
                timeout=patience,
            )
        except (httpx.HTTPError, ValueError) as error:
            # Noise in the login's header: httpx cannot read the challenge, or cannot write its answer to it. The next
            # request asks for a fresh one.
            if account is not None:
                self._digests.pop(account, None)
            self._link.close()
            raise LinkLost(Code.FRAME, f"the registrar's login is not readable: {error}", command=target) from error
        if answer.status_code in (401, 403):
            if account is not None:
                # After the first refusal nothing more is sent until a person corrects the password.
                self._refused.add(account)
            raise Refused(Code.PASSWORD, "the registrar refuses the login or the password", raw="401", command=target)
        if answer.status_code != 200:
            what = f"the registrar does not offer {target}"
            raise Refused(Code.UNSUPPORTED, what, raw=f"HTTP {answer.status_code}", command=target)
        return documents.decode(answer.content)

    def _http(self) -> httpx.Client:
        if self._client is None:
            import httpx

            from drivers.helpmicro.transport import LinkTransport

            self._client = httpx.Client(
                transport=LinkTransport(self._link, self._clock), headers=HEADERS, trust_env=False
            )
        return self._client

    def _digest(self, account: tuple[str, str]) -> httpx.Auth:
        """One digest an account: it goes on with the device's last nonce instead of asking for a new one."""
        if account not in self._digests:
            import httpx

            self._digests[account] = httpx.DigestAuth(*account)
        return self._digests[account]


def _judged(answer: Any, target: str) -> Any:
    found = refusals.codes(answer.get("err")) if isinstance(answer, dict) else []
    if not found:
        return answer
    code, what = refusals.meaning(found[0])
    lines = [error.get("line") for error in answer["err"] if isinstance(error, dict)] if isinstance(
        answer["err"], list
    ) else []  # fmt: skip
    place = next((f" (line {line})" for line in lines if isinstance(line, int)), "")
    raise Refused(code, what + place, raw=" ".join(found), command=target)


def field(answer: Any, name: str, kind: type = int) -> Any:
    """One field of an answer, whatever the case of its name. Raises `LinkLost` where it is missing or of another kind.

    Numbers that come as texts are numbers too.
    """
    plain = {str(key).lower(): value for key, value in answer.items()} if isinstance(answer, dict) else {}
    value = plain.get(name.lower())
    try:
        if value is not None and not isinstance(value, bool | dict | list):
            return kind(value)
    except ValueError:
        pass
    raise LinkLost(Code.FRAME, f"the registrar sent no usable {name!r}")
