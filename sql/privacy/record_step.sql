-- One row: what was done in one store for a request (app, request, position, place, rows, objects, written, gone_by, at).
insert into privacy.steps (app, request, position, place, rows, objects, written, gone_by, done_at)
values (
    %(app)s, %(request)s, %(position)s, %(place)s, %(rows)s, %(objects)s, %(written)s, %(gone_by)s, %(at)s
)
on conflict (app, request, place) do update
set
    rows = privacy.steps.rows + excluded.rows,
    objects = privacy.steps.objects + excluded.objects,
    written = privacy.steps.written + excluded.written,
    gone_by = greatest(privacy.steps.gone_by, excluded.gone_by),
    position = excluded.position,
    done_at = excluded.done_at
