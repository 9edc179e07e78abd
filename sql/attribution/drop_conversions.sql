-- Deletes the conversions of a day that the lake does not hold, or holds with other values; they go to
-- changed_conversions. Parameters: app, day.
with gone as (
    delete from attribution.conversions c
    where c.app = %(app)s and c.day = %(day)s
      and not exists (
        select from incoming_conversions i
        where i.org_tag = c.org_tag and i.event = c.event
          and (i.visitor, i.browser, i.at, i.value, i.order_id, i.refund, i.currency, i.bot)
              is not distinct from (c.visitor, c.browser, c.at, c.value, c.order_id, c.refund, c.currency, c.bot)
      )
    returning c.day, c.org_tag, c.order_id
)
insert into changed_conversions select * from gone
