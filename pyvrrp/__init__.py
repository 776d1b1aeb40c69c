"""pyvrrp: VRRP failover and LVS load balancing for Linux directors."""

__version__ = "0.1.0"
