-- One row: up to when objects of the app may have been taken (at); null where there is no committed run. A run says when
-- it started, or when its newest batch had arrived where that is earlier: its own clock, or a writer's, may be ahead.
select max(least(started_at, arrived)) as at from ingest.runs where app = %(app)s and state = 'committed'
