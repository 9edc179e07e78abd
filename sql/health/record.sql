-- No rows. Records one look of a health check (app, name, at) with all that it found, one array each: subjects,
-- severities, messages, commands, sinces (null where only the look says since when) and patiences (seconds). What an
-- earlier look found and this one did not is resolved. A look that is older than the recorded one changes nothing.
with looked as (
    insert into health.looks (app, name, looked_at) values (%(app)s, %(name)s, %(at)s)
    on conflict (app, name) do update set looked_at = excluded.looked_at where looks.looked_at <= excluded.looked_at
    returning app, name, looked_at
),
found as (
    select
        looked.app, looked.name, looked.looked_at, given.*,
        coalesce(given.since, looked.looked_at) as begun
    from looked,
        unnest(
            %(subjects)s::text[], %(severities)s::text[], %(messages)s::text[], %(commands)s::text[],
            %(sinces)s::timestamptz[], %(patiences)s::double precision[]
        ) as given (subject, severity, message, command, since, patience)
),
put as (
    insert into health.findings as old (
        app, name, subject, severity, message, command, since, shown_from, seen_at
    )
    select
        app, name, subject, severity, message, command, begun,
        begun + make_interval(secs => patience), looked_at
    from found
    on conflict (app, name, subject) do update set
        severity = excluded.severity,
        message = excluded.message,
        command = excluded.command,
        since = case when old.resolved_at is null then least(old.since, excluded.since) else excluded.since end,
        shown_from = case
            when old.resolved_at is null then least(old.shown_from, excluded.shown_from) else excluded.shown_from
        end,
        seen_at = excluded.seen_at,
        resolved_at = null,
        -- One that came back before anybody heard of its end is still the one that was sent.
        sent = nullif(old.sent, 'resolved')
)
update health.findings as gone
set resolved_at = looked.looked_at
from looked
where gone.app = looked.app and gone.name = looked.name and gone.resolved_at is null
    and gone.subject <> all(%(subjects)s::text[])
