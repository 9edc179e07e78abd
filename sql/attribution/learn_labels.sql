-- Names and ids of campaigns that were not known yet, and with them the touches that carry them.
create temporary table rematched on commit drop as
with learned as (
    insert into attribution.labels (org_id, label, kind, platform, account_id, campaign_id)
    select c.org_id, each.label, each.kind, c.platform, c.account_id, c.id
    from ads.campaigns c
    cross join lateral (values ('id', c.native_id), ('name', c.name)) as each (kind, label)
    where each.label <> ''
      and not exists (
        select from attribution.labels l
        where l.org_id = c.org_id and l.campaign_id = c.id and l.kind = each.kind and l.label = each.label
      )
    returning org_id, label
)
select distinct t.day, t.org_tag, t.visitor, t.session
from learned l
join attribution.organizations o on o.org_id = l.org_id
join attribution.touches t on t.org_tag = o.org_tag and t.utm_campaign = l.label
