-- One row is a restatement, the latest first, with the account's time zone of now, in which its days are counted.
-- Parameters: app, since (when it was seen).
select
    h.seen_at, h.platform, h.account_id, h.campaign_name, h.date, a.time_zone, h.days_later, h.kind, h.currency,
    h.spend_change, h.conversions_change, h.conversions_value_change
from ads.restatement_history h
left join ads.ad_accounts a
    on a.app = h.app and a.org_id = h.org_id and a.platform = h.platform and a.account_id = h.account_id
where h.app = %(app)s and h.seen_at >= %(since)s
order by h.seen_at desc, abs(h.conversions_value_change) desc, h.date
limit 20
