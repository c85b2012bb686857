/* A packet of a flow -> slices: looks at how the flow begins and opens what its row of the table allows.
 *
 * Looking happens here, below the door: bytes that are looked at and not opened never leave the gate.
 */
#ifndef GATE_OPEN_H
#define GATE_OPEN_H

#include "gate_core.h"
#include "gate_decode.h"

/* Ports on which TLS is spoken from the first byte: there an early segment may be opened before the one that
 * shows the ClientHello's start has come (segments out of order). */
GATE_INLINE int is_tls_port(u32 port) {
    switch (port) {
    case 443: case 465: case 563: case 636: case 853: case 989: case 990: case 992: case 993: case 994: case 995:
    case 5061: case 5228: case 5349: case 8443: case 8883:
        return 1;
    default:
        return 0;
    }
}

GATE_INLINE void close_flow(struct gate_row *row) { row->flags |= FLOW_CLOSED; }

/* Hands over `length` bytes of the piece from `skip` on, and counts them as opened. */
GATE_INLINE int open_slice(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet,
                           u32 kind, u32 flags, u32 skip, u32 length) {
    struct gate_slice *slice = gate_slice(gate);
    __builtin_memset(slice, 0, sizeof *slice);
    slice->time_ns = packet->time_ns;
    slice->slot = piece->slot;
    slice->offset = piece->offset + skip;
    slice->length = length;
    slice->payload_bytes = packet->payload_bytes;
    slice->direction = piece->direction;
    slice->kind = (u8)kind;
    slice->flags = (u8)(flags | (piece->fragmented ? SLICE_FRAGMENT : 0));
    if (gate_emit(gate, piece->at + skip)) return -1;
    gate_add(&row->opened_bytes, length);
    gate_count_opened(gate, kind, length);
    piece->opened = (u8)kind;
    return 0;
}

/* A plausible DNS header (RFC 1035 section 4.1.1): an opcode in use, few questions, and something in it. */
GATE_INLINE int looks_like_dns(struct gate *gate, const struct gate_piece *piece, u32 prefix) {
    u8 h[12];
    if (piece->captured < 12 + prefix || gate_load(gate, piece->at + prefix, h, 12)) return 0;
    u32 opcode = h[2] >> 3 & 15, questions = gate_be16(h + 4), answers = gate_be16(h + 6), others = gate_be16(h + 8);
    u32 additional = gate_be16(h + 10);
    return opcode <= 6 && questions <= 32 && answers <= 512 && others <= 512 && additional <= 512 && questions + answers + others > 0;
}

/* The QR bit of a DNS header. An answer repeats its question, so a query tells nothing that its answer does not. */
GATE_INLINE int is_dns_answer(struct gate *gate, const struct gate_piece *piece) {
    u8 flags = 0;
    return !gate_load(gate, piece->at + 2, &flags, 1) && flags & 0x80;
}

/* The first payload packet each way: "anything else". */
GATE_INLINE void open_banner(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 mine = piece->direction ? FLOW_BANNER_CLIENT : FLOW_BANNER_SERVER;
    if (row->flags & mine || piece->offset) return;
    row->flags |= (u16)mine;
    u32 length = gate_smaller(piece->captured, GATE_BANNER_BYTES + gate_config(gate)->widen_bytes);
    open_slice(gate, row, piece, packet, SLICE_BANNER, length == packet->payload_bytes ? SLICE_END : 0, 0, length);
    if (row->flags & FLOW_BANNER_CLIENT && row->flags & FLOW_BANNER_SERVER) close_flow(row);
}

#endif
