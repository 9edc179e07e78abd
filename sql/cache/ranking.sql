-- One row an active organisation of the app (tags) and a range up to `today`: the 50 things of `counted` with the most
-- of its first figure. The sums of all, and of what is no longer among the 50, stand beside them, and the period before.
-- That is null where it began before the first roll-up. Parameters: app, today, tags. Names: things, what is ranked;
-- counted, the statement that counts them by org_tag and day; names, its columns that tell them apart; first, the figure
-- that ranks; sums, its figures in the range and before it; item, item_before, totals, rest and before, fields of values.
with known as (
    select min(window_start at time zone 'UTC')::date as since
    from rollups.windows
    where app = %(app)s and grain = 'daily' and org_tag = '' and built_at is not null
),

ranges as (
    select
        ranges.range,
        ranges.days,
        %(today)s::date - ranges.days + 1 as start,
        known.since <= %(today)s::date - 2 * ranges.days + 1 as previous_known
    from known
    cross join (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
),

summed as (
    select org_tag, range, {names}, {sums}
    from ranges
    inner join ({counted}) as counted
        on day > %(today)s::date - 2 * days and day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where day > %(today)s::date - 180 and org_tag = any(%(tags)s::text[])
    group by org_tag, range, {names}
),

ranked as (
    select
        *,
        {first} > 0 as present,
        row_number() over (partition by org_tag, range order by {first} desc, {names}) as place
    from summed
)

select
    tag as org_tag,
    ranges.range,
    jsonb_build_object(
        'from', start,
        'to', %(today)s::date,
        'totals', jsonb_build_object('{things}', count(*) filter (where present), {totals}),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object(
                    {item}, 'previous', case when previous_known then jsonb_build_object({item_before}) end
                ) order by place
            ) filter (where present and place <= 50),
            '[]'
        ),
        'rest', jsonb_build_object('{things}', count(*) filter (where present and place > 50), {rest}),
        'previous', case when previous_known then jsonb_build_object('from', start - days, 'to', start - 1, {before}) end
    )::text as value,
    tag as tenant
from unnest(%(tags)s::text[]) as tag
cross join ranges
left join ranked on ranked.org_tag = tag and ranked.range = ranges.range
group by tag, ranges.range, days, start, previous_known
order by tag, ranges.range
