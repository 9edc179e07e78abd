-- One row: the sealed secret of a name, none where it was never made.
select name, sealed
from privacy.secrets
where name = %(name)s
