-- One row a connection that a member of ?1 (a JSON array of ids) made, where others belong to its organisation: the one
-- with the most rights takes the place, the member's tokens are emptied, and it waits until somebody connects again.
update platform_connections
set
    connected_by = (
        select others.user_id
        from organization_members as others
        where
            others.organization_id = platform_connections.organization_id
            and others.user_id not in (select value from json_each(?1))
        order by case others.role when 'owner' then 0 when 'admin' then 1 else 2 end, others.joined_at, others.user_id
        limit 1
    ),
    settings = json_remove(coalesce(settings, '{}'), '$.oauth', '$.app'),
    settings_encrypted = null,
    is_active = 0
where
    connected_by in (select value from json_each(?1))
    and exists (
        select 1
        from organization_members as others
        where
            others.organization_id = platform_connections.organization_id
            and others.user_id not in (select value from json_each(?1))
    )
