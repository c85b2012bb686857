/* Link layers and tags: the first header of a frame, and headers chosen by EtherType. */
#ifndef GATE_LINK_H
#define GATE_LINK_H

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

GATE_INLINE u32 ppp_ethertype(u32 protocol) {
    return protocol == 0x0021 ? ETHERTYPE_IPV4 : protocol == 0x0057 ? ETHERTYPE_IPV6 : protocol == 0x0281 ? ETHERTYPE_MPLS : protocol;
}

/* Reads the first header of a link type: its length by `offset`, what follows by `type`. */
GATE_INLINE u32 decode_link(struct gate *gate, u32 link, u32 *offset, u32 *type) {
    const u8 *h;
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
        h = gate_header(gate, 0, 16);
        if (!h) return LAYER_FAILED;
        *offset = 16;
        *type = gate_be16(h + 14);
        return LAYER_ETHERTYPE;
    case LINK_SLL2:
        h = gate_header(gate, 0, 20);
        if (!h) return LAYER_FAILED;
        *offset = 20;
        *type = gate_be16(h);
        return LAYER_ETHERTYPE;
    case LINK_PPP:
    case LINK_PPP_HDLC:
    case LINK_C_HDLC: /* a PPP link may be recorded with or without its HDLC address and control */
        h = gate_header(gate, 0, 4);
        if (!h) return LAYER_FAILED;
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
        h = gate_header(gate, 0, 8);
        if (!h) return LAYER_FAILED;
        *offset = (u32)h[2] | (u32)h[3] << 8;
        if (h[4] == LINK_ETHERNET) return LAYER_ETHERNET;
        return h[4] == LINK_RAW || h[4] == LINK_RAW_BSD || h[4] == LINK_IPV4 ? LAYER_IP : LAYER_FAILED;
    default:
        return LAYER_FAILED;
    }
}

/* Notes a frame's VLAN: its outermost tag counts, in a tunnel that of the frame inside. 0 only gives a priority
 * (IEEE 802.1Q section 9.6). */
GATE_INLINE void note_vlan(struct gate_packet *packet, u32 identifier) {
    if (!identifier || packet->tagged == packet->key.depth + 1) return;
    packet->vlan = (u16)identifier;
    packet->tagged = packet->key.depth + 1;
}

/* One header chosen by EtherType. */
GATE_INLINE u32 decode_ethertype(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    const u8 *h;
    switch (*type) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
        return LAYER_IP;
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_OLD_QINQ:
        h = gate_header(gate, *offset, 4);
        if (!h) return LAYER_FAILED;
        note_vlan(packet, gate_be16(h) & 0xFFF);
        *type = gate_be16(h + 2);
        *offset += 4;
        return LAYER_ETHERTYPE;
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
        return LAYER_MPLS;
    case ETHERTYPE_PPPOE: /* RFC 2516 section 4 */
        h = gate_header(gate, *offset, 6);
        if (!h) return LAYER_FAILED;
        *offset += 6;
        return LAYER_PPP;
    case ETHERTYPE_PPP:
        return LAYER_PPP;
    case ETHERTYPE_TEB:
        return LAYER_ETHERNET;
    case ETHERTYPE_ERSPAN_3: /* draft-foschiano-erspan-03 section 4.3; the O bit adds a platform header */
        h = gate_header(gate, *offset, 12);
        if (!h) return LAYER_FAILED;
        packet->tagged = 0; /* of the session, not of what it mirrors */
        note_vlan(packet, gate_be16(h) & 0xFFF);
        *offset += h[11] & 1 ? 20 : 12;
        return LAYER_ETHERNET;
    default:
        break;
    }
    if (*type < 0x600) { /* IEEE 802.3 length: SNAP carries an EtherType, other LLC does not */
        h = gate_header(gate, *offset, 8);
        if (h && h[0] == 0xAA && h[1] == 0xAA && gate_be16(h + 6) >= 0x600) {
            *type = gate_be16(h + 6);
            *offset += 8;
            return LAYER_ETHERTYPE;
        }
        *type = ETHERTYPE_LLC;
    }
    packet->key.ethertype = (u16)*type;
    return LAYER_DONE;
}

#endif
