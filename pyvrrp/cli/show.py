"""`pyvrrp show`."""
