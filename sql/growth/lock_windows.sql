-- No row. From here to the end of its transaction no batch of pending events ends, and nobody else makes windows: both
-- write to this table. A batch that waits here has not begun to read.
lock table pipelines.stale_windows in share row exclusive mode
