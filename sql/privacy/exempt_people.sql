-- One row a person of an app (app) of whom some tables keep rows: names of these tables, hashes of the ids.
select
    array(select jsonb_array_elements_text(exemption -> 'names')) as names,
    exempt_hashes as hashes
from privacy.requests
where app = %(app)s and ended_at is null and exempt_hashes <> '{}'
