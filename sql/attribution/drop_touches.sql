-- What the day holds and the lake does not, or not so.
with gone as (
    delete from attribution.touches t
    where t.day = %(day)s
      and not exists (
        select from incoming_touches i
        where i.org_tag = t.org_tag and i.visitor = t.visitor and i.session = t.session
          and (i.at, i.named_platform, i.click, i.utm_campaign)
              is not distinct from (t.at, t.named_platform, t.click, t.utm_campaign)
      )
    returning t.day, t.org_tag, t.visitor, t.at
)
insert into changed_touches select * from gone
