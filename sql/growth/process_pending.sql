-- One row: how many pending events one batch took, and how many windows it marked. The counts, the marks and what left the
-- queue are one transaction. Parameters: rows (how many events at most).
select events, windows from public.process_pending_events(%(rows)s)
