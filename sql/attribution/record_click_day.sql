-- Records that an account day was requested, and which of its clicks stayed unknown then.
-- Parameters: app, org_id, account_id, day, requested_at.
insert into attribution.click_days (app, org_id, account_id, day, asked_at, unknown)
values (
    %(app)s, %(org_id)s, %(account_id)s, %(day)s, %(requested_at)s,
    coalesce((
        select unknown from attribution.unknown_clicks
        where app = %(app)s and org_id = %(org_id)s and account_id = %(account_id)s and day = %(day)s
    ), '')
)
on conflict (app, org_id, account_id, day) do update set asked_at = excluded.asked_at, unknown = excluded.unknown
