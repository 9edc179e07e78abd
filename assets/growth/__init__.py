"""What is made on a schedule of the events, leads, onboarding and messaging accounts in an app's own Postgres database.

What belongs here: pending events taken into aggregations, windows made again, sessions ended, phone numbers read,
reports and findings. What does not: the tables and what is said to them (the folder under sql/ that the app's data
names), and experiments, which have a room of their own.
"""
