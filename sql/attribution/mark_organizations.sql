-- Every day on which organisations whose rules changed had something to credit.
update attribution.windows
set changed = changed + 1
where day in (
    select day from attribution.conversions where org_tag = any(%(tags)s)
    union
    select day from attribution.touches where org_tag = any(%(tags)s)
)
