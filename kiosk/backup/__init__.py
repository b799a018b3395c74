"""Copies of the till's data that restore: made while it sells, encrypted before they leave, rehearsed every week.

    gather ─► archive (tar | zstd | age, signed manifest) ─► targets (folder, share, rclone)
    targets ─► archive ─► restore (a staging folder, checked whole) ─► gap (what the registrar knows) ─► permit

The rooms: `identity` keys and the recovery code; `gather` consistent snapshots; `archive` the file format; `targets`
where copies go; `making` one run; `schedule` when, and how long a copy is kept; `restore`, `gap`, `permit` the way
back; `rehearsal` the weekly proof; `keeper` the till's watch over it; `command` the command line. No widget here.
"""
