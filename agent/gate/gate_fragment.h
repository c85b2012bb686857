/* IP fragments: what is kept of a packet's first one -> where its later ones belong, and what may be opened of them. */
#ifndef GATE_FRAGMENT_H
#define GATE_FRAGMENT_H

#include "gate_core.h"

/* What the fragments of a packet have in common. */
GATE_INLINE void start_kept(struct gate_kept *kept, const struct gate_packet *packet) {
    __builtin_memcpy(kept->key.address, packet->key.address, 32);
    kept->key.id = packet->fragment_id;
    kept->key.protocol = packet->key.protocol;
    kept->key.sender = packet->sender;
}

/* Finds a later fragment's first one. -1: it is not known, or no more. */
GATE_INLINE int find_first(struct gate *gate, const struct gate_packet *packet) {
    start_kept(gate_kept(gate), packet);
    return gate_find_fragment(gate);
}

/* Places a later fragment behind its first, whose way it goes. */
GATE_INLINE void follow_first(struct gate *gate, struct gate_piece *piece, const struct gate_packet *packet) {
    const struct gate_fragment *first = &gate_kept(gate)->fragment;
    if (!first->placed) return;
    piece->placed = 1;
    piece->offset = first->stream_offset + packet->fragment_offset - first->header_bytes;
    piece->follows = first->opened;
    piece->limit = (u16)first->limit;
}

/* The end of each packet that may have a payload: keeps what later fragments of a first one need, whose they are, where
 * they stand, and whether they may be opened. */
GATE_INLINE void finish_piece(struct gate *gate, const struct gate_piece *piece, const struct gate_packet *packet) {
    if (packet->fragmented != 1) return;
    struct gate_kept *kept = gate_kept(gate);
    start_kept(kept, packet);
    kept->fragment.slot = piece->slot;
    kept->fragment.stream_offset = piece->offset;
    kept->fragment.header_bytes = packet->header_bytes;
    kept->fragment.limit = piece->limit;
    kept->fragment.direction = piece->direction;
    kept->fragment.opened = piece->opened;
    kept->fragment.placed = piece->placed;
    gate_keep_fragment(gate);
}

#endif
