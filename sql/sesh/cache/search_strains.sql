-- One row a word and an active strain with the word in its name.
select
    term,
    strainId as id,
    json_quote(strainId) as value
from strain_terms
order by term, id
