"""Snapshots -> answers over HTTP: the landing page, the metrics, and whether all is well."""

from agent.web.listener import Listener, serve
from agent.web.site import ReloadRefusedError, Site

__all__ = ["Listener", "ReloadRefusedError", "Site", "serve"]
