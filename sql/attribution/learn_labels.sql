-- Inserts ids and names of campaigns that were not known yet, and makes the table `rematched` of the touches that carry
-- them. Parameter: app.
create temporary table rematched on commit drop as
with learned as (
    insert into attribution.labels (app, org_id, label, kind, platform, account_id, campaign_id)
    select c.app, c.org_id, label.label, label.kind, c.platform, c.account_id, c.id
    from ads.campaigns c
    cross join lateral (values ('id', c.native_id), ('name', c.name)) as label (kind, label)
    where c.app = %(app)s and label.label <> ''
      and not exists (
        select from attribution.labels l
        where l.app = c.app and l.org_id = c.org_id and l.campaign_id = c.id and l.kind = label.kind
          and l.label = label.label
      )
    returning org_id, label
)
select distinct t.day, t.org_tag, t.visitor, t.session
from learned l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.utm_campaign = l.label
