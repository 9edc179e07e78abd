-- One row is a kind of orphan and how many there are: facts without their entity, entities without their parent.
-- Parameters: app, since (the first day of the facts that are looked at).
select 'ad groups without a campaign' as kind, count(*) as rows
from ads.ad_groups g
where g.app = %(app)s
  and not exists (select from ads.campaigns c where c.app = g.app and c.org_id = g.org_id and c.id = g.campaign_id)
union all
select 'keywords without an ad group', count(*)
from ads.keywords k
where k.app = %(app)s
  and not exists (select from ads.ad_groups g where g.app = k.app and g.org_id = k.org_id and g.id = k.ad_group_id)
union all
select 'ads without an ad group', count(*)
from ads.ads a
where a.app = %(app)s
  and not exists (select from ads.ad_groups g where g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id)
union all
select 'campaign facts without a campaign', count(*)
from (
    select org_id, campaign_id as id from ads.campaign_metrics_daily where app = %(app)s and date >= %(since)s
    except select org_id, id from ads.campaigns where app = %(app)s
) f
union all
select 'ad group facts without an ad group', count(*)
from (
    select org_id, ad_group_id as id from ads.ad_group_metrics_daily where app = %(app)s and date >= %(since)s
    except select org_id, id from ads.ad_groups where app = %(app)s
) f
union all
select 'ad facts without an ad', count(*)
from (
    select org_id, ad_id as id from ads.ad_metrics_daily where app = %(app)s and date >= %(since)s
    except select org_id, id from ads.ads where app = %(app)s
) f
union all
select 'keyword facts without a keyword', count(*)
from (
    select org_id, keyword_id as id from ads.keyword_metrics_daily where app = %(app)s and date >= %(since)s
    except select org_id, id from ads.keywords where app = %(app)s
) f
