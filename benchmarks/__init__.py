"""Benchmarks: ours beside a peer and a limit, in one run on the same data. Ratios are what to read."""
