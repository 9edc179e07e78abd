-- Holds the facts of one slice until the end of its transaction. One row is a part of an entity's day; seq is the order
-- of the pages, because the last row of a repeated part counts.
create temporary table incoming (
    seq               bigint generated always as identity,
    entity_id         text not null,
    date              date not null,
    impressions       bigint not null,
    clicks            bigint not null,
    spend             numeric(20, 6) not null,
    conversions       numeric(18, 6) not null,
    conversions_value numeric(20, 6) not null,
    segments          text not null
) on commit drop
