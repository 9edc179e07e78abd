"""Benchmarks: our engine beside peers and limits, in one run on the same data. Compare the ratios, not the times."""
