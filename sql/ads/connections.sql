-- D1: active connections of a platform with their organisation's tier; of one connection where ?2 is given.
select
    c.id,
    c.organization_id,
    c.platform,
    c.account_id,
    c.settings,
    c.settings_encrypted,
    coalesce(o.subscription_tier, 'free') as tier
from platform_connections c
join organizations o on o.id = c.organization_id
where c.is_active = 1 and c.platform = ?1 and (?2 is null or c.id = ?2)
