-- One row: a request (app, id) that leaves one of some states (from) for another (to) at a time (at), with why; none
-- where it is in another state. What is null stays as it is (sealed, plan, waits_until, receipt). At its end (ended) it
-- forgets whom it means.
update privacy.requests
set
    state = %(to)s,
    changed_at = %(at)s,
    why = %(why)s,
    sealed = case when %(ended)s then null else coalesce(%(sealed)s, sealed) end,
    plan = coalesce(%(plan)s::jsonb, plan),
    waits_until = coalesce(%(waits_until)s, waits_until),
    receipt = coalesce(%(receipt)s, receipt),
    ended_at = case when %(ended)s then %(at)s end
where app = %(app)s and id = %(id)s and state = any(%(from)s::text[])
