"""What a registrar's fault means to a cashier: what happened and what to do, by normalised code.

The texts are message ids. Whether a receipt may exist is not in the code but in the fault (`Fault.document`), so the
sentence about the risk stands apart, in `RISK`. Codes and their meanings: registrars/README.md §6.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import Code, Existence
from kiosk.till.errors import N_

_CALL = N_("Call the technician. Until then do not sell through this registrar.")
_WAIT = N_("Wait a moment and repeat. If it stays, call the technician.")

FAULTS: Mapping[str, tuple[str, str]] = {
    Code.OFFLINE: (
        N_("The registrar does not answer"),
        N_("Check that it is switched on and its cable is in place, then press F5."),
    ),
    Code.TIMEOUT_UNKNOWN: (
        N_("The registrar fell silent in the middle of its work"),
        N_("Do not repeat the receipt. Look at the registrar's paper; the till asks the registrar itself."),
    ),
    Code.FRAME: (
        N_("The answer of the registrar came damaged"),
        N_("Check the cable between the till and the registrar, then press F5."),
    ),
    Code.BUSY: (N_("The registrar is busy"), _WAIT),
    Code.PAPER_OUT: (
        N_("The registrar is out of paper"),
        N_("Put in a new roll and close the cover; the till goes on by itself."),
    ),
    Code.COVER_OPEN: (N_("The registrar's cover is open"), N_("Close the cover; the till goes on by itself.")),
    Code.PRINTER: (
        N_("The registrar's printer does not work"),
        N_("Switch the registrar off and on. If it stays, call the technician."),
    ),
    Code.CUTTER: (
        N_("The paper cutter is jammed"),
        N_("Switch the registrar off, free the paper, switch it on again."),
    ),
    Code.CLOCK: (
        N_("The registrar's clock is wrong or not set"),
        N_("Call the technician: the clock is set before the shift is opened."),
    ),
    Code.SHIFT_EXPIRED: (
        N_("The shift is longer than 24 hours: the registrar accepts nothing but a Z report"),
        N_("Close the shift with a Z report, then open a new one."),
    ),
    Code.SHIFT_CLOSED: (N_("The shift is not open on the registrar"), N_("Open the shift and repeat.")),
    Code.Z_REQUIRED: (
        N_("The registrar demands a Z report first"),
        N_("Close the shift with a Z report, then go on."),
    ),
    Code.TRANSMISSION_OVERDUE: (
        N_("The registrar has not passed its data to the tax service in time and is blocked"),
        N_("Check the registrar's internet and wait until the data are sent; else call the technician."),
    ),
    Code.MODEM: (
        N_("The registrar's own modem does not work"),
        N_("Check the registrar's network cable or SIM card; you may go on while it does not block."),
    ),
    Code.NOT_PERSONALISED: (N_("The registrar is not personalised for sending data"), _CALL),
    Code.NOT_FISCALISED: (N_("The registrar is not put into fiscal mode"), _CALL),
    Code.FM_FULL: (
        N_("The registrar's fiscal memory is full"),
        N_("This registrar can register no more: call the service centre and use the reserve registrar."),
    ),
    Code.FM_ERROR: (
        N_("The registrar's fiscal memory is damaged"),
        N_("Stop selling through it and call the service centre."),
    ),
    Code.JOURNAL_FULL: (
        N_("The registrar's electronic journal is full"),
        N_("Close the shift with a Z report and call the technician."),
    ),
    Code.HARDWARE: (N_("The registrar reports a fault of its own"), _CALL),
    Code.PASSWORD: (
        N_("The registrar does not accept the operator's password"),
        N_("Call the technician: the password in the settings must be the registrar's. Do not try others."),
    ),
    Code.CASHIER_REQUIRED: (N_("The registrar has no cashier logged in"), N_("Lock the till, log in again, repeat.")),
    Code.WRONG_STATE: (
        N_("The registrar cannot do this now"),
        N_("Press F5 to read its state, then repeat. If it stays, call the technician."),
    ),
    Code.RECEIPT_OPEN: (
        N_("A receipt is left open on the registrar"),
        N_("Press F5: the till reads it and cancels or finishes it by the registrar's own rules."),
    ),
    Code.UNSUPPORTED: (N_("This registrar cannot do this"), N_("Do it another way or use another registrar.")),
    Code.BAD_FIELD: (
        N_("The registrar does not accept a field of the document"),
        N_("Correct the name, price or quantity and repeat; call the manager if you may not."),
    ),
    Code.ARTICLE_CONFLICT: (
        N_("The registrar knows this good under another price or tax until the Z report"),
        N_("Sell it under a new code or close the shift with a Z report."),
    ),
    Code.ARTICLE_FULL: (
        N_("The registrar's list of goods is full"),
        N_("Close the shift with a Z report: it frees the list."),
    ),
    Code.TAX: (
        N_("The registrar does not know the tax letter of a good"),
        N_("Call the manager: the tax on the goods card must be one the registrar has."),
    ),
    Code.PAYMENT: (N_("The registrar does not accept the means of payment"), N_("Choose another means of payment.")),
    Code.INSUFFICIENT_CASH: (
        N_("There is less cash in the registrar than has to be paid out"),
        N_("Register a service cash-in first, then repeat."),
    ),
    Code.TOTAL_MISMATCH: (
        N_("The registrar counted another total than the till"),
        N_("Do not hand out the receipt. Call the manager; the till shows both sums."),
    ),
    Code.OVERFLOW: (N_("A sum is above what the registrar can hold"), N_("Split the purchase into several receipts.")),
    Code.SERVICE_BLOCK: (N_("The registrar is blocked for service"), N_("Call the service centre.")),
    Code.DIFFERENT_DEVICE: (
        N_("Another registrar answers: its serial number is not the one this shift began with"),
        N_("Connect the right registrar. The shift goes on only with the unit it was opened on."),
    ),
    Code.KEY_PASSWORD: (
        N_("The password of the key is wrong"),
        N_("Type the key's password again; it is not the PIN of the till."),
    ),
    Code.KEY_DAMAGED: (
        N_("The key file is damaged"),
        N_("Take the key from another copy, or call the technician."),
    ),
    Code.KEY_UNSUPPORTED: (
        N_("The key is of a kind that the till cannot use"),
        N_("Call the technician: another key file is needed."),
    ),
    Code.KEY_ABSENT: (
        N_("There is no key for signing"),
        N_("The owner must load the cashier's key."),
    ),
    Code.KEY_LOCKED: (
        N_("The key is locked: its password was not given since the start"),
        N_("Unlock the key with its password, then repeat."),
    ),
    Code.CERTIFICATE_ABSENT: (
        N_("The key's certificate is missing"),
        N_("Call the technician: the certificate must be loaded."),
    ),
    Code.CERTIFICATE_DAMAGED: (
        N_("The key's certificate is damaged"),
        N_("Call the technician: load the certificate again."),
    ),
    Code.CERTIFICATE_EXPIRED: (
        N_("The key's certificate has expired"),
        N_("A new key is needed: call the owner."),
    ),
    Code.CERTIFICATE_EARLY: (
        N_("The key's certificate is not valid yet"),
        N_("Check the computer's date, then call the owner."),
    ),
    Code.CERTIFICATE_REVOKED: (
        N_("The key's certificate is revoked"),
        N_("Do not use this key: call the owner."),
    ),
    Code.CERTIFICATE_FOREIGN: (
        N_("The certificate does not belong to this key"),
        N_("Call the technician: key and certificate must be a pair."),
    ),
    Code.CERTIFICATE_UNTRUSTED: (
        N_("The certificate's authority is not trusted"),
        N_("Call the technician: the authority's certificate is missing."),
    ),
    Code.SIGNATURE_MALFORMED: (
        N_("The signed answer cannot be read"),
        N_("Repeat later; if it stays, call the technician."),
    ),
    Code.SIGNATURE_BAD: (
        N_("The signature does not fit the document"),
        N_("Do not trust the answer: call the technician."),
    ),
    Code.SIGNATURE_FAILED: (
        N_("The document could not be signed"),
        N_("Repeat; if it stays, call the technician."),
    ),
    Code.TIMESTAMP: (
        N_("The time stamp of the signature was not given or does not fit"),
        N_("Check the internet and the clock, then repeat."),
    ),
    Code.REGISTRAR_UNKNOWN: (
        N_("The tax service does not know this registrar"),
        N_("Check the registrar's fiscal number and the key in the settings; call the technician."),
    ),
    Code.ACCESS_DENIED: (
        N_("This key may not work with this registrar"),
        N_("Choose the key that opened the shift. A new key needs the form 5-ПРРО."),
    ),
    Code.TAXPAYER: (
        N_("The registrar or the receipt belongs to another business"),
        N_("Choose the key and the receipt of this business."),
    ),
    Code.SHIFT_OPEN: (
        N_("The shift is open already"),
        N_("Go on with the open shift, or close it with a Z report first."),
    ),
    Code.LOCAL_NUMBER: (
        N_("The fiscal server expects another document number"),
        N_("Press F5: the till compares its numbers with the server's. If it stays, call the technician."),
    ),
    Code.Z_EXISTS: (
        N_("The Z report of this shift exists already"),
        N_("Close the shift: the till takes the report that is there."),
    ),
    Code.DOCUMENT_REFUSED: (
        N_("The fiscal server refused the document"),
        N_("Read the server's words below, correct the receipt and repeat. If it stays, call the technician."),
    ),
    Code.REGISTRY_DATA: (
        N_("The names in the receipt differ from those in the tax service's register"),
        N_("Press F5 to read the register anew, then repeat."),
    ),
    Code.PACKAGE_REFUSED: (
        N_("The fiscal server refused a package of offline documents"),
        N_("Nothing is lost. Send again, or export the documents for support."),
    ),
    Code.QUERY_REFUSED: (
        N_("The fiscal server did not understand a question"),
        N_("Call the technician: the program must be updated."),
    ),
    Code.SERVER_CRYPTOGRAPHY: (
        N_("The fiscal server does not accept the signature"),
        N_("Check the key and its certificate. If they are in order, wait a moment and repeat."),
    ),
    Code.SERVER_ADDRESS: (
        N_("Something else than the fiscal server answers at its address"),
        N_("Check the internet (a page of the provider may stand in the way) and the server's address."),
    ),
    Code.OFFLINE_FORBIDDEN: (
        N_("There is no link, and this registrar may not work offline"),
        N_("Wait for the internet. The right to work offline is a tick in the form 1-ПРРО."),
    ),
    Code.OFFLINE_NUMBERS: (
        N_("There is no link and no offline numbers"),
        N_("Wait for the internet: the numbers come from the fiscal server."),
    ),
    Code.OFFLINE_LIMIT: (
        N_("The offline time is used up: no sale until the link is back"),
        N_("Wait for the internet or go over to the reserve registrar."),
    ),
    Code.SYNC_REJECTED: (
        N_("The fiscal server refused an offline document"),
        N_("Nothing is lost and nothing is deleted. Send again, or export for support."),
    ),
    Code.UNRESOLVED: (
        N_("The fate of the document before is not known yet"),
        N_("Wait for the link: the till asks the fiscal server by itself."),
    ),
    Code.NOT_LAST: (
        N_("Only the last document can be cancelled"),
        N_("Make a refund instead."),
    ),
}
"""What happened and the next step, by `drivers.errors.Code`."""

RISK: Mapping[Existence, str] = {
    Existence.NO: N_("No fiscal receipt was made, no money was registered."),
    Existence.YES: N_("The fiscal receipt exists."),
    Existence.UNKNOWN: N_("Whether the receipt was registered is UNKNOWN: do not take money or repeat it."),
}

LEDGER: Mapping[str, tuple[str, str]] = {
    "": (
        N_("The till's books do not allow this; nothing was changed"),
        N_("Go back and repeat. If it stays, call the technician."),
    ),
    "Damaged": (
        N_("The till's database is damaged; it was left untouched"),
        N_("Do not sell. Call the technician: the last backup must be restored."),
    ),
    "Newer": (
        N_("The till's database was made by a newer version of the program; it was left untouched"),
        N_("Call the technician: the program must be updated."),
    ),
}
"""Texts by the class of a `LedgerError`; "" for the rest."""

STRANGE = (
    N_("Something unexpected happened"),
    N_("Look at the registrar's paper before you repeat anything. Call the technician."),
)
