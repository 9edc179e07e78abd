-- Inserts the touches that the day does not hold yet, without a campaign so far; they go to changed_touches.
-- Parameter: app.
with come as (
    insert into attribution.touches (
        app, day, org_tag, visitor, browser, session, at, session_begins, session_ends, named_platform, click,
        click_parameter, utm_campaign, utm_content, campaign_key, content_key, campaign_id_key, ad_id_key
    )
    select %(app)s, day, org_tag, visitor, browser, session, at, session_begins, session_ends, named_platform, click,
        click_parameter, utm_campaign, utm_content, campaign_key, content_key, campaign_id_key, ad_id_key
    from incoming_touches i
    where not exists (
        select from attribution.touches t
        where t.app = %(app)s and t.day = i.day and t.org_tag = i.org_tag and t.visitor = i.visitor
          and t.session = i.session and t.at = i.at
    )
    returning day, browser, at
)
insert into changed_touches (day, browser, at) select * from come
