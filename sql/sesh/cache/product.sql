-- One row a product.
select
    id,
    json_object(
        'id', id, 'strainId', strainId, 'name', name, 'brand', brand, 'category', category,
        'unit', unit, 'description', description, 'thcPercent', thcPercent, 'cbdPercent', cbdPercent,
        'attributes', json(attributes),
        'isActive', json(iif(isActive, 'true', 'false')), 'createdAt', createdAt, 'updatedAt', updatedAt
    ) as value
from products
order by id
