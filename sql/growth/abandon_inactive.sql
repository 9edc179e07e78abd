-- One row: how many onboarding sessions became abandoned, because nothing happened in them for some hours; at most a batch.
-- Parameters: hours, now.
select public.abandon_inactive_sessions(make_interval(hours => %(hours)s), %(now)s::timestamptz) as abandoned
