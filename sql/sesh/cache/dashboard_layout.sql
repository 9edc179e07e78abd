-- One row a user who has a dashboard layout.
select
    userId as id,
    json(dashboardLayout) as value,
    userId as tenant
from user_preferences
where dashboardLayout is not null
order by id
