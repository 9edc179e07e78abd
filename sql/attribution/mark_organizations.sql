-- Marks every day on which organisations whose rules changed had something to credit. Parameters: app, tags.
update attribution.windows
set changed = changed + 1
where app = %(app)s and day in (
    select day from attribution.conversions where app = %(app)s and org_tag = any(%(tags)s)
    union
    select day from attribution.touches where app = %(app)s and org_tag = any(%(tags)s)
)
