"""VRRP on the wire, for people: what is said, by whom, and whether we would believe it."""
