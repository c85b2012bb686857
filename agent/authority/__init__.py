"""Signed authorisations, and the log of the flow records that exist only under one."""
