"""Jobs: durable pieces of work that follow from a request, and how a worker hears of them.

The row is the truth. Whoever needs work done writes it here, in the same transaction as what it follows
from; `tricircle.xjob` does it.
"""
