"""Time series in partitions of D1: which table holds what time, reading over them, folding months into years."""
