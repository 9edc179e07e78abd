select
    term,
    strainId as id,
    json_quote(strainId) as value
from strain_terms
order by term, id
