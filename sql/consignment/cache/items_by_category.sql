-- One row an approved item of a published event, by category. It does not say whose the item is.
select
    category,
    id,
    json_object(
        'id', id, 'event_id', event_id, 'name', name, 'size', size, 'price', price, 'condition', condition
    ) as value
from inventory_items
where status = 'approved' and event_id in (select events.id from events where events.status = 'published')
order by category, id
