/* A TCP segment of a flow that introduces itself -> slices: ClientHello, HTTP/1 request, DNS over TCP, banner. */
#ifndef GATE_STREAM_H
#define GATE_STREAM_H

#include "gate_core.h"
#include "gate_open.h"

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

/* A record header (RFC 8446 section 5.1) of type handshake, version 3.x. */
GATE_INLINE int looks_like_tls(u32 first) { return first >> 16 == 0x1603 && (first >> 8 & 0xFF) <= 4; }

/* The ClientHello's length, when the first record is too short to hold it and it goes on behind the second record's
 * header. 0, or -1 when that cannot be seen in this piece: then nobody knows where the hello ends. */
GATE_INLINE int split_length(struct gate *gate, const struct gate_piece *piece, u32 record, u32 *length) {
    u8 h[5], byte;
    u32 value = 0;
    if (piece->offset || piece->captured < 14 || gate_load(gate, piece->at + 5 + record, h, 5)) return -1;
    if (!record || h[0] != 0x16 || gate_be16(h + 3) < 4 - record) return -1;
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

/* A ClientHello over several records: each further record header found in order moves the end by its five bytes. */
GATE_INLINE void follow_records(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    u8 h[5];
    for (u32 i = 0; i < 8; i++) {
        u32 inside = row->cursor - piece->offset;
        if (!row->cursor || row->cursor >= row->limit || row->cursor < piece->offset) return;
        if (inside + 5 > piece->captured || gate_load(gate, piece->at + inside, h, 5)) return;
        if (h[0] != 0x16) {
            row->limit = row->cursor;
            return;
        }
        row->cursor += 5 + gate_be16(h + 3);
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
    u32 limit = (row->limit ? row->limit : GATE_TLS_BYTES) + widen;
    if (piece->offset >= limit) return;
    u32 length = gate_smaller(piece->captured, limit - piece->offset);
    if (row->opened_bytes + length > GATE_TLS_BYTES + widen) { /* retransmissions have eaten the window */
        close_flow(row);
        return;
    }
    open_slice(gate, row, piece, packet, SLICE_TLS, 0, 0, length);
}

/* ---- HTTP/1 */

/* How many bytes the method has with which a request begins, or 0: RFC 9110 section 9, RFC 5789, WebDAV (RFC 4918,
 * RFC 3253, RFC 5323), and UPnP's events. `first` and `second` are the first eight bytes of the stream. */
GATE_INLINE u32 http_method(u32 first, u32 second) {
    switch (first) {
    case 0x47455420: return 3; /* GET */
    case 0x50555420: return 3; /* PUT */
    case 0x504F5354: return second >> 24 == 0x20 ? 4 : 0; /* POST */
    case 0x48454144: return second >> 24 == 0x20 ? 4 : 0; /* HEAD */
    case 0x50415443: return second >> 16 == 0x4820 ? 5 : 0; /* PATCH */
    case 0x54524143: return second >> 16 == 0x4520 ? 5 : 0; /* TRACE */
    case 0x44454C45: return second >> 8 == 0x544520 ? 6 : 0; /* DELETE */
    case 0x4F505449: return second == 0x4F4E5320 ? 7 : 0; /* OPTIONS */
    case 0x434F4E4E: return second == 0x45435420 ? 7 : 0; /* CONNECT */
    case 0x4D4F5645: return second >> 24 == 0x20 ? 4 : 0; /* MOVE */
    case 0x434F5059: return second >> 24 == 0x20 ? 4 : 0; /* COPY */
    case 0x4C4F434B: return second >> 24 == 0x20 ? 4 : 0; /* LOCK */
    case 0x4D4B434F: return second >> 16 == 0x4C20 ? 5 : 0; /* MKCOL */
    case 0x554E4C4F: return second >> 8 == 0x434B20 ? 6 : 0; /* UNLOCK */
    case 0x5245504F: return second >> 8 == 0x525420 ? 6 : 0; /* REPORT */
    case 0x50524F50: return second == 0x46494E44 ? 8 : second == 0x50415443 ? 9 : 0; /* PROPFIND, PROPPATCH */
    case 0x53454152: return second >> 8 == 0x434820 ? 6 : 0; /* SEARCH */
    case 0x4E4F5449: return second >> 8 == 0x465920 ? 6 : 0; /* NOTIFY */
    case 0x53554253: return second == 0x43524942 ? 9 : 0; /* SUBSCRIBE */
    default: return 0;
    }
}

/* Letters to lower case, without a branch: 0x40 set means a letter or close to one. */
GATE_INLINE u8 folded(u8 byte) { return byte | (byte & 0x40) >> 1; }

/* 1 when `value` (below 2^63) is 0, without a branch: the verifier walks both sides of each branch in a loop. */
GATE_INLINE u64 is_zero(u64 value) { return ((value - 1) & ~value) >> 63; }

/* Looks through the head for a line that starts with "Host:". Returns where its value starts, GATE_HTTP_NONE when
 * these bytes hold none, GATE_HTTP_ENDED when the head ends first. `window` holds the last eight bytes, so a word cut
 * by a segment's end is found. */
enum { GATE_HTTP_NONE = GATE_HTTP_SEARCH_BYTES + 1, GATE_HTTP_ENDED = GATE_HTTP_SEARCH_BYTES + 2 };

/* Of the bytes that were searched, as many of the last as may begin "\nhost:" or an empty line: a row lies in memory
 * that user space reads, and nothing else of the head may stay there. */
GATE_INLINE u64 kept_of_head(u64 last) {
    const u64 host = 0x0A686F73743AULL; /* "\nhost:" */
    if ((last & 0xFFFFFFFFFF) == host >> 8) return last & 0xFFFFFFFFFF;
    if ((last & 0xFFFFFFFF) == host >> 16) return last & 0xFFFFFFFF;
    if ((last & 0xFFFFFF) == host >> 24) return last & 0xFFFFFF;
    if ((last & 0xFFFF) == host >> 32 || (last & 0xFFFF) == 0x0A0D) return last & 0xFFFF;
    return (last & 0xFF) == '\n' ? '\n' : 0;
}

GATE_INLINE u32 find_host(struct gate *gate, u32 length, u64 *window) {
    u64 last = *window;
    u32 found = GATE_HTTP_NONE;
    for (u32 i = 0; i < GATE_HTTP_SEARCH_BYTES; i++) {
        if (i >= length) break;
        last = last << 8 | folded(gate_head_at(gate, i));
        u64 host = is_zero((last & 0xFFFFFFFFFFFFULL) ^ 0x0A686F73743AULL); /* "\nhost:" */
        u64 end = is_zero((last & 0xFFFFFF) ^ 0x0A0D0A) | is_zero((last & 0xFFFF) ^ 0x0A0A);
        if (host | end) {
            found = host ? i + 1 : GATE_HTTP_ENDED;
            break;
        }
    }
    *window = kept_of_head(last);
    return gate_plain(gate, found);
}

/* Where the line that holds byte `from` ends, at most GATE_HTTP_HOST_BYTES on; `length` when it does not end here. */
GATE_INLINE u32 find_line_end(struct gate *gate, u32 from, u32 length) {
    u32 end = length;
    for (u32 i = 0; i <= GATE_HTTP_HOST_BYTES; i++) {
        if (from + i >= length) break;
        u64 byte = gate_head_at(gate, from + i);
        if (is_zero(byte ^ '\r') | is_zero(byte ^ '\n')) {
            end = from + i;
            break;
        }
    }
    return gate_plain(gate, end);
}

/* Searches the head in stream order for the Host line and hands over its value, which may go on in later segments.
 * Gives up at the head's end, or after GATE_HTTP_SEARCH_BYTES. */
GATE_INLINE void open_http(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    if (piece->offset > row->cursor) return; /* a hole: what comes after it cannot be told from a body */
    u32 skip = row->cursor - piece->offset;
    if (skip >= piece->captured || row->cursor >= GATE_HTTP_SEARCH_BYTES) return;
    u32 length = gate_smaller(piece->captured - skip, GATE_HTTP_SEARCH_BYTES - row->cursor);
    if (gate_load_head(gate, piece->at + skip, length)) return;
    length = gate_plain(gate, length);
    row->cursor += length;
    u32 last = row->cursor >= GATE_HTTP_SEARCH_BYTES, value = 0;
    if (!(row->flags & FLOW_HOST_VALUE)) {
        value = find_host(gate, length, &row->window);
        if (value == GATE_HTTP_ENDED || (value == GATE_HTTP_NONE && last)) close_flow(row);
        if (value > length) return;
        row->flags |= FLOW_HOST_VALUE;
        row->limit = 0;
    }
    u32 end = find_line_end(gate, value, length);
    u32 have = gate_smaller(end - value, GATE_HTTP_HOST_BYTES - row->limit);
    row->limit += have;
    u32 whole = end < length && have == end - value;
    if (have || whole) open_slice(gate, row, piece, packet, SLICE_HTTP_HOST, whole ? SLICE_END : 0, skip + value, have);
    if (whole || last || row->limit >= GATE_HTTP_HOST_BYTES) close_flow(row);
}

/* Whether a stream begins with a request. Takes up to eight bytes in stream order, as open_http goes on to do; while
 * there are fewer, and they may become a method, the flow stays undecided. */
GATE_INLINE u32 decide_request(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    u8 byte;
    for (u32 i = 0; i < 8; i++) {
        u32 inside = row->cursor - piece->offset;
        if (row->cursor > 7 || inside >= piece->captured || gate_load(gate, piece->at + inside, &byte, 1)) break;
        row->window = row->window << 8 | byte;
        row->cursor++;
    }
    u64 begins = row->window >> ((row->cursor - 1) * 8 & 56); /* the first byte */
    if (row->cursor < 8) return begins >= 'A' && begins <= 'Z' ? FLOW_UNDECIDED : FLOW_OTHER;
    row->limit = http_method((u32)(row->window >> 32), (u32)row->window);
    row->window = 0;
    return row->limit ? FLOW_HTTP : FLOW_OTHER;
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
    u32 next = piece->direction ? row->limit : row->cursor, end = piece->offset + piece->captured;
    u32 shift = piece->direction ? 16 : 0, half = (u32)(row->window >> shift) & 0x1FF;
    if (piece->offset > next + (half >> 8)) return; /* a hole, with a message's beginning in it */
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
    if (piece->direction) row->limit = next;
    else row->cursor = next;
    row->window = (row->window & ~(0x1FFULL << shift)) | (u64)half << shift;
    end = gate_smaller(gate_smaller(end, next + (half >> 8)), GATE_DNS_TCP_BYTES);
    if (end > piece->offset) open_slice(gate, row, piece, packet, SLICE_DNS_TCP, 0, 0, end - piece->offset);
}

/* Tells from a flow's first payload which row of the table it is. FLOW_UNDECIDED: not yet to be told. */
GATE_INLINE u32 decide_stream(struct gate *gate, struct gate_row *row, const struct gate_piece *piece, const struct gate_packet *packet) {
    u8 h[8] = {0};
    u32 server_port = row->key.port[(row->client ^ 1) & 1], personal = row->flags & FLOW_PERSONAL;
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

/* Opens of one TCP segment what its row allows. */
GATE_INLINE void open_segment(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    if (piece->offset >= GATE_STREAM_LATCH) {
        if (piece->offset < 0x80000000u) close_flow(row); /* far ahead: latched; far behind: a probe of an old byte */
        return;
    }
    if (row->kind == FLOW_UNDECIDED) {
        row->kind = (u8)decide_stream(gate, row, piece, packet);
        if (piece->midstream && (row->kind == FLOW_UNDECIDED || row->kind == FLOW_OTHER)) close_flow(row);
        if (row->kind == FLOW_OTHER && row->flags & FLOW_PERSONAL) close_flow(row);
        if (row->flags & FLOW_CLOSED) return;
        if (row->kind == FLOW_HTTP && !piece->offset && row->limit <= piece->captured)
            open_slice(gate, row, piece, packet, SLICE_HTTP_METHOD, SLICE_END, 0, row->limit);
    }
    if (row->kind == FLOW_DNS) {
        open_dns_stream(gate, row, piece, packet);
    } else if (row->kind == FLOW_OTHER) {
        open_banner(gate, row, piece, packet);
    } else if (piece->direction == GATE_TO_SERVER) {
        if (row->kind == FLOW_TLS) open_tls(gate, row, piece, packet);
        if (row->kind == FLOW_HTTP) open_http(gate, row, piece, packet);
    } else if (row->kind == FLOW_TLS && !row->limit) {
        close_flow(row); /* the server answers, so the hello is over, and its beginning was never seen */
    }
}

#endif
