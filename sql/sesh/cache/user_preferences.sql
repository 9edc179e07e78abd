-- One row a user with settings.
select
    userId as id,
    json(preferences) as value,
    userId as tenant
from user_preferences
order by id
