/* A UDP datagram of a flow that introduces itself -> slices: DNS, QUIC Initial, DTLS ClientHello, banner. */
#ifndef GATE_DATAGRAM_H
#define GATE_DATAGRAM_H

#include "gate_core.h"
#include "gate_open.h"

GATE_INLINE int is_dns_port(u32 port) { return port == 53 || port == 5353 || port == 5355; }

/* QUIC versions whose Initial can be read: 1, 2, the drafts, Meta's mvfst, Google's Q and T (RFC 9000 section 15). */
GATE_INLINE int is_quic_version(u32 version) {
    return version == 1 || version == 0x6B3343CF || version >> 8 == 0xFF0000 || version >> 4 == 0xFACEB00 ||
           version >> 8 == 0x513034 || version >> 8 == 0x513035 || version >> 8 == 0x543035;
}

enum quic_look { QUIC_NOT, QUIC_LONG, QUIC_INITIAL };

/* RFC 9000 section 17.2; version 2 numbers the packet types anew (RFC 9369 section 3.2). */
GATE_INLINE u32 looks_like_quic(struct gate *gate, const struct gate_piece *piece) {
    u8 h[16];
    if (piece->captured < 16 || gate_load(gate, piece->at, h, 16)) return QUIC_NOT;
    if (!(h[0] & 0x80)) { /* Google QUIC up to Q043: flags with a version and an 8-byte connection ID, then the version */
        u32 version = gate_be32(h + 9);
        return (h[0] & 0x09) == 0x09 && !(h[0] & 0xC0) && version >> 8 == 0x513034 ? QUIC_INITIAL :
               (h[0] & 0x09) == 0x09 && !(h[0] & 0xC0) && version >> 8 == 0x513033 ? QUIC_INITIAL : QUIC_NOT;
    }
    u32 version = gate_be32(h + 1);
    if (!is_quic_version(version)) return QUIC_NOT;
    u32 type = h[0] >> 4 & 3;
    if (version == 0x6B3343CF) return type == 1 ? QUIC_INITIAL : QUIC_LONG;
    if (version >> 8 == 0x513034) return QUIC_INITIAL; /* Q046: its types are of the draft then, all carry a CHLO in the clear */
    return type == 0 ? QUIC_INITIAL : QUIC_LONG;
}

/* A variable-length integer (RFC 9000 section 16) of at most four bytes: what a real token's or packet's length takes.
 * Moves `at` on; GATE_NO_NUMBER when it is longer or is cut off. */
#define GATE_NO_NUMBER 0xFFFFFFFFu
GATE_INLINE u32 quic_number(struct gate *gate, const struct gate_piece *piece, u32 *at) {
    u8 h[4];
    if (gate_load(gate, piece->at + *at, h, 4)) return GATE_NO_NUMBER;
    u32 size = 1u << (h[0] >> 6), word = gate_be32(h) & 0x3FFFFFFF;
    if (size > 4) return GATE_NO_NUMBER;
    *at += size;
    return size == 4 ? word : size == 2 ? word >> 16 : word >> 24;
}

/* How many bytes of a datagram its Initial packets take: other packets may be coalesced behind them (RFC 9000 section
 * 12.2), and stay closed. Google's own format has one packet a datagram. */
GATE_INLINE u32 initial_bytes(struct gate *gate, const struct gate_piece *piece) {
    u8 h[6];
    u32 end = 0, version = 0;
    GATE_UNROLLED
    for (u32 i = 0; i < 3; i++) {
        u32 at = end + 6;
        if (end >= piece->captured || gate_load(gate, piece->at + end, h, 6)) break;
        if (!i) version = gate_be32(h + 1);
        if (!(h[0] & 0x80) || version >> 8 == 0x513034) return i ? end : piece->captured;
        if (gate_be32(h + 1) != version || (h[0] >> 4 & 3) != (version == 0x6B3343CF ? 1 : 0) || h[5] > 20) break;
        at += h[5];
        if (gate_load(gate, piece->at + at, h, 1) || h[0] > 20) break;
        at += 1 + h[0];
        u32 token = quic_number(gate, piece, &at);
        if (token > GATE_DATAGRAM_BYTES) break;
        at += token;
        u32 length = quic_number(gate, piece, &at);
        if (length > GATE_DATAGRAM_BYTES) break;
        end = gate_plain(gate, at + length);
    }
    return end;
}

/* RFC 9147 section 5.2: a handshake record of epoch 0 that holds a ClientHello. */
GATE_INLINE int looks_like_dtls(struct gate *gate, const struct gate_piece *piece) {
    u8 h[14];
    if (piece->captured < 25 || gate_load(gate, piece->at, h, 14)) return 0;
    return h[0] == 0x16 && (h[1] == 0xFE || (h[1] == 0x01 && h[2] == 0x00)) && !h[3] && !h[4] && h[13] == 1;
}

GATE_INLINE u32 decide_datagram(struct gate *gate, const struct gate_row *row, const struct gate_piece *piece) {
    if ((is_dns_port(row->key.port[0]) || is_dns_port(row->key.port[1])) && looks_like_dns(gate, piece, 0)) return FLOW_DNS;
    if (looks_like_quic(gate, piece)) return piece->direction == GATE_TO_SERVER ? FLOW_QUIC : FLOW_UNDECIDED;
    if (looks_like_dtls(gate, piece)) return piece->direction == GATE_TO_SERVER ? FLOW_DTLS : FLOW_UNDECIDED;
    return FLOW_OTHER;
}

/* Opens of one datagram what its row allows. A later fragment goes the way of its first. */
GATE_INLINE void open_datagram(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 follows = piece->follows;
    u32 length = gate_smaller(piece->captured, GATE_DATAGRAM_BYTES);
    if (follows) {
        if (follows == SLICE_BANNER || piece->offset >= piece->limit) return;
        open_slice(gate, row, piece, packet, follows, 0, 0, gate_smaller(length, piece->limit - piece->offset));
        return;
    }
    piece->limit = GATE_DATAGRAM_BYTES;
    if (row->kind == FLOW_UNDECIDED) row->kind = (u8)decide_datagram(gate, row, piece);
    switch (row->kind) {
    case FLOW_DNS:
        if (!looks_like_dns(gate, piece, 0) || !(gate_config(gate)->queries || is_dns_answer(gate, piece))) return;
        open_slice(gate, row, piece, packet, SLICE_DNS, 0, 0, length);
        return;
    case FLOW_QUIC:
    case FLOW_DTLS:
        if (piece->direction != GATE_TO_SERVER) return;
        if (row->kind == FLOW_QUIC ? looks_like_quic(gate, piece) != QUIC_INITIAL : !looks_like_dtls(gate, piece)) return;
        if (row->datagrams >= (row->kind == FLOW_QUIC ? GATE_QUIC_DATAGRAMS : GATE_DTLS_DATAGRAMS)) {
            close_flow(row);
            return;
        }
        row->datagrams++;
        if (row->kind == FLOW_QUIC) piece->limit = (u16)gate_smaller(initial_bytes(gate, piece), GATE_DATAGRAM_BYTES);
        length = gate_smaller(length, piece->limit);
        if (length) open_slice(gate, row, piece, packet, row->kind == FLOW_QUIC ? SLICE_QUIC : SLICE_DTLS, 0, 0, length);
        return;
    case FLOW_OTHER:
        if (row->flags & FLOW_PERSONAL) close_flow(row);
        else open_banner(gate, row, piece, packet);
        return;
    default:
        return;
    }
}

#endif
