-- Deletes what is recorded of single organisations of an app's days before `today` where the whole day was built from
-- the same commit or a later one: it says nothing then that the whole day does not.
delete from rollups.windows as part
using rollups.windows as whole
where part.app = %(app)s and part.grain = 'daily' and part.org_tag <> '' and part.window_start < %(today)s
  and whole.app = part.app and whole.grain = part.grain and whole.window_start = part.window_start
  and whole.org_tag = '' and whole.sequence >= part.sequence
