-- What an erasure leaves for a reason until a day, and the request that erases it then.
alter table privacy.requests
    add column exemption jsonb,
    add column exempt_hashes bytea[] not null default '{}',
    drop constraint requests_origin_check,
    add constraint requests_origin_check check (origin in ('command', 'application', 'exemption'));
comment on column privacy.requests.exemption is 'Tables of the app that keep the person''s rows, why, and until when';
comment on column privacy.requests.exempt_hashes is 'Keyed hashes of ids whose rows a restore puts back into these tables';
comment on column privacy.requests.origin is 'exemption: it erases what another request left, when its day has come';
