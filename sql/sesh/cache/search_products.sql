select
    term,
    productId as id,
    json_quote(productId) as value
from product_terms
order by term, id
