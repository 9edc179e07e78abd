-- One row a platform of which an account is connected and active.
select distinct
    platform,
    json_quote(platform) as value
from platform_connections
where is_active = 1
order by platform
