-- Writes on which day each conversion of the changed orders counts, and what a refund refunds. The first event of an order
-- is its conversion, unless a bot sent it; further ones count as none. A refund counts on the day of its conversion;
-- on its own one where the order is not known, or its day is archived already. Parameter: app.
with orders as (
    select distinct org_tag, order_id from changed_conversions where order_id is not null
), found as (
    select distinct on (c.org_tag, c.order_id) c.org_tag, c.order_id, c.event, c.day, w.pruned
    from orders
    join attribution.conversions c using (org_tag, order_id)
    left join attribution.windows w using (app, day)
    where c.app = %(app)s and not c.refund and not c.bot
    order by c.org_tag, c.order_id, c.at, c.event
), settled as (
    select c.day, c.org_tag, c.event,
        case
            when c.bot then null
            when c.refund then case when f.pruned then c.day else coalesce(f.day, c.day) end
            when c.event = f.event then c.day
        end as credit_day,
        case when c.refund and not c.bot and not coalesce(f.pruned, false) then f.event end as refunded
    from orders
    join attribution.conversions c using (org_tag, order_id)
    left join found f using (org_tag, order_id)
    where c.app = %(app)s
)
update attribution.conversions c
set credit_day = s.credit_day, refunded = s.refunded
from settled s
where c.app = %(app)s and c.day = s.day and c.org_tag = s.org_tag and c.event = s.event
  and (c.credit_day, c.refunded) is distinct from (s.credit_day, s.refunded)
