"""Plumbing of the virtual registrars: lines to listen on, faults, memory, paper. Knows no protocol.

An emulator is written from the dossier and keeps the device's own rules; it shares no code with the driver, so that a
misreading does not agree with itself. Families bring a `Machine`; `server` runs it, `command` is the program.
"""
