-- D1: one row is a connection, active or not.
select id, organization_id as org_id, platform, account_id, is_active
from platform_connections
