"""What is visited on a school day: names, what they belong to, how often, and the addresses they have in the lab.

Addresses come from ranges that belong to nobody (RFC 2544, RFC 3849, RFC 5737), so that no published prefix list can
give a name away.
"""

import ipaddress
from dataclasses import dataclass

SERVER_V4 = ipaddress.IPv4Network("198.18.0.0/16")
SERVER_V6 = ipaddress.IPv6Network("2001:db8:5e::/64")
PEER_V4 = ipaddress.IPv4Network("198.19.0.0/16")
PEER_V6 = ipaddress.IPv6Network("2001:db8:bee::/64")

RESOLVERS = (ipaddress.ip_address("10.0.0.53").packed, ipaddress.ip_address("fd48:5757::53").packed)
"""The school's resolver, by IPv4 and by IPv6."""

ECH_PUBLIC_NAME = "cloudflare-ech.com"


@dataclass(frozen=True, slots=True)
class Service:
    """One host name."""

    hostname: str
    application: str
    category: str
    weight: float
    """How often it is visited, relative to the others."""
    speaks: tuple[str, ...]
    """Of "tls", "quic", "http", "ech", "nameless" (TLS without server_name); one is drawn for each visit."""
    addresses: tuple[bytes, bytes]
    """IPv4 and IPv6; no two services share one."""


_TABLE = """
instagram    social_networking    5.0  tls,quic,quic   www.instagram.com i.instagram.com scontent.cdninstagram.com
tiktok       social_networking    6.0  tls,tls,quic    www.tiktok.com v16-webapp.tiktok.com p16-sign.tiktokcdn.com
snapchat     social_networking    4.0  tls,quic        app.snapchat.com cf-st.sc-cdn.net
facebook     social_networking    2.0  quic,tls        www.facebook.com static.xx.fbcdn.net
reddit       social_networking    1.5  tls             www.reddit.com i.redd.it
chatgpt      generative_ai        4.0  tls,tls,quic    chatgpt.com api.openai.com
claude       generative_ai        2.0  tls             claude.ai api.anthropic.com
gemini       generative_ai        2.5  quic,tls        gemini.google.com
character_ai generative_ai        1.0  tls             character.ai
perplexity   generative_ai        0.7  tls             www.perplexity.ai
dropbox      file_sharing         1.0  tls             www.dropbox.com content.dropboxapi.com
wetransfer   file_sharing         0.6  tls,nameless    wetransfer.com
mega         file_sharing         0.5  tls             mega.nz
google_drive cloud_collaboration  2.0  quic,tls        drive.google.com
google_docs  cloud_collaboration  1.5  quic,tls        docs.google.com
microsoft_365 cloud_collaboration 2.0  tls             www.office.com
discord      messaging            3.0  tls,tls,ech     discord.com gateway.discord.gg
whatsapp     messaging            2.0  tls             web.whatsapp.com
gmail        email                1.5  quic,tls        mail.google.com
outlook_365  email                1.5  tls             outlook.office365.com
yahoo_mail   email                0.6  tls             mail.yahoo.com
amazon       retail               1.5  tls,quic        www.amazon.com m.media-amazon.com
ebay         retail               0.5  tls             www.ebay.com
youtube      social_networking    6.0  quic,quic,tls   www.youtube.com rr3---sn-ab5l6nrl.googlevideo.com i.ytimg.com
netflix      video_streaming      1.5  tls             www.netflix.com
spotify      video_streaming      2.0  tls,nameless    open.spotify.com
zoom         video_conferencing   1.0  tls             zoom.us
canvas       education            5.0  tls             canvas.instructure.com
khan_academy education            2.5  tls,quic        www.khanacademy.org
powerschool  education            2.0  tls             powerschool.com
wikimedia    education            2.0  tls             en.wikipedia.org
linux_update system_update        0.5  http            deb.debian.org
google_play  software_download    0.5  tls,quic        play-fe.googleapis.com
teamviewer   remote_access        0.3  tls             master1.teamviewer.com
nordvpn      vpn_and_proxy        0.4  tls             api.nordvpn.com
google_ads   advertising          3.0  quic,tls        googleads.g.doubleclick.net
roblox       gaming               2.5  tls,tls,nameless www.roblox.com
steam        gaming               1.0  tls,http        store.steampowered.com
nytimes      news                 1.0  tls             www.nytimes.com
windows_update system_update      1.5  tls,http        dl.delivery.mp.microsoft.com
unknown      unclassified         1.5  tls,quic,http   www.hallwatch-lab.example cdn.hallwatch-lab.example
"""


def _services() -> tuple[Service, ...]:
    made: list[Service] = []
    for line in _TABLE.strip().splitlines():
        application, category, weight, speaks, *hostnames = line.split()
        for hostname in hostnames:
            place = 257 + len(made)
            made.append(
                Service(
                    hostname,
                    application,
                    category,
                    float(weight) / len(hostnames),
                    tuple(speaks.split(",")),
                    (SERVER_V4[place].packed, SERVER_V6[place].packed),
                )
            )
    return tuple(made)


SERVICES = _services()
