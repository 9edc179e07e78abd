-- Deletes the touches of a day that the lake does not hold, or holds with other values; they go to changed_touches.
-- Parameters: app, day.
with gone as (
    delete from attribution.touches t
    where t.app = %(app)s and t.day = %(day)s
      and not exists (
        select from incoming_touches i
        where i.org_tag = t.org_tag and i.visitor = t.visitor and i.session = t.session
          and (i.at, i.named_platform, i.click, i.utm_campaign, i.utm_content)
              is not distinct from (t.at, t.named_platform, t.click, t.utm_campaign, t.utm_content)
      )
    returning t.day, t.org_tag, t.visitor, t.at
)
insert into changed_touches select * from gone
