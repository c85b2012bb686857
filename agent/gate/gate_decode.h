/* A frame's bytes -> struct gate_packet: link layers, tags, tunnels, IP, transport header. Opens no payload.
 *
 * Header by header; each step reads one and says which comes next. A tunnel whose inside cannot be read
 * is counted by its outer ends.
 */
#ifndef GATE_DECODE_H
#define GATE_DECODE_H

#include "gate_core.h"
#include "gate_link.h"
#include "gate_tunnel.h"

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

/* An IPv4 or IPv6 header. `end` becomes where its payload ends in the frame. */
GATE_INLINE u32 decode_ip(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type, u32 *end) {
    const u8 *h = gate_header(gate, *offset, 20);
    if (!h) return LAYER_FAILED;
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
    if (h[0] >> 4 != 6) return LAYER_FAILED;
    h = gate_header(gate, *offset, 40);
    if (!h) return LAYER_FAILED;
    u32 length = gate_be16(h + 4);
    packet->key.ethertype = ETHERTYPE_IPV6;
    __builtin_memcpy(packet->key.address[0], h + 8, 16);
    __builtin_memcpy(packet->key.address[1], h + 24, 16);
    *type = h[6];
    *offset += 40;
    if (length) *end = gate_smaller(*end, *offset + length);
    return LAYER_PROTOCOL;
}

/* TCP, UDP, SCTP, the extension headers of IPv6, and the protocols that carry another packet. */
GATE_INLINE u32 decode_protocol(struct gate *gate, struct gate_packet *packet, u32 *offset, u32 *type, u32 end) {
    const u8 *h;
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
        h = gate_header(gate, *offset, 2);
        if (!h) return LAYER_DONE;
        *offset += ((u32)h[1] + 1) * 8;
        *type = h[0];
        return LAYER_PROTOCOL;
    case PROTOCOL_AH:
        h = gate_header(gate, *offset, 2);
        if (!h) return LAYER_DONE;
        *offset += ((u32)h[1] + 2) * 4;
        *type = h[0];
        return LAYER_PROTOCOL;
    case PROTOCOL_FRAGMENT:
        if (!v6) return LAYER_DONE;
        h = gate_header(gate, *offset, 8);
        if (!h) return LAYER_DONE;
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
    h = gate_header(gate, *offset, 4);
    if (!h) return LAYER_DONE;
    packet->key.port[0] = gate_be16(h);
    packet->key.port[1] = gate_be16(h + 2);
    u32 header = *type == PROTOCOL_SCTP ? 12 : 8;
    if (*type == PROTOCOL_TCP) {
        h = gate_header(gate, *offset, 20);
        if (!h) return LAYER_DONE;
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
    return *type == PROTOCOL_UDP ? decode_udp_tunnel(gate, packet, offset, type) : LAYER_DONE;
}

/* A label (RFC 3032 section 2.1); after the last one the first nibble tells. */
GATE_INLINE u32 decode_mpls(struct gate *gate, u32 *offset) {
    const u8 *h = gate_header(gate, *offset, 5);
    if (!h) return LAYER_FAILED;
    u32 version = h[4] >> 4;
    *offset += 4;
    if (!(h[2] & 1)) return LAYER_MPLS;
    if (version == 0) *offset += 4; /* pseudowire control word (RFC 4385) */
    return version == 4 || version == 6 ? LAYER_IP : LAYER_ETHERNET;
}

/* Protocol field compression: an odd first byte is the whole number (RFC 1661 section 2). */
GATE_INLINE u32 decode_ppp(struct gate *gate, u32 *offset, u32 *type) {
    const u8 *h = gate_header(gate, *offset, 2);
    if (!h) return LAYER_FAILED;
    *type = ppp_ethertype(h[0] & 1 ? h[0] : gate_be16(h));
    *offset += h[0] & 1 ? 1 : 2;
    return LAYER_ETHERTYPE;
}

GATE_INLINE u32 decode_ethernet(struct gate *gate, u32 *offset, u32 *type) {
    const u8 *h = gate_header(gate, *offset + 12, 2);
    if (!h) return LAYER_FAILED;
    *type = gate_be16(h);
    *offset += 14;
    return LAYER_ETHERTYPE;
}

/* One header. */
GATE_INLINE u32 decode_header(struct gate *gate, struct gate_packet *packet, u32 layer, u32 *offset, u32 *type, u32 *end) {
    switch (layer) {
    case LAYER_ETHERNET: return decode_ethernet(gate, offset, type);
    case LAYER_ETHERTYPE: return decode_ethertype(gate, packet, offset, type);
    case LAYER_MPLS: return decode_mpls(gate, offset);
    case LAYER_PPP: return decode_ppp(gate, offset, type);
    case LAYER_IP: return decode_ip(gate, packet, offset, type, end);
    default: return decode_protocol(gate, packet, offset, type, *end);
    }
}

/* Headers in the order in which they mostly come, so that nearly every packet is through after one round; no layer is
 * left out, so that each round gets on. A round is no loop, which the kernel's verifier would not let pass. */
GATE_INLINE void decode_round(struct gate *gate) {
    static const u8 order[] = {LAYER_ETHERNET, LAYER_ETHERTYPE, LAYER_ETHERTYPE, LAYER_ETHERTYPE, LAYER_PPP,      LAYER_ETHERTYPE,
                               LAYER_MPLS,     LAYER_MPLS,      LAYER_IP,        LAYER_PROTOCOL,  LAYER_PROTOCOL};
    u32 layer = gate_packet(gate)->next_layer;
    GATE_UNROLLED
    for (u32 i = 0; i < sizeof order; i++) {
        struct gate_packet *packet = gate_packet(gate);
        if (layer != order[i] || packet->headers == GATE_MAX_HEADERS) continue;
        packet->headers++;
        layer = decode_header(gate, packet, order[i], &packet->next_offset, &packet->next_type, &packet->end);
    }
    gate_packet(gate)->next_layer = layer;
}

/* Begins with the link layer. `packet` is zeroed but for time_ns, wire_bytes, captured_bytes, frames, and a tag from
 * beside the frame. */
GATE_INLINE void start_decode(struct gate *gate, u32 link) {
    struct gate_packet *packet = gate_packet(gate);
    packet->next_layer = decode_link(gate, link, &packet->next_offset, &packet->next_type);
    packet->end = packet->wire_bytes;
}

/* Whether another round is to follow. */
GATE_INLINE int is_decoding(const struct gate_packet *packet) {
    return packet->next_layer < LAYER_DONE && packet->headers < GATE_MAX_HEADERS;
}

/* 0, or -1 when not even one layer could be told: the frame is undecodable. */
GATE_INLINE int finish_decode(struct gate *gate, struct gate_packet *packet) {
    if (packet->next_layer == LAYER_DONE) return 0;
    if (packet->next_layer < LAYER_DONE) gate_count(gate, GATE_TOTAL(truncated_headers), 1);
    if (!packet->key.depth) return -1;
    packet->key = packet->outer; /* inside unreadable: count it by the tunnel's ends */
    packet->payload_bytes = 0;
    packet->fragmented = 0;
    packet->headless = 1;
    __builtin_memset(&packet->outer, 0, sizeof packet->outer);
    return 0;
}

#endif
