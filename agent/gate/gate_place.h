/* A payload of a flow that is introducing itself -> its place in the stream. */
#ifndef GATE_PLACE_H
#define GATE_PLACE_H

#include "gate_core.h"
#include "gate_decode.h"
#include "gate_open.h"
#include "gate_request.h"

/* Where the payload is in the frame, and its first bytes. -1: they are not there. */
GATE_INLINE int start_piece(struct gate *gate, struct gate_piece *piece, const struct gate_packet *packet) {
    u8 h[4] = {0};
    piece->at = packet->payload_offset;
    piece->captured = gate_smaller(packet->payload_bytes, packet->captured_bytes - packet->payload_offset);
    if (piece->captured >= 4) {
        if (gate_load(gate, piece->at, h, 4)) return -1;
    } else if (gate_load(gate, piece->at, h, 2) && gate_load(gate, piece->at, h, 1)) {
        return -1;
    }
    piece->first = gate_be32(h);
    return 0;
}

/* A proxy's word before the stream (haproxy's PROXY protocol, version 1): where the stream itself begins, or 0. */
GATE_INLINE u32 proxy_header(struct gate *gate, const struct gate_piece *piece) {
    if (piece->first != 0x50524F58) return 0; /* "PROX" */
    u32 length = gate_smaller(piece->captured, 107); /* the longest such line */
    u8 h[2];
    if (length < 8 || gate_load(gate, piece->at + 4, h, 2) || h[0] != 'Y' || h[1] != ' ') return 0;
    u32 end = find_line_end(gate, piece->at, length);
    return end < length && end + 2 < piece->captured ? end + 2 : 0;
}

/* Places a segment in its stream: `offset`, and past a proxy's word. A flow whose start was not seen is closed, unless
 * the first payload that is seen is itself a beginning: a ClientHello or a request. -1: there is nothing to open. */
GATE_INLINE int place_segment(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 known = piece->direction ? FLOW_BASE_CLIENT : FLOW_BASE_SERVER;
    u32 *base = GATE_EITHER(piece->direction, row->base[GATE_TO_SERVER], row->base[GATE_TO_CLIENT]);
    u32 sequence = packet->sequence + (packet->tcp_flags & TCP_SYN ? 1 : 0);
    if (!(row->flags & known)) {
        piece->midstream = row->kind == FLOW_UNDECIDED;
        if (piece->direction == GATE_TO_CLIENT && row->kind != FLOW_DNS) {
            if (!(row->flags & FLOW_BASE_SERVER)) close_flow(row);
            return -1;
        }
        *base = sequence;
        row->flags |= (u16)known;
    }
    piece->offset = sequence - *base;
    piece->placed = 1;
    u32 skip = !piece->offset && row->kind == FLOW_UNDECIDED ? proxy_header(gate, piece) : 0;
    if (skip) {
        u8 h[4];
        *base += skip;
        piece->at += skip;
        piece->captured -= skip;
        piece->first = gate_load(gate, piece->at, h, 4) ? 0 : gate_be32(h);
    }
    return 0;
}

#endif
