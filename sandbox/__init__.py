"""The ad platform sandbox: a loopback server that speaks the APIs of Google, Meta, TikTok and Microsoft.

What belongs here: the seeded world of accounts behind it (`world`), the four APIs, the faults that can be ordered of
them, and the sample data made from that world. What does not: anything that talks to a platform; a sync meets the
sandbox only through HTTP.
"""
