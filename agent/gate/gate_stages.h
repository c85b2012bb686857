/* A frame -> its way through the gate, in stages. The first holds all that is done for a packet in mid-flow; each of the
 * others is a program of its own in the kernel, and begins with nothing but what lies in the packet, the piece and the row. */
#ifndef GATE_STAGES_H
#define GATE_STAGES_H

#include "gate_core.h"
#include "gate_datagram.h"
#include "gate_flow.h"
#include "gate_fragment.h"
#include "gate_place.h"
#include "gate_request.h"
#include "gate_stream.h"

/* STAGE_HEADERS: a frame with more headers than one round takes. */
GATE_INLINE void enter_headers(struct gate *gate) {
    decode_round(gate);
    if (is_decoding(gate_packet(gate))) gate_enter(gate, STAGE_HEADERS);
    else count_packet(gate);
}

/* The gate: one frame in, its counts kept, its opened bytes out. The packet as start_decode asks for. */
GATE_INLINE void enter_gate(struct gate *gate, u32 link) {
    gate_count_packet(gate, GATE_TOTAL(seen_packets), gate_packet(gate));
    start_decode(gate, link);
    enter_headers(gate);
}

/* STAGE_SEGMENT: a TCP segment. A later fragment of one whose flow is still undecided tells nothing. */
GATE_INLINE void enter_segment(struct gate *gate) {
    struct gate_packet *packet = gate_packet(gate);
    struct gate_piece *piece = gate_piece(gate);
    struct gate_row *row = gate_row(gate, piece->slot);
    if (!row) return;
    if (!start_piece(gate, piece, packet)) {
        int lost = packet->fragmented == 2 ? !piece->placed || row->kind == FLOW_UNDECIDED : place_segment(gate, row, piece, packet);
        if (!lost && open_segment(gate, row, piece, packet)) {
            gate_enter(gate, row->flags & FLOW_HOST_VALUE ? STAGE_HOST : STAGE_REQUEST);
            return;
        }
    }
    finish_piece(gate, piece, packet);
}

/* STAGE_REQUEST: the head of an HTTP/1 request, a chunk of it at a time. */
GATE_INLINE void enter_request(struct gate *gate) {
    struct gate_piece *piece = gate_piece(gate);
    struct gate_row *row = gate_row(gate, piece->slot);
    if (!row) return;
    u32 found = search_head(gate, row, piece);
    if (found == HEAD_GOES_ON) gate_enter(gate, STAGE_REQUEST);
    else if (found == HEAD_HAS_HOST) gate_enter(gate, STAGE_HOST);
    else finish_piece(gate, piece, gate_packet(gate));
}

/* STAGE_HOST: the value of its Host line. */
GATE_INLINE void enter_host(struct gate *gate) {
    struct gate_packet *packet = gate_packet(gate);
    struct gate_piece *piece = gate_piece(gate);
    struct gate_row *row = gate_row(gate, piece->slot);
    if (!row) return;
    open_host(gate, row, piece, packet);
    finish_piece(gate, piece, packet);
}

/* STAGE_DATAGRAM: a UDP datagram. A later fragment goes only where its first went. */
GATE_INLINE void enter_datagram(struct gate *gate) {
    struct gate_packet *packet = gate_packet(gate);
    struct gate_piece *piece = gate_piece(gate);
    struct gate_row *row = gate_row(gate, piece->slot);
    if (!row) return;
    if (!start_piece(gate, piece, packet)) {
        if (packet->fragmented != 2) piece->placed = 1;
        if (packet->fragmented != 2 || (piece->placed && piece->follows)) open_datagram(gate, row, piece, packet);
    }
    finish_piece(gate, piece, packet);
}

#endif
