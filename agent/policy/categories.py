"""The words for what kind of thing an application is: the categories that catalogue files may use."""

unclassified = "unclassified"
"""The category of what is in no catalogue."""

unknown_application = "unknown"
"""The application of what is in no catalogue."""

categories: dict[str, str] = {
    "social_networking": "sites for posting and following: those the regulations name, and their like",
    "generative_ai": "systems that create text, images, sound or video when prompted",
    "file_sharing": "storing and handing on files: cloud drives, transfer sites, peer to peer",
    "messaging": "chat and instant messages",
    "email": "mail, on the web and by its own protocols",
    "cloud_collaboration": "office suites, shared documents, code hosting, internal chat",
    "retail": "shops, market places, payment",
    "video_streaming": "films, series, music and radio",
    "video_conferencing": "meetings with picture and sound",
    "education": "teaching platforms, libraries, testing, school administration",
    "software_download": "software stores, package registries, developers' downloads",
    "remote_access": "screens and shells of other machines",
    "vpn_and_proxy": "tunnels, anonymisers, and names resolved past the school's resolver",
    "advertising": "advertisements and the measuring of visitors",
    "gaming": "games and their shops",
    "news": "newspapers, broadcasters, weather, sport",
    "system_update": "operating systems and devices looking after themselves",
    "adult": "sexual content, gambling, and other things for adults only",
    "infrastructure": "what the Internet runs on: DNS, time, certificates, content delivery",
    "voice": "telephony",
    "web": "known sites of no particular kind",
}
"""category -> what belongs into it. README.md of the rules says the same at more length."""
