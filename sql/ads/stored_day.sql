select campaign_id, impressions, clicks, spend, conversions, conversions_value
from ads.campaign_metrics_daily
where org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s and date = %(day)s
