/* A TCP segment of a flow that introduces itself -> slices: ClientHello, DNS over TCP, banner, and what begins an HTTP/1 request. */
#ifndef GATE_STREAM_H
#define GATE_STREAM_H

#include "gate_core.h"
#include "gate_open.h"
#include "gate_request.h"

/* A record header (RFC 8446 section 5.1) of type handshake, version 3.x. */
GATE_INLINE int looks_like_tls(u32 first) { return first >> 16 == 0x1603 && (first >> 8 & 0xFF) <= 4; }

/* The ClientHello's length, when the first record is too short to hold it and it goes on behind the second record's
 * header. 0, or -1 when that cannot be seen in this piece: then nobody knows where the hello ends. */
GATE_INLINE int split_length(struct gate *gate, const struct gate_piece *piece, u32 record, u32 *length) {
    u8 h[5], byte;
    u32 value = 0;
    if (piece->offset || piece->captured < 14 || gate_load(gate, piece->at + 5 + record, h, 5)) return -1;
    if (!record || h[0] != 0x16 || gate_be16(h + 3) < 4 - record) return -1;
    GATE_UNROLLED
    for (u32 i = 1; i < 4; i++) {
        if (gate_load(gate, piece->at + (i < record ? 5 : 10) + i, &byte, 1)) return -1;
        value = value << 8 | byte;
    }
    *length = value;
    return 0;
}

/* Checks the stream's first nine bytes, as far as this piece holds them, and learns from bytes 3 to 8 how long the
 * first record and the ClientHello are. 0, or -1 when this is no ClientHello. */
GATE_INLINE int learn_hello(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    u64 window = row->window;
    GATE_UNROLLED
    for (u32 i = 0; i < 9; i++) {
        u32 position = piece->offset + i;
        u8 byte;
        if (position > 8 || i >= piece->captured || gate_load(gate, piece->at + i, &byte, 1)) break;
        if (position < 3) {
            if (position == 0 ? byte != 0x16 : position == 1 ? byte != 3 : byte > 4) return -1; /* version 3.0 to 3.4 */
        } else {
            u32 place = (position - 3) & 7;
            window &= ~(0xFFULL << (place * 8));
            window |= (u64)byte << (place * 8) | 1ULL << (48 + place);
        }
    }
    row->window = window;
    if (window >> 50 & 1 && (window >> 16 & 0xFF) != 1) return -1; /* another handshake message */
    if (window >> 48 != 0x3F || row->cursor) return 0;
    u32 record = (u32)(window & 0xFF) << 8 | (u32)(window >> 8 & 0xFF);
    u32 hello = (u32)(window >> 24 & 0xFF) << 16 | (u32)(window >> 32 & 0xFF) << 8 | (u32)(window >> 40 & 0xFF);
    if (record < 4 && split_length(gate, piece, record, &hello)) return -1;
    row->cursor = 5 + record;
    row->limit = gate_smaller(GATE_TLS_BYTES, 9 + hello);
    return 0;
}

/* Puts the next record header together, of which a segment may hold a part: its bytes, the first one lowest, and above
 * them a bit for each that is known. */
GATE_INLINE u64 take_header(struct gate *gate, const struct gate_row *row, const struct gate_piece *piece) {
    u64 record = row->record;
    GATE_UNROLLED
    for (u32 i = 0; i < 5; i++) {
        u32 inside = row->cursor + i - piece->offset;
        u8 byte;
        if (inside >= piece->captured || gate_load(gate, piece->at + inside, &byte, 1)) continue;
        record &= ~(0xFFULL << (i * 8));
        record |= (u64)byte << (i * 8) | 1ULL << (40 + i);
    }
    return record;
}

/* A ClientHello over several records: each further record header moves the end by its five bytes. */
GATE_INLINE void follow_records(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    GATE_UNROLLED
    for (u32 i = 0; i < 8; i++) {
        if (!row->cursor || row->cursor >= row->limit) return;
        u64 record = take_header(gate, row, piece), known = record >> 40;
        if (known & 1 && (record & 0xFF) != 0x16) {
            row->limit = row->cursor;
            return;
        }
        row->record = known == 0x1F ? 0 : record;
        if (known != 0x1F) return;
        row->cursor += 5 + ((u32)(record >> 24 & 0xFF) << 8 | (u32)(record >> 32 & 0xFF));
        row->limit = gate_smaller(GATE_TLS_BYTES, row->limit + 5);
    }
}

GATE_INLINE void open_tls(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 widen = gate_config(gate)->widen_bytes;
    if (piece->offset < 9 && learn_hello(gate, row, piece)) {
        close_flow(row);
        return;
    }
    follow_records(gate, row, piece);
    u32 missing = row->cursor < row->limit ? 5 : 0; /* a record header before the hello's end that has not come yet */
    u32 limit = gate_smaller(GATE_TLS_BYTES, row->limit ? row->limit + missing : GATE_TLS_BYTES) + widen;
    if (piece->offset >= limit) return;
    u32 length = gate_smaller(piece->captured, limit - piece->offset);
    if (row->opened_bytes + length > GATE_TLS_BYTES + widen) { /* retransmissions have eaten the window */
        close_flow(row);
        return;
    }
    open_slice(gate, row, piece, packet, SLICE_TLS, 0, 0, length);
}

/* Whether a DNS message of `length` bytes that begins at `at` of the piece is plausible, as far as its header is here. */
GATE_INLINE int is_dns_message(struct gate *gate, const struct gate_piece *piece, u32 at, u32 length) {
    u8 h[6];
    if (length < 12 || length > GATE_DNS_TCP_BYTES) return 0;
    if (at + 6 > piece->captured || gate_load(gate, piece->at + at, h, 6)) return 1;
    return (h[2] >> 3 & 15) <= 6 && gate_be16(h + 4) <= 32;
}

/* DNS over TCP (RFC 1035 section 4.2.2): opens messages, one behind the other in stream order. What no message's length
 * covers stays closed, and what begins like no message closes the flow. By direction, `cursor` and `limit` are where the
 * next message begins, and `window` holds the first byte of its length while the second has not come. */
GATE_INLINE void open_dns_stream(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 *place = GATE_EITHER(piece->direction, row->cursor, row->limit);
    u32 next = *place, end = piece->offset + piece->captured;
    u32 shift = piece->direction ? 16 : 0, half = (u32)(row->window >> shift) & 0x1FF;
    if (piece->offset > next + (half >> 8)) return; /* a hole, with a message's beginning in it */
    GATE_UNROLLED
    for (u32 i = 0; i < 8; i++) {
        u8 h[2];
        u32 at = next - piece->offset, length = 0;
        if (next + (half >> 8) >= end || next >= GATE_DNS_TCP_BYTES) break;
        if (half >> 8) {
            if (gate_load(gate, piece->at + at + 1, h, 1)) return;
            length = (half & 0xFF) << 8 | h[0];
            half = 0;
        } else if (at + 1 == piece->captured) {
            if (gate_load(gate, piece->at + at, h, 1)) return;
            half = 0x100 | h[0];
            break;
        } else {
            if (gate_load(gate, piece->at + at, h, 2)) return;
            length = gate_be16(h);
        }
        if (!is_dns_message(gate, piece, at + 2, length)) {
            close_flow(row);
            break;
        }
        next = gate_plain(gate, next + 2 + length);
    }
    *place = next;
    row->window = (row->window & ~(0x1FFULL << shift)) | (u64)half << shift;
    end = gate_smaller(gate_smaller(end, next + (half >> 8)), GATE_DNS_TCP_BYTES);
    if (end > piece->offset) open_slice(gate, row, piece, packet, SLICE_DNS_TCP, 0, 0, end - piece->offset);
}

/* Tells from a flow's first payload which row of the table it is. FLOW_UNDECIDED: not yet to be told. */
GATE_INLINE u32 decide_stream(struct gate *gate, struct gate_row *row, const struct gate_piece *piece, const struct gate_packet *packet) {
    u8 h[8] = {0};
    u32 server_port = *GATE_EITHER(row->client, row->key.port[1], row->key.port[0]), personal = row->flags & FLOW_PERSONAL;
    if (server_port == 53) { /* a message may be cut anywhere; midstream its whole header has to be here */
        if (piece->offset) return FLOW_UNDECIDED;
        if (piece->captured >= 14 || piece->midstream) return looks_like_dns(gate, piece, 2) ? FLOW_DNS : FLOW_OTHER;
        return piece->captured < 2 || is_dns_message(gate, piece, 2, piece->first >> 16) ? FLOW_DNS : FLOW_OTHER;
    }
    if (piece->direction == GATE_TO_CLIENT) { /* the server speaks first, if the client has not been heard */
        if (piece->midstream || !(row->flags & FLOW_BASE_SERVER) || packet->acknowledgement != row->base[GATE_TO_SERVER]) return FLOW_UNDECIDED;
        return personal ? FLOW_UNDECIDED : FLOW_OTHER;
    }
    if (piece->offset && row->cursor) return decide_request(gate, row, piece);
    if (piece->offset) return is_tls_port(server_port) && piece->offset < GATE_TLS_BYTES ? FLOW_TLS : FLOW_UNDECIDED;
    if (looks_like_tls(piece->first)) {
        if (piece->captured < 6 || gate_load(gate, piece->at + 4, h, 2)) return is_tls_port(server_port) ? FLOW_TLS : FLOW_OTHER;
        return h[1] == 1 ? FLOW_TLS : FLOW_OTHER;
    }
    if (piece->captured < 4 && is_tls_port(server_port) && piece->first >> 24 == 0x16) return FLOW_TLS;
    if (personal) return FLOW_OTHER;
    return decide_request(gate, row, piece);
}

/* Opens of one TCP segment what its row allows. 1: it is a request's, which open_http goes on with. */
GATE_INLINE int open_segment(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    if (piece->offset >= GATE_STREAM_LATCH) {
        if (piece->offset < 0x80000000u) close_flow(row); /* far ahead: latched; far behind: a probe of an old byte */
        return 0;
    }
    if (row->kind == FLOW_UNDECIDED) {
        row->kind = (u8)decide_stream(gate, row, piece, packet);
        if (piece->midstream && (row->kind == FLOW_UNDECIDED || row->kind == FLOW_OTHER)) close_flow(row);
        if (row->kind == FLOW_OTHER && row->flags & FLOW_PERSONAL) close_flow(row);
        if (row->flags & FLOW_CLOSED) return 0;
        if (row->kind == FLOW_TLS) row->cursor = row->window = 0; /* of what was said before in the same place */
        if (row->kind == FLOW_HTTP && !piece->offset && row->limit <= piece->captured)
            open_slice(gate, row, piece, packet, SLICE_HTTP_METHOD, SLICE_END, 0, row->limit);
    }
    if (row->kind == FLOW_DNS) {
        open_dns_stream(gate, row, piece, packet);
    } else if (row->kind == FLOW_OTHER) {
        open_banner(gate, row, piece, packet);
    } else if (piece->direction == GATE_TO_SERVER) {
        if (row->kind == FLOW_TLS) open_tls(gate, row, piece, packet);
        return row->kind == FLOW_HTTP;
    } else if (row->kind == FLOW_TLS && !row->limit) {
        close_flow(row); /* the server answers, so the hello is over, and its beginning was never seen */
    }
    return 0;
}

#endif
