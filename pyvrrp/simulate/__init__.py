"""Directors of real configurations on a virtual network: hours of elections in seconds, with the daemon's own code."""
