"""The table of all keywords, as text: one line a keyword.

    [BLOCK: BLOCKS WHOSE KEYWORDS IT SHARES]
    KEYWORD | ARGUMENT | DEFAULT | STATE | MEANING

`pyvrrp.config.schema` says what ARGUMENT and STATE may be and reads it.
"""
