-- One row is an age: how much was restated so many days after the day itself.
-- Parameters: app, since (when it was seen).
select
    seen_at::date - date as days_later,
    count(*) as rows,
    count(distinct (org_id, campaign_id)) as campaigns,
    sum(coalesce(conversions_after, 0) - coalesce(conversions_before, 0)) as conversions_change,
    count(*) filter (where spend_after is distinct from spend_before) as rows_with_other_spend
from ads.restatements
where app = %(app)s and seen_at >= %(since)s
group by 1
order by 1
