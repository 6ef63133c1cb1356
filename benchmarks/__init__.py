"""Whole jobs measured against the raw tools on the same data, pair by pair; `python -m benchmarks --help`."""
