select distinct
    platform,
    json_quote(platform) as value
from platform_connections
where is_active = 1
order by platform
