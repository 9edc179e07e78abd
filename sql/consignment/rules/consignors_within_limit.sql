-- One row an event with items of more consignors than it admits. Rejected items do not count.
select events.id
from events
inner join inventory_items on events.id = inventory_items.event_id and inventory_items.status <> 'rejected'
group by events.id
having count(distinct inventory_items.user_id) > events.max_consignors
