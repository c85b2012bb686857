/* Tunnels: headers after which another frame or packet begins. Mirror sessions arrive so. */
#ifndef GATE_TUNNEL_H
#define GATE_TUNNEL_H

#include "gate_core.h"
#include "gate_link.h"

enum tunnel_port { PORT_GTP_U = 2152, PORT_VXLAN = 4789, PORT_CAPWAP = 5247, PORT_GENEVE = 6081 };

/* Remembers the ends met so far as the tunnel's and forgets all else of the packet. */
GATE_INLINE void enter_tunnel(struct gate_packet *packet) {
    if (!packet->key.depth) packet->outer = packet->key;
    u8 depth = packet->key.depth + 1;
    __builtin_memset(&packet->key, 0, sizeof packet->key);
    packet->key.depth = depth;
}

/* GRE versions 0 and 1 (RFC 2784, RFC 2890, RFC 2637), and the kinds of ERSPAN in it. */
GATE_INLINE u32 decode_gre(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    const u8 *h = gate_header(gate, *offset, 4);
    if (!h) return LAYER_FAILED;
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
        h = gate_header(gate, *offset, 2);
        if (!h) return LAYER_FAILED;
        packet->tagged = 0; /* of the session, not of what it mirrors */
        note_vlan(packet, gate_be16(h) & 0xFFF);
        *offset += 8;
    }
    return LAYER_ETHERNET;
}

/* CAPWAP data (RFC 5415 section 4.3): what a wireless controller's access points send, Ethernet or 802.11 inside. */
GATE_INLINE u32 decode_capwap(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    const u8 *h = gate_header(gate, *offset, 4);
    if (!h || h[0]) return LAYER_DONE; /* DTLS */
    packet->headless = 1; /* unless it can be read on: part of a frame is not this flow's own word */
    if (h[3] & 0x88) return LAYER_DONE; /* a fragment, a keep-alive */
    u32 length = (u32)(h[1] >> 3) * 4, native = h[2] & 1;
    if (length < 8) return LAYER_DONE;
    if (!native) {
        *offset += length;
        enter_tunnel(packet);
        return LAYER_ETHERNET;
    }
    h = gate_header(gate, *offset + length, 2);
    if (!h) return LAYER_DONE;
    u32 control = (h[0] & 0x7F) == 0x08 ? h[0] : h[1]; /* some access points swap the two bytes of frame control */
    if ((control & 0x7F) != 0x08) return LAYER_DONE;   /* data frames only (IEEE 802.11 section 9.2.4.1) */
    *offset += length + 24 + (control & 0x80 ? 2 : 0);
    *type = 0; /* LLC and SNAP follow */
    enter_tunnel(packet);
    return LAYER_ETHERTYPE;
}

GATE_INLINE int is_tunnel_port(u32 port) {
    return port == PORT_GTP_U || port == PORT_VXLAN || port == PORT_CAPWAP || port == PORT_GENEVE;
}

/* A UDP datagram to a tunnel's port whose first bytes are that tunnel's header; LAYER_DONE when it is none. */
GATE_INLINE u32 decode_udp_tunnel(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type) {
    if (!is_tunnel_port(packet->key.port[1]) && packet->key.port[0] != PORT_CAPWAP) return LAYER_DONE;
    const u8 *h = gate_header(gate, *offset, 8);
    if (packet->fragmented || packet->key.depth >= GATE_MAX_TUNNELS || !h) {
        packet->headless = 1; /* what is inside are others' words, not this flow's own: they stay closed */
        return LAYER_DONE;
    }
    u32 port = packet->key.port[1], capwap = port == PORT_CAPWAP || packet->key.port[0] == PORT_CAPWAP;
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
    if (capwap) return decode_capwap(gate, packet, offset, type);
    if (h[0] >> 4 != 3 || h[1] != 0xFF) return LAYER_DONE; /* 3GPP TS 29.281 section 5.1: G-PDU only */
    u32 length = 8;
    if (h[0] & 7) { /* optional fields; extension headers are bounded to one, as user-plane traffic has (PDU session) */
        h = gate_header(gate, *offset + 8, 4);
        if (!h) return LAYER_DONE;
        length = 12;
        if (h[3]) {
            h = gate_header(gate, *offset + 12, 1);
            if (!h || !h[0]) return LAYER_DONE;
            length += (u32)h[0] * 4;
        }
    }
    *offset += length;
    enter_tunnel(packet);
    return LAYER_IP;
}

#endif
