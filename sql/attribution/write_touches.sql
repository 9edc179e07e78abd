-- Inserts the touches that the day does not hold yet, without a campaign so far; they go to changed_touches.
-- Parameter: app.
with come as (
    insert into attribution.touches (
        app, day, org_tag, visitor, session, at, named_platform, click, utm_campaign, utm_content
    )
    select %(app)s, day, org_tag, visitor, session, at, named_platform, click, utm_campaign, utm_content
    from incoming_touches i
    where not exists (
        select from attribution.touches t
        where t.app = %(app)s and t.day = i.day and t.org_tag = i.org_tag and t.visitor = i.visitor
          and t.session = i.session
    )
    returning day, org_tag, visitor, at
)
insert into changed_touches select * from come
