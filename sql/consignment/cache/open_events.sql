-- One row a published event, by its start.
select
    start_date,
    id,
    json_object(
        'id', id, 'name', name, 'description', description, 'start_date', start_date, 'end_date', end_date,
        'location', location, 'max_consignors', max_consignors,
        'drop_off_start', drop_off_start, 'drop_off_end', drop_off_end,
        'pick_up_start', pick_up_start, 'pick_up_end', pick_up_end
    ) as value
from events
where status = 'published'
order by start_date, id
