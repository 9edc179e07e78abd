-- Makes the sign-ins of a day those of `incoming_sign_ins`. Those that come or go, or have other moments, go to
-- changed_touches. Parameters: app, day.
with gone as (
    delete from attribution.sign_ins s
    where s.app = %(app)s and s.day = %(day)s
      and not exists (
        select from incoming_sign_ins i where (i.org_tag, i.visitor, i.person) = (s.org_tag, s.visitor, s.person)
      )
    returning s.day, s.visitor, s.person, s.first_at
), differing as (
    select i.day, i.visitor, i.person, least(i.first_at, s.first_at)
    from incoming_sign_ins i
    left join attribution.sign_ins s
        on s.app = %(app)s and s.day = i.day
        and (s.org_tag, s.visitor, s.person) = (i.org_tag, i.visitor, i.person)
    where (s.first_at, s.last_at) is distinct from (i.first_at, i.last_at)
), come as (
    insert into attribution.sign_ins as present (app, day, org_tag, visitor, person, first_at, last_at)
    select %(app)s, day, org_tag, visitor, person, first_at, last_at from incoming_sign_ins
    on conflict (app, day, org_tag, visitor, person) do update
    set first_at = excluded.first_at, last_at = excluded.last_at
    where (present.first_at, present.last_at) <> (excluded.first_at, excluded.last_at)
)
insert into changed_touches (day, browser, person, at) select * from gone union all select * from differing
