-- One row is a choice of some visitors and users before a moment. Parameters: app, before, and the arrays org_tags, kinds and
-- subjects, which name one subject together.
select c.org_tag, c.subject_kind, c.subject, c.at, c.source, c.refuses
from unnest(%(org_tags)s::text[], %(kinds)s::text[], %(subjects)s::bytea[]) as wanted (org_tag, subject_kind, subject)
join consent.choices c using (org_tag, subject_kind, subject)
where c.app = %(app)s and c.at < %(before)s
