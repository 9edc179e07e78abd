-- One row a campaign of the app that its platform still lists, by organisation.
select
    org_id as organization_id,
    jsonb_build_object(
        'id', id, 'platform', platform, 'account_id', account_id, 'name', name, 'status', status, 'currency', currency
    )::text as value,
    org_id as tenant
from ads.campaigns
where app = %(app)s and deleted_at is null
order by org_id, platform, account_id, native_id
