"""All that is held of a person, as a ZIP of JSON that the person can read.

What belongs here: reading it from every store, the ZIP, and requests for it. What does not: whose data a store holds
(apps/*_personal.py), and who a person is (erasure/identify.py).
"""
