/* A frame -> counts in its flow's row, and on to gate_introduce.h while the flow is introducing itself. */
#ifndef GATE_FLOW_H
#define GATE_FLOW_H

#include "gate_core.h"
#include "gate_decode.h"
#include "gate_fragment.h"
#include "gate_open.h"

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
    const u16 *ports = packet->key.port;
    u32 mine = *GATE_EITHER(packet->sender, ports[0], ports[1]), theirs = *GATE_EITHER(other, ports[0], ports[1]);
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
    const u8 *server = *GATE_EITHER(row->client, row->key.address[1], row->key.address[0]);
    if (gate_is_personal(gate, server)) row->flags |= FLOW_PERSONAL;
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

/* Notes that a row's key belongs to a newer flow. */
GATE_INLINE void unlink_row(struct gate *gate, u32 slot) {
    struct gate_row *row = gate_row(gate, slot);
    if (row) row->flags |= FLOW_UNLINKED;
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

/* Whether a flow is still introducing itself, and this packet has a payload that can be placed in it. */
GATE_INLINE int may_introduce(const struct gate_row *row, const struct gate_packet *packet) {
    if (row->sealed || row->flags & FLOW_CLOSED || packet->headless) return 0;
    if (!packet->payload_bytes || packet->captured_bytes <= packet->payload_offset) return 0;
    return packet->key.protocol == PROTOCOL_TCP || packet->key.protocol == PROTOCOL_UDP;
}

/* A decoded packet -> counts, and on to its stage while its flow introduces itself. */
GATE_INLINE void count_packet(struct gate *gate) {
    struct gate_packet *packet = gate_packet(gate);
    u32 follows = 0;
    if (finish_decode(gate, packet)) {
        gate_count_packet(gate, GATE_TOTAL(undecodable_packets), packet);
        return;
    }
    order_ends(packet);
    if (packet->fragmented == 2) { /* its ports are in the first fragment; without that one it is a flow by itself */
        follows = !find_first(gate, packet);
        packet->slot = gate_kept(gate)->fragment.slot;
    }
    struct gate_row *row = follows ? gate_row(gate, packet->slot) : 0;
    if (row && ((row->flags & (FLOW_LIVE | FLOW_UNLINKED)) != FLOW_LIVE || !same_ends(&row->key, &packet->key)))
        row = 0; /* its first one's row has gone */
    follows = row != 0;
    if (!row && !gate_find(gate, &packet->key, &packet->slot)) row = gate_row(gate, packet->slot);
    u32 anew = row && !follows && begins_anew(gate, row, packet);
    if (!row || anew) {
        packet->before = packet->slot;
        row = gate_create(gate, packet, anew, &packet->slot) ? 0 : gate_row(gate, packet->slot);
        if (!row) {
            gate_count_packet(gate, GATE_TOTAL(untracked_packets), packet);
            return;
        }
        if (anew) unlink_row(gate, packet->before);
    }
    u32 direction = follows ? gate_kept(gate)->fragment.direction : packet->sender != row->client;
    direction &= 1;
    row->last_ns = packet->time_ns;
    gate_add(GATE_EITHER(direction, row->packets[GATE_TO_SERVER], row->packets[GATE_TO_CLIENT]), packet->frames);
    gate_add(GATE_EITHER(direction, row->bytes[GATE_TO_SERVER], row->bytes[GATE_TO_CLIENT]), packet->wire_bytes);
    gate_add(&row->payload_bytes, packet->payload_bytes);
    if (packet->key.protocol == PROTOCOL_TCP && !packet->headless && packet->fragmented != 2) follow_tcp(row, packet, direction);
    if (!packet->payload_bytes && packet->fragmented != 1) return;
    struct gate_piece *piece = gate_piece(gate);
    __builtin_memset(piece, 0, sizeof *piece);
    piece->slot = packet->slot;
    piece->direction = (u8)direction;
    piece->fragmented = packet->fragmented != 0;
    if (follows) follow_first(gate, piece, packet);
    if (!may_introduce(row, packet)) finish_piece(gate, piece, packet);
    else if (packet->key.protocol == PROTOCOL_TCP) gate_enter(gate, STAGE_SEGMENT);
    else gate_enter(gate, STAGE_DATAGRAM);
}

#endif
