insert into attribution.click_days (org_id, account_id, day, asked_at, unknown)
values (
    %(org_id)s, %(account_id)s, %(day)s, %(asked_at)s,
    coalesce((
        select unknown from attribution.unknown_clicks
        where org_id = %(org_id)s and account_id = %(account_id)s and day = %(day)s
    ), '')
)
on conflict (org_id, account_id, day) do update set asked_at = excluded.asked_at, unknown = excluded.unknown
