-- Of an account day's clicks those that brought somebody here, and with them their touches.
create temporary table rematched on commit drop as
with known as (
    insert into attribution.clicks (org_id, click, platform, account_id, campaign_id)
    select distinct on (i.click) %(org_id)s, i.click, 'google', %(account_id)s, i.campaign_id
    from incoming_clicks i
    where exists (
        select from attribution.touches t
        join attribution.organizations o using (org_tag)
        where t.click = i.click and o.org_id = %(org_id)s
    )
    order by i.click, i.campaign_id
    on conflict (org_id, click) do nothing
    returning org_id, click
)
select distinct t.day, t.org_tag, t.visitor, t.session
from known k
join attribution.organizations o on o.org_id = k.org_id
join attribution.touches t on t.org_tag = o.org_tag and t.click = k.click
