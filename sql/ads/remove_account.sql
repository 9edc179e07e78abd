-- Deletes what a table of the schema ads has of one account of an organisation. table: its name, put in.
-- Parameters: app, org_id, platform, account_id.
delete from ads.{table}
where app = %(app)s and org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s
