-- Inserts those clicks of an account day that brought a visitor here, and makes the table `rematched` of their touches.
-- Parameters: app, org_id, account_id.
create temporary table rematched on commit drop as
with known as (
    insert into attribution.clicks (app, org_id, click, platform, account_id, campaign_id, ad_id)
    select distinct on (i.click) %(app)s, %(org_id)s, i.click, 'google', %(account_id)s, i.campaign_id, i.ad_id
    from incoming_clicks i
    where exists (
        select from attribution.touches t
        join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
        where t.click = i.click and t.app = %(app)s and o.org_id = %(org_id)s
    )
    order by i.click, i.campaign_id, i.ad_id
    on conflict (app, org_id, click) do nothing
    returning org_id, click
)
select distinct t.day, t.org_tag, t.visitor, t.session, t.at
from known k
join attribution.organizations o on o.app = %(app)s and o.org_id = k.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.click = k.click
