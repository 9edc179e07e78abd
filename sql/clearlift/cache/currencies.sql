select
    to_jsonb(currency)::text as value
from ads.ad_accounts
group by currency
order by currency
