"""Virtual registrars: what every emulator shares (plumbing, faults, state, tape), never protocol code."""
