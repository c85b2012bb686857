/* IP fragments: what is kept of a packet's first one -> where its later ones belong, and what may be opened of them. */
#ifndef GATE_FRAGMENT_H
#define GATE_FRAGMENT_H

#include "gate_core.h"

/* What the fragments of a packet have in common. */
GATE_INLINE void start_fragment_key(struct gate_fragment_key *key, const struct gate_packet *packet) {
    __builtin_memcpy(key->address, packet->key.address, 32);
    key->id = packet->fragment_id;
    key->protocol = packet->key.protocol;
}

/* Finds a later fragment's first one. -1: it is not known, or no more. */
GATE_INLINE int find_first(struct gate *gate, const struct gate_packet *packet, struct gate_fragment *first) {
    struct gate_fragment_key key;
    start_fragment_key(&key, packet);
    return gate_find_fragment(gate, &key, first);
}

/* Places a later fragment behind its first, whose way it goes. */
GATE_INLINE void follow_first(struct gate_piece *piece, const struct gate_packet *packet) {
    const struct gate_fragment *first = &packet->first;
    if (!first->placed) return;
    piece->placed = 1;
    piece->offset = first->stream_offset + packet->fragment_offset - first->header_bytes;
    piece->follows = first->opened;
}

/* The end of each packet that may have a payload: keeps what later fragments of a first one need, whose they are, where
 * they stand, and whether they may be opened. */
GATE_INLINE void finish_piece(struct gate *gate, const struct gate_piece *piece, const struct gate_packet *packet) {
    struct gate_fragment_key key;
    struct gate_fragment keep = {0};
    if (packet->fragmented != 1) return;
    start_fragment_key(&key, packet);
    keep.slot = piece->slot;
    keep.stream_offset = piece->offset;
    keep.header_bytes = packet->header_bytes;
    keep.direction = piece->direction;
    keep.opened = piece->opened;
    keep.placed = piece->placed;
    gate_keep_fragment(gate, &key, &keep);
}

#endif
