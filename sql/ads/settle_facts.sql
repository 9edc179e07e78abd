-- Makes a table like `incoming` of one row an entity's day: its parts added up, each of them once.
create temporary table settled on commit drop as
with single as (
    select distinct on (entity_id, date, segments) *
    from incoming
    order by entity_id, date, segments, seq desc
)
select
    max(seq) as seq, entity_id, date, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(spend)::numeric(20, 6) as spend, sum(conversions)::numeric(18, 6) as conversions,
    sum(conversions_value)::numeric(20, 6) as conversions_value, ''::text as segments
from single
group by entity_id, date
