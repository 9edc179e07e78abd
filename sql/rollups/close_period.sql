update rollups.windows
set sequence = wanted, version = %(version)s, events = %(events)s, built_at = %(built_at)s
where grain = %(grain)s and window_start = %(window)s and org_tag = ''
