"""Who refused marketing or the sale of their data, since when, and which events that concerns.

What belongs here: choices, from events and from the application's own list, and the judgement of events by them. What
does not: consent to analytics, without which an event is never stored (assets/events), and what is made of events that
are refused (assets/attribution).
"""
