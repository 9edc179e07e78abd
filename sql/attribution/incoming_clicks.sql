-- Holds the clicks of one account day until the end of the transaction: one row is a click, its campaign and
-- its ad ('' where that is not known).
create temporary table incoming_clicks (
    click bytea not null, campaign_id text not null, ad_id text not null
) on commit drop
