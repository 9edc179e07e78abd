-- D1: one row is an active connection, with the tier of its organisation. ?1: the platform. ?2: the id of one
-- connection, or null for all of them.
select
    c.id,
    c.organization_id as org_id,
    c.platform,
    c.account_id,
    c.settings,
    c.settings_encrypted as sealed,
    coalesce(o.subscription_tier, 'free') as tier
from platform_connections c
join organizations o on o.id = c.organization_id
where c.is_active = 1 and c.platform = ?1 and (?2 is null or c.id = ?2)
