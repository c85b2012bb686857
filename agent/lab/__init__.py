"""A seed -> synthetic traffic whose truth is known, for the demo, the tests and `hallwatch selftest`.

Scapy builds the protocol messages here and nowhere else in the package; importing it takes most of a second, so only
those who make traffic import the lab.
"""

import logging

# Scapy warns of absent routes and interfaces; the lab opens no socket, so they mean nothing here.
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
logging.getLogger("scapy.loading").setLevel(logging.ERROR)
