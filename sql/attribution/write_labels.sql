-- Writes the texts of `incoming_labels` that name campaigns, and adds the touches that carry them, as they are now or were
-- before, to `rematched`. Parameter: app.
with written as (
    insert into attribution.labels as known (
        app, org_id, campaign_id, kind, since, until, platform, account_id, text, label, key
    )
    select %(app)s, org_id, campaign_id, kind, since, until, platform, account_id, text, label, key
    from incoming_labels
    on conflict (app, org_id, campaign_id, kind, since) do update
    set until = excluded.until, text = excluded.text, label = excluded.label, key = excluded.key
), concerned as (
    select org_id, key from incoming_labels
    union
    select l.org_id, l.key
    from incoming_labels i
    join attribution.labels l
        on l.app = %(app)s and (l.org_id, l.campaign_id, l.kind, l.since) = (i.org_id, i.campaign_id, i.kind, i.since)
)
insert into rematched (day, org_tag, visitor, session, at)
select t.day, t.org_tag, t.visitor, t.session, t.at
from concerned l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.campaign_key = l.key
union
select t.day, t.org_tag, t.visitor, t.session, t.at
from concerned l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t on t.app = o.app and t.org_tag = o.org_tag and t.campaign_id_key = l.key
