-- Makes the choices of the list those of the temporary table `incoming_choices`. One row is a subject of whom a choice was
-- deleted, inserted or changed, with the earliest moment of one. Parameter: app.
with deleted as (
    delete from consent.choices c
    where c.app = %(app)s and c.source = 'list'
      and not exists (
        select from incoming_choices i
        where (i.org_tag, i.subject_kind, i.subject, i.at) = (c.org_tag, c.subject_kind, c.subject, c.at)
      )
    returning org_tag, subject_kind, subject, at
), written as (
    insert into consent.choices as present (app, org_tag, subject_kind, subject, at, source, refuses)
    select %(app)s, org_tag, subject_kind, subject, at, source, refuses from incoming_choices
    on conflict (app, org_tag, subject_kind, subject, source, at) do update
    set refuses = excluded.refuses
    where present.refuses <> excluded.refuses
    returning org_tag, subject_kind, subject, at
)
select org_tag, subject_kind, subject, min(at) as since
from (table deleted union all table written) as changed
group by org_tag, subject_kind, subject
