"""A virtual Datecs FP-3530T or Exellio, written from datecs-fp3530t.md and exellio.md alone: own framing and paper."""
