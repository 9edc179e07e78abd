-- One row: how many pending events one batch took, at most `rows` of them. Its counts, its marks and what it took are one
-- transaction. Parameters: rows.
select events, windows from analytics.process_pending_events(%(rows)s)
