-- One row per object of an app's access log (namespace) that was counted.
select object from cache.access_objects where namespace = %(namespace)s
