-- One row is a text that names a campaign, and the time in which it does, where labels do not hold it so. Parameter: app.
select c.org_id, c.platform, c.account_id, c.id as campaign_id, said.kind, said.text, said.since, said.until
from ads.campaigns c
cross join lateral (
    select 'id' as kind, c.native_id as text, '1970-01-01 00:00:00+00'::timestamptz as since,
        '9999-01-01 00:00:00+00'::timestamptz as until
    union all
    select 'name', n.name, n.since, n.until
    from ads.campaign_names n
    where n.app = c.app and n.org_id = c.org_id and n.campaign_id = c.id
) as said
where c.app = %(app)s
  and not exists (
    select from attribution.labels l
    where l.app = c.app and l.org_id = c.org_id and l.campaign_id = c.id and l.kind = said.kind and l.since = said.since
      and l.text = said.text and l.until = said.until
  )
