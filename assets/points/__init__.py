"""Points of sessions: what an app flushed to R2, stored once each in the partitions of its D1."""
