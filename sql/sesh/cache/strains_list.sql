-- One row an active strain in brief, by name.
select
    name,
    id,
    json_object('id', id, 'name', name, 'type', type, 'thcPercent', thcPercent, 'cbdPercent', cbdPercent) as value
from strains
where isActive = 1
order by name, id
