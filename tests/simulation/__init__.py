"""The till under simulation: one process, one seed, virtual time.

    script (from the seed) ─► shop: the real till, ledger and drivers ─► wire ─► the emulators
                                        │
                                        └─► disk: SQLite's own file system, which forgets what was not synced

Rooms: `world` owns time, chance and the moment of death; `disk` is the file system under SQLite; `box` a virtual
registrar on a virtual cable; `script` draws the days; `shop` and `people` live them; `invariants` look after every
step; `shrink` makes a failing script short; `report` is `python -m tests.simulation`.
"""
