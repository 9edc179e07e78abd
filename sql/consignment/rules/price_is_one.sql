-- One row an item whose price is no amount above zero: text, zero, negative, infinite, or with fractions of a cent.
select id
from inventory_items
where
    typeof(price) not in ('integer', 'real')
    or price <= 0
    or price > 1000000000
    or abs(price * 100 - round(price * 100)) > 0.000001 * price
