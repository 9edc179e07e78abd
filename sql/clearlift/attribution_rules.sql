-- D1: one row is a data tag, with its organisation and the attribution rules in that organisation's settings (JSON).
select m.short_tag as org_tag, m.organization_id as org_id, json_extract(o.settings, '$.attribution') as attribution
from org_tag_mappings m
join organizations o on o.id = m.organization_id
