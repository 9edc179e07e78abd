-- One row per family of an app (namespace): its reads over the days that are kept.
select family, sum(reads)::bigint as reads from cache.reads where namespace = %(namespace)s group by family
