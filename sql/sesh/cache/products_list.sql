-- One row an active product in brief, by name.
select
    name,
    id,
    json_object('id', id, 'name', name, 'brand', brand, 'category', category, 'strainId', strainId) as value
from products
where isActive = 1
order by name, id
