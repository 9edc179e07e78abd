"""What must be shown to others about personal data: changes of the apps' tables in the trail, and monthly reports.

What belongs here: following the change logs for the audit trail, its daily head, the reports. What does not: the trail
itself (assets/audit), and the work that is reported on.
"""
