create temporary table incoming_clicks (click bytea not null, campaign_id text not null) on commit drop
