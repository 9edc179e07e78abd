-- One row a currency of the app's ad accounts.
select
    to_jsonb(currency)::text as value
from ads.ad_accounts
where app = %(app)s
group by currency
order by currency
