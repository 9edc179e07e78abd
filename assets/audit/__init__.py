"""The audit trail: what was read or changed of personal data, by whom, in a chain of hashes in our Postgres.

What belongs here: entries, the chain, its verification, its heads in R2. What does not: what there is to report, which
each command and job reports itself by `note`, and the reports that are made of it (assets/compliance).

The trail holds who, where and how much, never a value. An entry is chained in the transaction that writes it, under a
lock: 3,000 entries and more a second, against a few that a run needs. Chaining later would be twice as fast, and would
leave a tail of entries that no hash protects.
"""
