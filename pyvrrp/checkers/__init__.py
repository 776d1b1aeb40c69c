"""Looking at real servers: one file a kind of check, one question asked once.

When to ask, how often to ask again and what the answer means is `pyvrrp.core.lvs`.
"""
