-- Takes the days that the report says are zero out of `incoming`, into a table of their own. One row is an entity's day.
create temporary table said_zero on commit drop as
with zero as (
    delete from incoming
    where impressions = 0 and clicks = 0 and spend = 0 and conversions = 0 and conversions_value = 0
    returning entity_id, date
)
select entity_id, date from zero
