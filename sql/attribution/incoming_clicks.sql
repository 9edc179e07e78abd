-- Holds the clicks of one account day until the end of the transaction: one row is a click and its campaign.
create temporary table incoming_clicks (click bytea not null, campaign_id text not null) on commit drop
