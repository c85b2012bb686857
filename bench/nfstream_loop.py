"""A capture file -> the flows nfstream sees in it, counted: the least that a program on nfstream does.

Its settings are those of both comparisons, of cost (replay_vs_nfstream.py) and of names (names_vs_nfstream.py): names are
looked for in the first 20 packets of a flow (its default), statistics that Hallwatch does not make are off. Nothing is
written for a flow.
"""

import json
import sys

from nfstream import NFStreamer


def streamer(capture: str) -> NFStreamer:
    """An iterable of the flows of a capture file."""
    return NFStreamer(source=capture, statistical_analysis=False, n_dissections=20)


def main() -> None:
    """Reads the file named on the command line; prints how many flows and packets there were, as JSON."""
    flows = packets = named = 0
    for flow in streamer(sys.argv[1]):
        flows += 1
        packets += flow.bidirectional_packets
        named += bool(flow.requested_server_name)
    print(json.dumps({"flows": flows, "packets": packets, "named": named}))


if __name__ == "__main__":
    main()
