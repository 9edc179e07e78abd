"""Points of sessions: what was flushed to R2, once each in the partitions of D1."""
