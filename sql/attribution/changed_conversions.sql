-- Holds the conversions that came or went in this transaction, until its end.
create temporary table changed_conversions (day date, org_tag text, order_id bytea) on commit drop
