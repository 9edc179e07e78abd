select count(*) as days from attribution.windows where day >= %(since)s and changed = credited
