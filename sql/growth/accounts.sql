-- One row a messaging account, by id: what tells whether its owner must do something. Nothing in it says who that is.
-- Parameters: none.
select
    id::text as account,
    status::text as status,
    quality_rating::text as quality,
    access_token_ciphertext is not null as has_token,
    token_expires_at,
    last_synced_at
from whatsapp.accounts
order by id
