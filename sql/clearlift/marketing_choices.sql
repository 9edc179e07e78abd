-- D1: one row is a choice of a visitor or user about marketing, for each data tag of the organisation.
select c.id || ' ' || m.short_tag as id, m.short_tag as org_tag, c.subject_kind, c.subject, c.chosen_at,
    c.choice <> 'granted' as refuses
from marketing_choices c
join org_tag_mappings m on m.organization_id = c.organization_id
