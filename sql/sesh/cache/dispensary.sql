-- One row a dispensary.
select
    id,
    json_object(
        'id', id, 'name', name, 'address', address, 'city', city, 'region', region, 'country', country,
        'latitude', latitude, 'longitude', longitude, 'openingHours', json(openingHours),
        'attributes', json(attributes),
        'isActive', json(iif(isActive, 'true', 'false')), 'createdAt', createdAt, 'updatedAt', updatedAt
    ) as value
from dispensaries
order by id
