-- Writes the one row of an ad account, where it is new or differs.
-- Parameters: app, org_id, id, platform, account_id, connection_id, name, status, native_status, currency, time_zone
-- and raw_data of the account, and now.
insert into ads.ad_accounts as a (
    app, org_id, id, platform, account_id, connection_id, name, status, native_status, currency, time_zone, updated_at,
    raw_data
)
values (
    %(app)s, %(org_id)s, %(id)s, %(platform)s, %(account_id)s, %(connection_id)s, %(name)s, %(status)s,
    %(native_status)s, %(currency)s, %(time_zone)s, %(now)s, %(raw_data)s
)
on conflict (app, org_id, id) do update
set connection_id = excluded.connection_id,
    name = excluded.name,
    status = excluded.status,
    native_status = excluded.native_status,
    currency = excluded.currency,
    time_zone = excluded.time_zone,
    updated_at = excluded.updated_at,
    raw_data = excluded.raw_data
where (a.connection_id, a.name, a.status, a.native_status, a.currency, a.time_zone, a.raw_data) is distinct from
      (excluded.connection_id, excluded.name, excluded.status, excluded.native_status, excluded.currency,
       excluded.time_zone, excluded.raw_data)
