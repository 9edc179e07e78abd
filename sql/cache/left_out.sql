-- One row a key that the budget left out, the most wanted first.
select page_of as key
from cache_due
where not chosen
group by page_of, reads, events
order by reads desc, events desc, page_of
limit %(most)s
