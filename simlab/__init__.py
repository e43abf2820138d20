"""simlab: a laboratory for the methods that find groups in networks of people."""

__version__ = "0.1.0"
