-- One row a strain.
select
    id,
    json_object(
        'id', id, 'name', name, 'type', type, 'description', description,
        'thcPercent', thcPercent, 'cbdPercent', cbdPercent,
        'effects', json(effects), 'flavors', json(flavors), 'attributes', json(attributes),
        'isActive', json(iif(isActive, 'true', 'false')), 'createdAt', createdAt, 'updatedAt', updatedAt
    ) as value
from strains
order by id
