-- One row is a table of attribution (name) of which the planner knows nothing, because it was empty when it was last
-- analyzed, or never was.
select name
from unnest(array['attribution.touches', 'attribution.conversions', 'attribution.sign_ins']) as name
where (select reltuples <= 0 from pg_class where oid = name::regclass)
