-- One row an active dispensary in brief, by name.
select
    name,
    id,
    json_object(
        'id', id, 'name', name, 'city', city, 'region', region, 'country', country,
        'latitude', latitude, 'longitude', longitude
    ) as value
from dispensaries
where isActive = 1
order by name, id
