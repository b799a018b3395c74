"""Datecs classic: FP-3530T and relatives."""
