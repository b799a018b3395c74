"""A virtual FP-T88, written from datecs-krypton.md alone: own framing, own rules, own paper."""
