select
    seen_at, platform, account_id, campaign_name, date, days_later, kind, currency, spend_change, conversions_change,
    conversions_value_change
from ads.restatement_history
where seen_at >= %(since)s
order by seen_at desc, abs(conversions_value_change) desc, date
limit 20
