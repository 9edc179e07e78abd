"""Processes that end with the command which started them: the mark that all of them inherit. Pure.

What does not belong here: how they are ended (clearlift_pipelines/cli/supervisor.py).
"""

MARK = "PIPELINES_FAMILY"
"""The variable of the environment that holds a family's mark."""
