"""Pages to look at: how the pipelines stand, and what the cache serves to one organisation. Each is one HTML file.

What belongs here: what a page says (a module a section: what it reads, as records, and how it is shown), and drawing it
(blocks, chart, document: pure). What does not: what is wrong (assets/health), and serving
(clearlift_pipelines/cli/page.py).
"""
