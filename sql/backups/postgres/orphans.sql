-- One row a foreign key that was checked for all rows, with a query that counts the rows which break it nevertheless.
select
    format('%I on %s', pg_constraint.conname, child.oid::regclass) as name,
    format(
        'select count(*) as n from only %s child where %s and not exists (select from %s parent where %s)',
        child.oid::regclass, columns.filled, parent.oid::regclass, columns.same
    ) as counting
from pg_constraint
join pg_class child on child.oid = pg_constraint.conrelid and child.relkind = 'r'
join pg_class parent on parent.oid = pg_constraint.confrelid
cross join lateral (
    select
        string_agg(format('child.%I is not null', own.attname), ' and ') as filled,
        string_agg(format('child.%I = parent.%I', own.attname, theirs.attname), ' and ') as same
    from unnest(pg_constraint.conkey, pg_constraint.confkey) as pair (own, theirs)
    join pg_attribute own on own.attrelid = child.oid and own.attnum = pair.own
    join pg_attribute theirs on theirs.attrelid = parent.oid and theirs.attnum = pair.theirs
) columns
where pg_constraint.contype = 'f' and pg_constraint.convalidated
order by 1
