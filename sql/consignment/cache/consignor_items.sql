-- One row an item, by its consignor, whose alone it is.
select
    user_id,
    id,
    json_object(
        'id', id, 'event_id', event_id, 'name', name, 'category', category, 'size', size, 'price', price,
        'condition', condition, 'status', status, 'barcode', barcode, 'dropped_off_at', dropped_off_at
    ) as value,
    user_id as tenant
from inventory_items
order by user_id, id
