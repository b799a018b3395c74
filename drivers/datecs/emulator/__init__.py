"""A virtual Datecs FP-3530T, written from datecs-fp3530t.md alone: own framing, own registers, own paper."""
