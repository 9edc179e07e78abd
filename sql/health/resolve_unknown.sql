-- No rows. Ends, at a moment (at), the findings of checks that are no more: all but the known ones, in two arrays, apps
-- and names.
update health.findings as gone
set resolved_at = %(at)s
where gone.resolved_at is null
    and not exists (
        select 1 from unnest(%(apps)s::text[], %(names)s::text[]) as known (app, name)
        where known.app = gone.app and known.name = gone.name
    )
