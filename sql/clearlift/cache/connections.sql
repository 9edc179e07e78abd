-- One row an active tag: how the ad accounts of its organisation are synced; an empty list if there are none.
select
    tags.short_tag as org_tag,
    (
        select json_group_array(json(account))
        from (
            select
                json_object(
                    'platform', platform, 'account_id', account_id, 'account_name', account_name,
                    'is_active', json(iif(is_active, 'true', 'false')), 'sync_status', sync_status,
                    'sync_error', sync_error, 'last_synced_at', last_synced_at
                ) as account
            from platform_connections
            where organization_id = tags.organization_id
            order by platform, account_id
        )
    ) as value,
    tags.organization_id as tenant
from org_tag_mappings as tags
where tags.is_active = 1
order by org_tag
