-- One row is a visitor whose newest flag before a moment refuses. Parameters: app, before.
select org_tag, subject
from (
    select distinct on (org_tag, subject) org_tag, subject, refuses
    from consent.choices
    where app = %(app)s and source = 'flag' and subject_kind = 'visitor' and at < %(before)s
    order by org_tag, subject, at desc
) as newest
where refuses
