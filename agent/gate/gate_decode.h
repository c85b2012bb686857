/* A frame's bytes -> struct gate_packet: link layers, tags, tunnels, IP, transport header. Opens no payload.
 *
 * One loop over headers; each step reads one header and says which comes next. A tunnel whose inside cannot be read
 * is counted by its outer ends.
 */
#ifndef GATE_DECODE_H
#define GATE_DECODE_H

#include "gate_core.h"

/* Link types, as capture files number them (https://www.tcpdump.org/linktypes.html). */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_PPP = 9,
    LINK_PPP_HDLC = 50,
    LINK_PPPOE = 51,
    LINK_RAW_BSD = 12,
    LINK_RAW = 101,
    LINK_C_HDLC = 104,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_PPI = 192,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

enum ethertype {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging: Ethernet inside GRE or Geneve */
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86DD,
    ETHERTYPE_PPP = 0x880B,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE = 0x8864,
    ETHERTYPE_QINQ = 0x88A8,
    ETHERTYPE_ERSPAN = 0x88BE,
    ETHERTYPE_OLD_QINQ = 0x9100,
    ETHERTYPE_ERSPAN_3 = 0x22EB,
    ETHERTYPE_LLC = 1, /* our own: an 802.3 frame without SNAP */
};

enum ip_protocol {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_IPIP = 4,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_GRE = 47,
    PROTOCOL_AH = 51,
    PROTOCOL_DESTINATION = 60,
    PROTOCOL_SCTP = 132,
    PROTOCOL_MOBILITY = 135,
    PROTOCOL_UDP_LITE = 136,
    PROTOCOL_MPLS = 137,
    PROTOCOL_HIP = 139,
    PROTOCOL_SHIM6 = 140,
};

enum tunnel_port { PORT_GTP_U = 2152, PORT_VXLAN = 4789, PORT_GENEVE = 6081 };

/* What the next header is. */
enum gate_layer {
    LAYER_ETHERNET,
    LAYER_ETHERTYPE, /* `type` tells */
    LAYER_MPLS,
    LAYER_PPP,       /* two bytes of PPP protocol number (RFC 1661) */
    LAYER_IP,        /* version nibble tells */
    LAYER_PROTOCOL,  /* `type` is an IP protocol number */
    LAYER_DONE,
    LAYER_FAILED,
};

GATE_INLINE u32 gate_smaller(u32 a, u32 b) { return a < b ? a : b; }

GATE_INLINE u32 ppp_ethertype(u32 protocol) {
    return protocol == 0x0021 ? ETHERTYPE_IPV4 : protocol == 0x0057 ? ETHERTYPE_IPV6 : protocol == 0x0281 ? ETHERTYPE_MPLS : protocol;
}

/* Remembers the ends met so far as the tunnel's and forgets all else of the packet. */
GATE_INLINE void enter_tunnel(struct gate_packet *packet) {
    if (!packet->key.depth) packet->outer = packet->key;
    u8 depth = packet->key.depth + 1;
    __builtin_memset(&packet->key, 0, sizeof packet->key);
    packet->key.depth = depth;
}

/* Reads the first header of a link type: its length by `offset`, what follows by `type`. */
GATE_INLINE u32 decode_link(struct gate *gate, u32 link, u32 *offset, u32 *type) {
    u8 h[20];
    switch (link) {
    case LINK_ETHERNET:
        return LAYER_ETHERNET;
    case LINK_RAW_BSD:
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return LAYER_IP;
    case LINK_NULL: /* the sender's own byte order and numbers for IPv6, so the version nibble decides */
    case LINK_LOOP:
        *offset = 4;
        return LAYER_IP;
    case LINK_SLL:
        if (gate_load(gate, 0, h, 16)) return LAYER_FAILED;
        *offset = 16;
        *type = gate_be16(h + 14);
        return LAYER_ETHERTYPE;
    case LINK_SLL2:
        if (gate_load(gate, 0, h, 20)) return LAYER_FAILED;
        *offset = 20;
        *type = gate_be16(h);
        return LAYER_ETHERTYPE;
    case LINK_PPP:
    case LINK_PPP_HDLC:
    case LINK_C_HDLC: /* a PPP link may be recorded with or without its HDLC address and control */
        if (gate_load(gate, 0, h, 4)) return LAYER_FAILED;
        if (h[0] == 0xFF && h[1] == 0x03) {
            *offset = 2;
            return LAYER_PPP;
        }
        if (h[0] == 0x0F || h[0] == 0x8F) { /* Cisco HDLC: unicast, multicast */
            *offset = 4;
            *type = gate_be16(h + 2);
            return LAYER_ETHERTYPE;
        }
        return LAYER_PPP;
    case LINK_PPPOE:
        *type = ETHERTYPE_PPPOE;
        return LAYER_ETHERTYPE;
    case LINK_PPI: /* a header of its own length, then another link type */
        if (gate_load(gate, 0, h, 8)) return LAYER_FAILED;
        *offset = (u32)h[2] | (u32)h[3] << 8;
        if (h[4] == LINK_ETHERNET) return LAYER_ETHERNET;
        return h[4] == LINK_RAW || h[4] == LINK_RAW_BSD || h[4] == LINK_IPV4 ? LAYER_IP : LAYER_FAILED;
    default:
        return LAYER_FAILED;
    }
}

/* One header chosen by EtherType. */
GATE_INLINE u32 decode_ethertype(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    u8 h[8];
    switch (*type) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
        return LAYER_IP;
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_OLD_QINQ:
        if (gate_load(gate, *offset, h, 4)) return LAYER_FAILED;
        packet->vlan = gate_be16(h) & 0xFFF;
        packet->tagged = 1;
        *type = gate_be16(h + 2);
        *offset += 4;
        return LAYER_ETHERTYPE;
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
        return LAYER_MPLS;
    case ETHERTYPE_PPPOE: /* RFC 2516 section 4 */
        if (gate_load(gate, *offset, h, 6)) return LAYER_FAILED;
        *offset += 6;
        return LAYER_PPP;
    case ETHERTYPE_PPP:
        return LAYER_PPP;
    case ETHERTYPE_TEB:
        return LAYER_ETHERNET;
    case ETHERTYPE_ERSPAN_3: /* draft-foschiano-erspan-03 section 4.3; the O bit adds a platform header */
        if (gate_load(gate, *offset, h, 2) || gate_load(gate, *offset + 8, h + 4, 4)) return LAYER_FAILED;
        packet->vlan = gate_be16(h) & 0xFFF;
        packet->tagged = packet->vlan != 0;
        *offset += h[7] & 1 ? 20 : 12;
        return LAYER_ETHERNET;
    default:
        break;
    }
    if (*type < 0x600) { /* IEEE 802.3 length: SNAP carries an EtherType, other LLC does not */
        if (!gate_load(gate, *offset, h, 8) && h[0] == 0xAA && h[1] == 0xAA && gate_be16(h + 6) >= 0x600) {
            *type = gate_be16(h + 6);
            *offset += 8;
            return LAYER_ETHERTYPE;
        }
        *type = ETHERTYPE_LLC;
    }
    packet->key.ethertype = (u16)*type;
    return LAYER_DONE;
}

/* An IPv4 or IPv6 header. `end` becomes where its payload ends in the frame. */
GATE_INLINE u32 decode_ip(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type, u32 *end) {
    u8 h[40];
    if (gate_load(gate, *offset, h, 20)) return LAYER_FAILED;
    if (h[0] >> 4 == 4) {
        u32 header = (u32)(h[0] & 15) * 4, total = gate_be16(h + 2);
        if (header < 20) return LAYER_FAILED;
        if (!total) total = *end - *offset; /* segmentation offload leaves the length to the network card */
        if (total < header) return LAYER_FAILED;
        packet->key.ethertype = ETHERTYPE_IPV4;
        __builtin_memcpy(packet->key.address[0], h + 12, 4);
        __builtin_memcpy(packet->key.address[1], h + 16, 4);
        *type = h[9];
        *end = gate_smaller(*end, *offset + total);
        *offset += header;
        u32 fragment = gate_be16(h + 6) & 0x3FFF; /* more-fragments bit and offset (RFC 791 section 3.1) */
        if (fragment) {
            packet->fragment_id = gate_be16(h + 4);
            packet->fragment_offset = (fragment & 0x1FFF) * 8;
            packet->fragmented = packet->fragment_offset ? 2 : 1;
        }
        return LAYER_PROTOCOL;
    }
    if (h[0] >> 4 != 6 || gate_load(gate, *offset + 20, h + 20, 20)) return LAYER_FAILED;
    u32 length = gate_be16(h + 4);
    packet->key.ethertype = ETHERTYPE_IPV6;
    __builtin_memcpy(packet->key.address[0], h + 8, 16);
    __builtin_memcpy(packet->key.address[1], h + 24, 16);
    *type = h[6];
    *offset += 40;
    if (length) *end = gate_smaller(*end, *offset + length);
    return LAYER_PROTOCOL;
}

/* GRE versions 0 and 1 (RFC 2784, RFC 2890, RFC 2637), and the kinds of ERSPAN in it. */
GATE_INLINE u32 decode_gre(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    u8 h[4];
    if (gate_load(gate, *offset, h, 4)) return LAYER_FAILED;
    u32 sequenced = h[0] & 0x10, length = 4;
    length += h[0] & 0x80 ? 4 : 0;
    length += h[0] & 0x20 ? 4 : 0;
    length += sequenced ? 4 : 0;
    length += (h[1] & 7) == 1 && h[1] & 0x80 ? 4 : 0;
    *type = gate_be16(h + 2);
    *offset += length;
    enter_tunnel(packet);
    if (*type != ETHERTYPE_ERSPAN) return LAYER_ETHERTYPE;
    if (sequenced) { /* type II: 8 bytes, its VLAN in the low bits of the first two; type I has no header */
        if (gate_load(gate, *offset, h, 2)) return LAYER_FAILED;
        packet->vlan = gate_be16(h) & 0xFFF;
        packet->tagged = packet->vlan != 0;
        *offset += 8;
    }
    return LAYER_ETHERNET;
}

/* A UDP datagram to a tunnel's port whose first bytes are that tunnel's header; LAYER_DONE when it is none. */
GATE_INLINE u32 decode_udp_tunnel(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    u8 h[12];
    u32 port = packet->key.port[1];
    if (port != PORT_VXLAN && port != PORT_GENEVE && port != PORT_GTP_U) return LAYER_DONE;
    if (packet->key.depth >= GATE_MAX_TUNNELS || gate_load(gate, *offset, h, 8)) return LAYER_DONE;
    if (port == PORT_VXLAN) { /* RFC 7348 section 5 */
        if (h[0] != 0x08 || h[7]) return LAYER_DONE;
        *offset += 8;
        enter_tunnel(packet);
        return LAYER_ETHERNET;
    }
    if (port == PORT_GENEVE) { /* RFC 8926 section 3.4 */
        if (h[0] >> 6 || h[7]) return LAYER_DONE;
        *offset += 8 + (u32)(h[0] & 0x3F) * 4;
        *type = gate_be16(h + 2);
        enter_tunnel(packet);
        return LAYER_ETHERTYPE;
    }
    if (h[0] >> 4 != 3 || h[1] != 0xFF) return LAYER_DONE; /* 3GPP TS 29.281 section 5.1: G-PDU only */
    u32 length = 8;
    if (h[0] & 7) { /* optional fields; extension headers are bounded to one, as user-plane traffic has (PDU session) */
        if (gate_load(gate, *offset + 8, h, 4)) return LAYER_DONE;
        length = 12;
        if (h[3]) {
            if (gate_load(gate, *offset + 12, h, 1) || !h[0]) return LAYER_DONE;
            length += (u32)h[0] * 4;
        }
    }
    *offset += length;
    enter_tunnel(packet);
    return LAYER_IP;
}

/* TCP, UDP, SCTP, the extension headers of IPv6, and the protocols that carry another packet. */
GATE_INLINE u32 decode_protocol(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type, u32 end) {
    u8 h[20];
    u32 v6 = packet->key.ethertype == ETHERTYPE_IPV6;
    packet->key.protocol = (u8)*type;
    packet->payload_offset = *offset;
    packet->payload_bytes = end > *offset ? end - *offset : 0;
    if (packet->fragmented == 2) return LAYER_DONE;
    switch (*type) {
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION:
    case PROTOCOL_MOBILITY:
    case PROTOCOL_HIP:
    case PROTOCOL_SHIM6:
        if (!v6) return LAYER_DONE;
        if (gate_load(gate, *offset, h, 2)) return LAYER_DONE;
        *offset += ((u32)h[1] + 1) * 8;
        *type = h[0];
        return LAYER_PROTOCOL;
    case PROTOCOL_AH:
        if (gate_load(gate, *offset, h, 2)) return LAYER_DONE;
        *offset += ((u32)h[1] + 2) * 4;
        *type = h[0];
        return LAYER_PROTOCOL;
    case PROTOCOL_FRAGMENT:
        if (!v6 || gate_load(gate, *offset, h, 8)) return LAYER_DONE;
        *offset += 8;
        *type = h[0];
        packet->fragment_id = gate_be32(h + 4);
        packet->fragment_offset = gate_be16(h + 2) & 0xFFF8;
        packet->fragmented = packet->fragment_offset ? 2 : h[3] & 1;
        return LAYER_PROTOCOL;
    case PROTOCOL_IPIP:
    case PROTOCOL_IPV6:
        if (packet->key.depth >= GATE_MAX_TUNNELS) return LAYER_DONE;
        enter_tunnel(packet);
        return LAYER_IP;
    case PROTOCOL_MPLS:
        if (packet->key.depth >= GATE_MAX_TUNNELS) return LAYER_DONE;
        enter_tunnel(packet);
        return LAYER_MPLS;
    case PROTOCOL_GRE:
        return packet->key.depth >= GATE_MAX_TUNNELS ? LAYER_DONE : decode_gre(gate, packet, offset, type);
    case PROTOCOL_TCP:
    case PROTOCOL_UDP:
    case PROTOCOL_UDP_LITE:
    case PROTOCOL_SCTP:
        break;
    default:
        return LAYER_DONE;
    }
    packet->headless = 1; /* until the whole header has been seen */
    if (gate_load(gate, *offset, h, 4)) return LAYER_DONE;
    packet->key.port[0] = gate_be16(h);
    packet->key.port[1] = gate_be16(h + 2);
    u32 header = *type == PROTOCOL_SCTP ? 12 : 8;
    if (*type == PROTOCOL_TCP) {
        if (gate_load(gate, *offset, h, 20)) return LAYER_DONE;
        header = (u32)(h[12] >> 4) * 4;
        packet->sequence = gate_be32(h + 4);
        packet->acknowledgement = gate_be32(h + 8);
        packet->tcp_flags = h[13];
    }
    if (header < 8 || header > packet->payload_bytes || (*type == PROTOCOL_TCP && header < 20)) {
        packet->payload_bytes = 0;
        return LAYER_DONE;
    }
    packet->headless = *type == PROTOCOL_SCTP;
    packet->header_bytes = header;
    packet->payload_offset += header;
    packet->payload_bytes -= header;
    *offset += header;
    return *type == PROTOCOL_UDP && packet->fragmented == 0 ? decode_udp_tunnel(gate, packet, offset, type) : LAYER_DONE;
}

/* Fills `packet` (zeroed but for time_ns, wire_bytes, captured_bytes, frames, and a tag from beside the frame).
 * Returns 0, or -1 when not even one layer could be told: the frame is undecodable. */
GATE_INLINE int gate_decode(struct gate *gate, u32 link, struct gate_packet *packet) {
    u32 offset = 0, type = 0, end = packet->wire_bytes;
    u32 layer = decode_link(gate, link, &offset, &type);
    u8 h[14];
    for (u32 i = 0; i < GATE_MAX_HEADERS && layer < LAYER_DONE; i++) {
        if (layer == LAYER_ETHERNET) {
            if (gate_load(gate, offset, h, 14)) {
                layer = LAYER_FAILED;
            } else {
                type = gate_be16(h + 12);
                offset += 14;
                layer = LAYER_ETHERTYPE;
            }
        } else if (layer == LAYER_ETHERTYPE) {
            layer = decode_ethertype(gate, packet, &offset, &type);
        } else if (layer == LAYER_MPLS) { /* RFC 3032 section 2.1; after the last label the first nibble tells */
            if (gate_load(gate, offset, h, 5)) {
                layer = LAYER_FAILED;
            } else {
                offset += 4;
                u32 version = h[4] >> 4;
                if (h[2] & 1) layer = version == 4 || version == 6 ? LAYER_IP : LAYER_ETHERNET;
                if (h[2] & 1 && version == 0) offset += 4; /* pseudowire control word (RFC 4385) */
            }
        } else if (layer == LAYER_PPP) {
            if (gate_load(gate, offset, h, 2)) {
                layer = LAYER_FAILED;
            } else { /* protocol field compression: an odd first byte is the whole number (RFC 1661 section 2) */
                type = ppp_ethertype(h[0] & 1 ? h[0] : gate_be16(h));
                offset += h[0] & 1 ? 1 : 2;
                layer = LAYER_ETHERTYPE;
            }
        } else if (layer == LAYER_IP) {
            layer = decode_ip(gate, packet, &offset, &type, &end);
        } else {
            layer = decode_protocol(gate, packet, &offset, &type, end);
        }
    }
    if (layer == LAYER_DONE) return 0;
    if (layer < LAYER_DONE) gate_totals(gate)->truncated_headers += 1;
    if (!packet->key.depth) return -1;
    packet->key = packet->outer; /* inside unreadable: count it by the tunnel's ends */
    packet->payload_bytes = 0;
    packet->fragmented = 0;
    packet->headless = 1;
    __builtin_memset(&packet->outer, 0, sizeof packet->outer);
    return 0;
}

#endif
