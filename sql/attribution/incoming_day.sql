create temporary table incoming_touches (like attribution.touches including defaults) on commit drop;
create temporary table incoming_conversions (like attribution.conversions) on commit drop;
