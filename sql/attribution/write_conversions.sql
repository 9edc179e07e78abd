-- Inserts the conversions that the day does not hold yet; they go to changed_conversions. Parameter: app.
with come as (
    insert into attribution.conversions (
        app, day, org_tag, event, visitor, browser, at, value, order_id, refund, currency, bot, credit_day
    )
    select %(app)s, day, org_tag, event, visitor, browser, at, value, order_id, refund, currency, bot,
        case when not bot then day end
    from incoming_conversions i
    where not exists (
        select from attribution.conversions c
        where c.app = %(app)s and c.day = i.day and c.org_tag = i.org_tag and c.event = i.event
    )
    returning day, org_tag, order_id
)
insert into changed_conversions select * from come
