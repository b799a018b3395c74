"""Datecs Krypton: FP-T88, FP-T260, FP-T510, FP-T7197, FP-T320, FP-3141."""
