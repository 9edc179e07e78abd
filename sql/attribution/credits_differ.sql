-- One row: whether a day's new credits differ from the stored ones. Parameters: app, day.
with stored as (
    select * from attribution.credits where app = %(app)s and day = %(day)s
)
select exists (
    (select * from incoming_credits except select * from stored)
    union all
    (select * from stored except select * from incoming_credits)
) as differ
