-- One row a consignor of an event that the caller organises: what they brought, what of it was sold, and for how much.
-- Caller: ?1. Parameters: ?2 event_id integer.
select
    inventory_items.user_id,
    count(*) as items,
    count(*) filter (where inventory_items.status = 'sold') as sold,
    coalesce(sum(inventory_items.price) filter (where inventory_items.status = 'sold'), 0) as total
from events
inner join inventory_items on events.id = inventory_items.event_id
where events.id = ?2 and events.user_id = ?1
group by inventory_items.user_id
order by inventory_items.user_id
