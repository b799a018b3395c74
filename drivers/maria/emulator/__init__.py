"""A virtual Maria-301 or 304T, written from maria.md alone: own framing, own rules, own paper."""
