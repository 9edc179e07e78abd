-- Stores a secret (name, sealed) where there is none yet; one that is there stays.
insert into privacy.secrets (name, sealed)
values (%(name)s, %(sealed)s)
on conflict (name) do nothing
