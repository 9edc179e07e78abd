create temporary table incoming (
    seq               bigint generated always as identity,
    entity_id         text not null,
    date              date not null,
    impressions       bigint not null,
    clicks            bigint not null,
    spend             numeric(20, 6) not null,
    conversions       numeric(18, 6) not null,
    conversions_value numeric(20, 6) not null
) on commit drop
