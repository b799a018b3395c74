"""The cashier's business: no widget, no SQL, no byte on a wire.

    screen ─► a room of the till ─► ledger (durable) ─► drivers.road.walk(registrar) ─► ledger ─► answer

`workplace` holds what every room shares: ledger, registrars, clock, settings, who is logged in. One file a room:
people, checklist, shift, basket, scan, payment, sale, refund, cash, reports, closing, unknown. The rooms are
synchronous; the face runs them on one thread of its own, so that nothing here needs locks and a simulation owns time.
"""
