-- Holds the conversions of one slice until the end of its transaction. One row is a part of an action's day of an
-- entity, within one attribution window; seq is the order of the pages.
create temporary table incoming_conversions (
    seq                bigint generated always as identity,
    entity_id          text not null,
    date               date not null,
    action             text not null,
    attribution_window text not null,
    label              text not null,
    count              numeric(18, 6) not null,
    value              numeric(20, 6) not null,
    segments           text not null
) on commit drop
