-- One row is a text that names an ad, where ad_labels do not hold it. A tag is the utm_content in the ad's own address.
-- Parameter: app.
select distinct a.org_id, g.campaign_id, a.id as ad_id, said.kind, said.text
from ads.ads a
join ads.ad_groups g on g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id
cross join lateral (
    values ('id', a.native_id), ('name', a.name),
        ('tag', substring(a.url_parameters from '(?:^|[?&])utm_content=([^&#]+)')),
        ('tag', substring(a.landing_page from '[?&]utm_content=([^&#]+)'))
) as said (kind, text)
where a.app = %(app)s and said.text <> ''
  and not exists (
    select from attribution.ad_labels l
    where l.app = a.app and l.org_id = a.org_id and l.ad_id = a.id and l.kind = said.kind and l.text = said.text
  )
