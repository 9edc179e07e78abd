-- One row a message template that its platform rejected or paused, by account and name. Parameters: none.
select
    account_id::text as account,
    name,
    language,
    status::text as status,
    coalesce(reviewed_at, submitted_at) as since
from whatsapp.templates
where status in ('rejected', 'paused')
order by account_id, name, language
