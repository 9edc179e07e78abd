-- Makes the choices that the events of a day say those of the temporary table `incoming_choices`, and leaves the list's as
-- they are. One row: how many were deleted, inserted or changed. Parameters: app, day (its start), until (its end).
with deleted as (
    delete from consent.choices c
    where c.app = %(app)s and c.at >= %(day)s and c.at < %(until)s and c.source <> 'list'
      and not exists (
        select from incoming_choices i
        where (i.org_tag, i.subject_kind, i.subject, i.source, i.at)
            = (c.org_tag, c.subject_kind, c.subject, c.source, c.at)
      )
    returning 1
), written as (
    insert into consent.choices as present (app, org_tag, subject_kind, subject, at, source, refuses)
    select %(app)s, org_tag, subject_kind, subject, at, source, refuses from incoming_choices
    on conflict (app, org_tag, subject_kind, subject, source, at) do update
    set refuses = excluded.refuses
    where present.refuses <> excluded.refuses
    returning 1
)
select (select count(*) from deleted) + (select count(*) from written) as changed
