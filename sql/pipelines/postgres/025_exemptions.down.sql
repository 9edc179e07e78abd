-- Refused where anything was left for a reason, because nobody would erase it when its day has come.
alter table privacy.requests
    drop constraint requests_origin_check,
    add constraint requests_origin_check check (origin in ('command', 'application')),
    drop column exemption,
    drop column exempt_hashes;
