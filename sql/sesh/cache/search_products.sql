-- One row a word and an active product with the word in its name.
select
    term,
    productId as id,
    json_quote(productId) as value
from product_terms
order by term, id
