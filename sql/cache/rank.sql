-- One row a wanted key of the family that is new, changed or expires before `renew_before`: its rank, and whether the
-- budget `writes` (null: none) admits it. The rank is by the reads of the last 7 days (a read counts half after every
-- two days), then by the events of its organisation on these days. All pages of a key are admitted together, so that
-- the last key may exceed the budget. Parameters: namespace (the app's name), family, today, now, renew_before, writes.
create temporary table cache_due on commit drop as
with demand as (
    select key, sum(reads * power(0.5, (%(today)s::date - day) / 2.0)) as reads
    from cache.reads
    where
        namespace = %(namespace)s and family = %(family)s
        and day > %(today)s::date - 7 and day <= %(today)s::date
    group by key
),

activity as (
    select org_tag as tenant, sum(events) as events
    from rollups.daily_totals
    where app = %(namespace)s and day > %(today)s::date - 7 and day <= %(today)s::date
    group by org_tag
),

compared as (
    select
        wanted.*,
        coalesce(demand.reads, 0) as reads,
        coalesce(activity.events, 0) as events,
        case
            when entries.key is null or entries.expires_at <= %(now)s then 'new'
            when
                entries.hash <> wanted.hash or entries.tenant <> wanted.tenant or entries.family <> %(family)s
                then 'changed'
            when entries.expires_at < %(renew_before)s then 'renewed'
        end as reason,
        entries.tenant <> wanted.tenant as moved,
        entries.written_at
    from cache_wanted as wanted
    left join cache.entries on entries.namespace = %(namespace)s and entries.key = wanted.key
    left join demand on demand.key = wanted.page_of
    left join activity on activity.tenant = wanted.tenant
),

ranked as (
    select
        *,
        count(*) over (order by reads desc, events desc, page_of) as through,
        count(*) over (partition by page_of) as together
    from compared
    where reason is not null
)

select
    *,
    %(writes)s::bigint is null or through - together < %(writes)s::bigint as chosen
from ranked
