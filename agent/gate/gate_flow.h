/* A frame -> counts in its flow's row, and on to gate_stream.h or gate_datagram.h while the flow is introducing itself. */
#ifndef GATE_FLOW_H
#define GATE_FLOW_H

#include "gate_core.h"
#include "gate_decode.h"
#include "gate_datagram.h"
#include "gate_stream.h"

/* Puts the ends in an order of their own and notes which of them sent. */
GATE_INLINE void order_ends(struct gate_packet *packet) {
    u64 a[2], b[2];
    __builtin_memcpy(a, packet->key.address[0], 16);
    __builtin_memcpy(b, packet->key.address[1], 16);
    u16 port = packet->key.port[0];
    if (a[0] < b[0] || (a[0] == b[0] && (a[1] < b[1] || (a[1] == b[1] && port <= packet->key.port[1])))) return;
    __builtin_memcpy(packet->key.address[0], b, 16);
    __builtin_memcpy(packet->key.address[1], a, 16);
    packet->key.port[0] = packet->key.port[1];
    packet->key.port[1] = port;
    packet->sender = 1;
}

/* Whether two keys have the same addresses, ports aside. */
GATE_INLINE int same_ends(const struct gate_key *a, const struct gate_key *b) {
    u64 x[4], y[4];
    __builtin_memcpy(x, a->address, 32);
    __builtin_memcpy(y, b->address, 32);
    return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

GATE_INLINE int is_service_port(u32 port) { return port && (port < 1024 || is_tls_port(port)); }

/* Which end of a new flow is the client: who sent the SYN, else who does not sit on a service's port, else who speaks. */
GATE_INLINE u8 find_client(const struct gate_packet *packet) {
    u8 other = !packet->sender;
    if (packet->key.protocol == PROTOCOL_TCP && packet->tcp_flags & TCP_SYN)
        return packet->tcp_flags & TCP_ACK ? other : packet->sender;
    u32 mine = packet->key.port[packet->sender & 1], theirs = packet->key.port[other & 1];
    return is_service_port(mine) && !is_service_port(theirs) ? other : packet->sender;
}

/* A new row for the flow that begins with this packet. */
GATE_INLINE void start_row(struct gate *gate, struct gate_row *row, const struct gate_packet *packet) {
    __builtin_memset(row, 0, sizeof *row);
    row->key = packet->key;
    row->outer = packet->outer;
    row->first_ns = packet->time_ns;
    row->last_ns = packet->time_ns;
    row->vlan = packet->vlan;
    row->client = find_client(packet);
    row->flags = FLOW_LIVE;
    if (packet->tagged) row->flags |= FLOW_TAGGED;
    if (gate_is_personal(gate, row->key.address[(row->client ^ 1) & 1])) row->flags |= FLOW_PERSONAL;
}

/* Whether this packet begins another flow between the same ends: a SYN that is not the one we know, or a long silence. */
GATE_INLINE int begins_anew(struct gate *gate, const struct gate_row *row, const struct gate_packet *packet) {
    const struct gate_config *config = gate_config(gate);
    u32 closed = row->flags & FLOW_RESET || (row->flags & FLOW_FIN_SERVER && row->flags & FLOW_FIN_CLIENT);
    u64 idle = closed ? config->closed_idle_ns : packet->key.protocol == PROTOCOL_TCP ? config->tcp_idle_ns : config->other_idle_ns;
    if (packet->time_ns > row->last_ns && packet->time_ns - row->last_ns > idle) return 1;
    if (packet->key.protocol != PROTOCOL_TCP || (packet->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN) return 0;
    if (row->client != packet->sender || !(row->flags & FLOW_BASE_SERVER)) return 1;
    return row->base[GATE_TO_SERVER] != packet->sequence + 1;
}

/* Follows SYN, FIN and RST: where streams begin, and that they have ended. */
GATE_INLINE void follow_tcp(struct gate_row *row, const struct gate_packet *packet, u32 direction) {
    u32 flags = packet->tcp_flags;
    u32 known = row->flags & FLOW_BASE_SERVER; /* an answer acknowledges the SYN's data too (RFC 7413): it moves no base */
    if (flags & TCP_SYN && direction == GATE_TO_SERVER) {
        if (!known) row->base[GATE_TO_SERVER] = packet->sequence + 1;
        row->flags |= FLOW_BASE_SERVER;
    } else if (flags & TCP_SYN && flags & TCP_ACK) {
        if (!known) row->base[GATE_TO_SERVER] = packet->acknowledgement;
        row->base[GATE_TO_CLIENT] = packet->sequence + 1;
        row->flags |= FLOW_BASE_SERVER | FLOW_BASE_CLIENT;
    }
    if (flags & TCP_FIN) row->flags |= direction ? FLOW_FIN_CLIENT : FLOW_FIN_SERVER;
    if (flags & TCP_RST) row->flags |= FLOW_RESET;
}

/* A proxy's word before the stream (haproxy's PROXY protocol, version 1): where the stream itself begins, or 0. */
GATE_INLINE u32 proxy_header(struct gate *gate, const struct gate_piece *piece) {
    if (piece->first != 0x50524F58) return 0; /* "PROX" */
    u32 length = gate_smaller(piece->captured, 107); /* the longest such line */
    if (gate_load_head(gate, piece->at, length)) return 0;
    if (length < 8 || gate_head_at(gate, 4) != 'Y' || gate_head_at(gate, 5) != ' ') return 0;
    u32 end = find_line_end(gate, 0, length);
    return end < length && end + 2 < piece->captured ? end + 2 : 0;
}

/* Places a segment in its stream: `offset`, and past a proxy's word. A flow whose start was not seen is closed, unless
 * the first payload that is seen is itself a beginning: a ClientHello or a request. -1: there is nothing to open. */
GATE_INLINE int place_segment(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 known = piece->direction ? FLOW_BASE_CLIENT : FLOW_BASE_SERVER;
    u32 base = row->base[piece->direction & 1];
    u32 sequence = packet->sequence + (packet->tcp_flags & TCP_SYN ? 1 : 0);
    if (!(row->flags & known)) {
        base = sequence;
        piece->midstream = row->kind == FLOW_UNDECIDED;
        if (piece->direction == GATE_TO_CLIENT && row->kind != FLOW_DNS) {
            if (!(row->flags & FLOW_BASE_SERVER)) close_flow(row);
            return -1;
        }
        row->base[piece->direction & 1] = base;
        row->flags |= (u16)known;
    }
    piece->offset = sequence - base;
    piece->placed = 1;
    u32 skip = !piece->offset && row->kind == FLOW_UNDECIDED ? proxy_header(gate, piece) : 0;
    if (skip) {
        u8 h[4];
        row->base[piece->direction & 1] += skip;
        piece->at += skip;
        piece->captured -= skip;
        piece->first = gate_load(gate, piece->at, h, 4) ? 0 : gate_be32(h);
    }
    return 0;
}

/* Places a later fragment behind its first, whose way it goes. -1: there is nothing to open. */
GATE_INLINE int place_fragment(const struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet,
                               const struct gate_fragment *first) {
    if (!first || !first->placed) return -1;
    piece->offset = first->stream_offset + packet->fragment_offset - first->header_bytes;
    piece->follows = first->opened;
    return packet->key.protocol == PROTOCOL_TCP ? row->kind == FLOW_UNDECIDED : !first->opened;
}

/* Opens what may be opened of a packet's payload. */
GATE_INLINE void introduce(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet,
                           const struct gate_fragment *first) {
    u8 h[4] = {0};
    u32 tcp = packet->key.protocol == PROTOCOL_TCP;
    if (row->sealed || row->flags & FLOW_CLOSED || packet->headless || packet->captured_bytes <= packet->payload_offset) return;
    if (!tcp && packet->key.protocol != PROTOCOL_UDP) return;
    piece->at = packet->payload_offset;
    piece->captured = gate_smaller(packet->payload_bytes, packet->captured_bytes - packet->payload_offset);
    if (!piece->captured) return;
    if (piece->captured >= 4) {
        if (gate_load(gate, piece->at, h, 4)) return;
    } else if (gate_load(gate, piece->at, h, 2) && gate_load(gate, piece->at, h, 1)) {
        return;
    }
    piece->first = gate_be32(h);
    piece->placed = !tcp;
    if (packet->fragmented == 2) {
        if (place_fragment(row, piece, packet, first)) return;
    } else if (tcp && place_segment(gate, row, piece, packet)) {
        return;
    }
    if (tcp) open_segment(gate, row, piece, packet);
    else open_datagram(gate, row, piece, packet);
}

/* Keeps what later fragments of this packet need: whose they are, where they stand, and whether they may be opened. */
GATE_INLINE void remember_fragment(struct gate *gate, const struct gate_piece *piece, const struct gate_packet *packet) {
    struct gate_fragment_key key = {0};
    struct gate_fragment keep = {0};
    __builtin_memcpy(key.address, packet->key.address, 32);
    key.id = packet->fragment_id;
    key.protocol = packet->key.protocol;
    keep.slot = piece->slot;
    keep.stream_offset = piece->offset;
    keep.header_bytes = packet->header_bytes;
    keep.direction = piece->direction;
    keep.opened = piece->opened;
    keep.placed = piece->placed;
    gate_keep_fragment(gate, &key, &keep);
}

/* The gate: one frame in, its counts kept, its opened bytes out. `packet` as gate_decode asks for. */
GATE_INLINE void gate_frame(struct gate *gate, u32 link, struct gate_packet *packet) {
    struct gate_totals *totals = gate_totals(gate);
    struct gate_fragment first = {0};
    u32 slot = 0, follows = 0;
    totals->seen_packets += packet->frames;
    totals->seen_bytes += packet->wire_bytes;
    if (gate_decode(gate, link, packet)) {
        totals->undecodable_packets += packet->frames;
        totals->undecodable_bytes += packet->wire_bytes;
        return;
    }
    order_ends(packet);
    if (packet->fragmented == 2) { /* its ports are in the first fragment; without that one it is a flow by itself */
        struct gate_fragment_key key = {0};
        __builtin_memcpy(key.address, packet->key.address, 32);
        key.id = packet->fragment_id;
        key.protocol = packet->key.protocol;
        follows = !gate_find_fragment(gate, &key, &first);
        slot = first.slot;
    }
    struct gate_row *row = follows ? gate_row(gate, slot) : 0;
    if (row && ((row->flags & (FLOW_LIVE | FLOW_UNLINKED)) != FLOW_LIVE || !same_ends(&row->key, &packet->key)))
        row = 0; /* its first one's row has gone */
    follows = row != 0;
    if (!row && !gate_find(gate, &packet->key, &slot)) row = gate_row(gate, slot);
    struct gate_row *before = row && !follows && begins_anew(gate, row, packet) ? row : 0;
    if (!row || before) {
        row = gate_create(gate, packet, before != 0, &slot) ? 0 : gate_row(gate, slot);
        if (row && before) before->flags |= FLOW_UNLINKED;
    }
    if (!row) {
        totals->untracked_packets += packet->frames;
        totals->untracked_bytes += packet->wire_bytes;
        return;
    }
    u32 direction = follows ? first.direction : packet->sender != row->client;
    direction &= 1;
    row->last_ns = packet->time_ns;
    gate_add(&row->packets[direction], packet->frames);
    gate_add(&row->bytes[direction], packet->wire_bytes);
    gate_add(&row->payload_bytes, packet->payload_bytes);
    if (packet->key.protocol == PROTOCOL_TCP && !packet->headless && packet->fragmented != 2) follow_tcp(row, packet, direction);
    if (!packet->payload_bytes && packet->fragmented != 1) return;
    struct gate_piece *piece = gate_piece(gate);
    piece->slot = slot;
    piece->direction = (u8)direction;
    piece->fragmented = packet->fragmented != 0;
    introduce(gate, row, piece, packet, follows ? &first : 0);
    if (packet->fragmented == 1) remember_fragment(gate, piece, packet);
}

#endif
