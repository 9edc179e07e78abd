"""The ad platform sandbox: a server on loopback that speaks the APIs of Google, Meta, TikTok and Microsoft.

What belongs here: the accounts that the server shows (`world`), the four APIs, the faults that a test can order, and
the sample data. What does not belong here: code that the product needs. The product meets the sandbox only over HTTP.
"""
