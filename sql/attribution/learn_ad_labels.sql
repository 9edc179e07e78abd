-- Inserts ids, tags and names of ads that were not known yet, and adds the touches that carry them to `rematched`. A tag
-- is the utm_content in the ad's own address, where it is plain text and no placeholder. Parameter: app.
with learned as (
    insert into attribution.ad_labels (app, org_id, label, kind, campaign_id, ad_id)
    select a.app, a.org_id, label.label, label.kind, g.campaign_id, a.id
    from ads.ads a
    join ads.ad_groups g on g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id
    cross join lateral (
        values ('id', a.native_id), ('name', a.name),
            ('tag', substring(a.url_parameters from '(?:^|[?&])utm_content=([^&#%%+{]+)(?:[&#]|$)')),
            ('tag', substring(a.landing_page from '[?&]utm_content=([^&#%%+{]+)(?:[&#]|$)'))
    ) as label (kind, label)
    where a.app = %(app)s and label.label <> ''
      and not exists (
        select from attribution.ad_labels l
        where l.app = a.app and l.org_id = a.org_id and l.ad_id = a.id and l.kind = label.kind
          and l.label = label.label
      )
    on conflict do nothing
    returning org_id, label
)
insert into rematched (day, org_tag, visitor, session)
select distinct t.day, t.org_tag, t.visitor, t.session
from learned l
join attribution.organizations o on o.app = %(app)s and o.org_id = l.org_id
join attribution.touches t
    on t.app = o.app and t.org_tag = o.org_tag and t.utm_content = l.label and t.utm_content <> ''
where not exists (
    select from rematched r
    where r.day = t.day and r.org_tag = t.org_tag and r.visitor = t.visitor and r.session = t.session
)
