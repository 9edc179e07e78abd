-- One row a tag of an organisation.
select
    organization_id,
    short_tag,
    json_object('tag', short_tag, 'is_active', json(iif(is_active, 'true', 'false'))) as value,
    organization_id as tenant
from org_tag_mappings
order by organization_id, short_tag
