"""Bytes, rates, shares and times -> words for people, the same on the page and in the terminal."""

from typing import Final

_ACRONYMS: Final = {
    word: word.upper()
    for word in [
        "ai",
        "dns",
        "dtls",
        "ech",
        "ftp",
        "http",
        "ntp",
        "quic",
        "smb",
        "sni",
        "ssh",
        "tcp",
        "tls",
        "udp",
        "vpn",
    ]
}
"""Of categories, protocols and evidence."""
_PREFIXES: Final = ("", "k", "M", "G", "T", "P", "E")


def size(amount: float) -> str:
    """An amount of bytes with a decimal prefix and three digits: 43.2 kB."""
    return _scaled(amount, "B")


def rate(bytes_per_s: float) -> str:
    """A rate as networks are measured, in bits: 345.6 kB a second are 2.76 Mbit/s."""
    return _scaled(bytes_per_s * 8, "bit/s")


def share(part: float, whole: float, digits: int = 0) -> str:
    """A part in percent with so many decimals, never rounded up: 100% means all of it, and 0% none. Of nothing, all."""
    if part >= whole:
        return "100%"
    if part <= 0:
        return "0%"
    unit = 10**digits
    parts = int(part * 100 * unit / whole)
    return f"{parts / unit:.{digits}f}%" if parts else f"<{1 / unit:.{digits}f}%"


def duration(seconds: float) -> str:
    """A time in its two largest units: 2 h 5 min."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def title(identifier: str) -> str:
    """generative_ai -> Generative AI: an identifier as the first words of a line."""
    text = " ".join(_ACRONYMS.get(word, word) for word in identifier.split("_"))
    return text[:1].upper() + text[1:]


def _scaled(amount: float, unit: str) -> str:
    scaled, index = float(max(0, amount)), 0
    # 999.5 would be shown as 1000 in three digits, so it is the next unit's already.
    while scaled >= 999.5 and index < len(_PREFIXES) - 1:
        scaled /= 1000
        index += 1
    if not index:
        return f"{scaled:.0f} {unit}"
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:,.{digits}f} {_PREFIXES[index]}{unit}"
