-- Deletes the touches of a day that the lake does not hold, or holds with other values; they go to changed_touches.
-- Parameters: app, day.
with gone as (
    delete from attribution.touches t
    where t.app = %(app)s and t.day = %(day)s
      and not exists (
        select from incoming_touches i
        where i.org_tag = t.org_tag and i.visitor = t.visitor and i.session = t.session and i.at = t.at
          and (
            i.browser, i.session_begins, i.session_ends, i.named_platform, i.click, i.click_parameter, i.utm_campaign,
            i.utm_content, i.campaign_key, i.content_key, i.campaign_id_key, i.ad_id_key
          ) is not distinct from (
            t.browser, t.session_begins, t.session_ends, t.named_platform, t.click, t.click_parameter, t.utm_campaign,
            t.utm_content, t.campaign_key, t.content_key, t.campaign_id_key, t.ad_id_key
          )
      )
    returning t.day, t.browser, t.at
)
insert into changed_touches (day, browser, at) select * from gone
