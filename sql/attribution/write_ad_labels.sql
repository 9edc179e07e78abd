-- Writes the texts of `incoming_ad_labels` that name ads, and adds the touches that carry them to `rematched`.
-- Parameter: app.
with written as (
    insert into attribution.ad_labels (app, org_id, campaign_id, ad_id, kind, text, label, key)
    select %(app)s, org_id, campaign_id, ad_id, kind, text, label, key from incoming_ad_labels
    on conflict (app, org_id, ad_id, kind, text) do nothing
)
insert into rematched (day, org_tag, visitor, session, at)
select t.day, t.org_tag, t.visitor, t.session, t.at
from incoming_ad_labels l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.content_key = l.key
union
select t.day, t.org_tag, t.visitor, t.session, t.at
from incoming_ad_labels l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.ad_id_key = l.key
